//! Packages from their registry, by name and version, and what is in them.

use std::{env, fs, io::Read, sync::Arc, time::Duration};

use serde::Deserialize;
use ureq::{
    Agent,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::image::{Package, Registry, sha256_hex};

/// Largest package, bytes.
const MAX_PACKAGE_BYTES: u64 = 512 << 20;
/// Largest list of a package's files, bytes.
const MAX_INDEX_BYTES: u64 = 64 << 20;
/// Longest time without a byte.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why a package could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("{url}: {source}")]
    Http { url: String, source: Box<ureq::Error> },
    #[error("{url} lists no file {file}")]
    NotListed { url: String, file: String },
    #[error("{path}: {problem}")]
    Certificates { path: String, problem: String },
    #[error("{file} has the SHA-256 {found}, and {expected} is expected: it is not used")]
    WrongDigest { file: String, found: String, expected: String },
    #[error("the package is no readable archive: {0}")]
    Archive(&'static str),
    #[error("the package has no {0}")]
    NoMember(String),
}

impl FetchError {
    /// Whether the registry gave no answer at all.
    pub fn is_unreachable(&self) -> bool {
        match self {
            FetchError::Http { source, .. } => !matches!(**source, ureq::Error::StatusCode(_)),
            _ => false,
        }
    }
}

/// Fetches a package's file and checks its digest.
///
/// Honours what pip honours: `PIP_INDEX_URL`, `PIP_CERT` (else `SSL_CERT_FILE`, else the system's bundle),
/// and the usual proxy variables.
#[expect(clippy::disallowed_methods, reason = "what pip honours")]
pub fn fetch(package: &Package) -> Result<Vec<u8>, FetchError> {
    let Registry::PyPi = package.registry;
    let index = env::var("PIP_INDEX_URL").unwrap_or_else(|_| "https://pypi.org/simple".to_owned());
    let url = format!("{}/{}/", index.trim_end_matches('/'), package.name);
    let agent = agent()?;
    let listing = get(&agent, &url, MAX_INDEX_BYTES)?;
    let link = find_link(&String::from_utf8_lossy(&listing), &package.file);
    let link = link.ok_or_else(|| FetchError::NotListed { url: url.clone(), file: package.file.clone() })?;
    let content = get(&agent, &absolute(&url, &link), MAX_PACKAGE_BYTES)?;
    checked(package, content)
}

/// The content, if it is what the manifest names.
pub fn checked(package: &Package, content: Vec<u8>) -> Result<Vec<u8>, FetchError> {
    let found = sha256_hex(&content);
    match found == package.sha256 {
        true => Ok(content),
        false => {
            let (file, expected) = (package.file.clone(), package.sha256.clone());
            Err(FetchError::WrongDigest { file, found, expected })
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "what pip honours")]
fn agent() -> Result<Agent, FetchError> {
    let named =
        ["PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"].iter().find_map(|name| env::var(name).ok());
    let system = "/etc/ssl/certs/ca-certificates.crt";
    let path = named.or_else(|| fs::exists(system).unwrap_or(false).then(|| system.to_owned()));
    let roots = match path {
        None => RootCerts::WebPki,
        Some(path) => {
            let failed = |problem: String| FetchError::Certificates { path: path.clone(), problem };
            let text = fs::read(&path).map_err(|error| failed(error.to_string()))?;
            let certificates: Vec<_> = parse_pem(&text)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect();
            if certificates.is_empty() {
                return Err(failed("holds no certificate".to_owned()));
            }
            RootCerts::Specific(Arc::new(certificates))
        }
    };
    let config = Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .user_agent(concat!("proofbox/", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(config.into())
}

fn get(agent: &Agent, url: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
    let failed = |source| FetchError::Http { url: url.to_owned(), source: Box::new(source) };
    let accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.5, */*;q=0.1";
    let mut response = agent.get(url).header("Accept", accept).call().map_err(failed)?;
    response.body_mut().with_config().limit(limit).read_to_vec().map_err(failed)
}

/// Where a file is, in the index's JSON or HTML.
fn find_link(listing: &str, file: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Listing {
        files: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        filename: String,
        url: String,
    }
    if let Ok(listing) = serde_json::from_str::<Listing>(listing) {
        return listing.files.into_iter().find(|listed| listed.filename == file).map(|listed| listed.url);
    }
    let links = listing.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut links = links.map(|link| link.split('#').next().unwrap_or(link).replace("&amp;", "&"));
    links.find(|link| link.rsplit('/').next() == Some(file))
}

/// A link as an address of its own.
fn absolute(page: &str, link: &str) -> String {
    if link.contains("://") {
        return link.to_owned();
    }
    let host_end = page.find("://").map_or(0, |at| at + 3);
    let host_end = page[host_end..].find('/').map_or(page.len(), |at| host_end + at);
    if link.starts_with('/') {
        return format!("{}{link}", &page[..host_end]);
    }
    let (mut base, mut link) = (page.trim_end_matches('/'), link);
    while let Some(rest) = link.strip_prefix("../") {
        base = base.rsplit_once('/').map_or(base, |(above, _)| above);
        link = rest;
    }
    format!("{base}/{link}")
}

/// A member's entry in the central directory.
struct Entry<'a> {
    name: &'a [u8],
    at: usize,
}

/// Members of a zip archive (a wheel), unpacked.
pub struct Archive<'a> {
    bytes: &'a [u8],
}

impl<'a> Archive<'a> {
    /// The archive's content must have been checked against its digest.
    pub fn new(bytes: &'a [u8]) -> Archive<'a> {
        Archive { bytes }
    }

    /// A member's content.
    pub fn member(&self, name: &str) -> Result<Vec<u8>, FetchError> {
        let named = |entry: &&Entry<'_>| entry.name == name.as_bytes();
        match self.entries()?.iter().find(named) {
            Some(entry) => self.unpack(entry.at),
            None => Err(FetchError::NoMember(name.to_owned())),
        }
    }

    /// Names and contents of the members that are wanted.
    pub fn members(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = Result<(String, Vec<u8>), FetchError>> {
        let (entries, failed) = match self.entries() {
            Ok(entries) => (entries, None),
            Err(error) => (Vec::new(), Some(Err(error))),
        };
        let named = entries.into_iter().filter_map(|Entry { name, at }| {
            let name = std::str::from_utf8(name).ok()?;
            Some((name.to_owned(), at))
        });
        let unpack = |(name, at)| Ok((name, self.unpack(at)?));
        failed.into_iter().chain(named.filter(move |(name, _)| wanted(name)).map(unpack))
    }

    /// The central directory.
    fn entries(&self) -> Result<Vec<Entry<'a>>, FetchError> {
        let bad = FetchError::Archive;
        // Its end: a signature, in the last 64 KiB.
        let tail = self.bytes.len().saturating_sub(65_557);
        let end = self.bytes[tail..].windows(4).rposition(|window| window == b"PK\x05\x06");
        let end = tail + end.ok_or(bad("no central directory"))?;
        let mut at = self.number(end + 16, 4)?;
        let mut entries = Vec::new();
        for _ in 0..self.number(end + 10, 2)? {
            if self.slice(at, 4)? != b"PK\x01\x02" {
                return Err(bad("a broken central directory"));
            }
            let [name_length, extra, comment] = [28, 30, 32]
                .map(|offset| self.number(at + offset, 2))
                .into_iter()
                .collect::<Result<Vec<_>, _>>()?[..]
            else {
                unreachable!("three numbers");
            };
            entries.push(Entry { name: self.slice(at + 46, name_length)?, at });
            at += 46 + name_length + extra + comment;
        }
        Ok(entries)
    }

    /// Unpacks the member whose entry in the central directory is here.
    fn unpack(&self, entry: usize) -> Result<Vec<u8>, FetchError> {
        let bad = FetchError::Archive;
        let (method, packed, size) =
            (self.number(entry + 10, 2)?, self.number(entry + 20, 4)?, self.number(entry + 24, 4)?);
        let local = self.number(entry + 42, 4)?;
        let start = local + 30 + self.number(local + 26, 2)? + self.number(local + 28, 2)?;
        let content = self.slice(start, packed)?;
        match method {
            0 => Ok(content.to_vec()),
            8 => {
                let mut unpacked = Vec::with_capacity(size);
                flate2::read::DeflateDecoder::new(content)
                    .take(size as u64 + 1)
                    .read_to_end(&mut unpacked)
                    .map_err(|_| bad("a member that cannot be unpacked"))?;
                if unpacked.len() == size { Ok(unpacked) } else { Err(bad("a member of another size")) }
            }
            _ => Err(bad("an unknown compression")),
        }
    }

    fn slice(&self, at: usize, length: usize) -> Result<&'a [u8], FetchError> {
        at.checked_add(length)
            .and_then(|end| self.bytes.get(at..end))
            .ok_or(FetchError::Archive("it ends early"))
    }

    fn number(&self, at: usize, bytes: usize) -> Result<usize, FetchError> {
        Ok(self.slice(at, bytes)?.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_json_and_html() {
        let json = r#"{"files": [{"filename": "a-1.whl", "url": "https://x/y/a-1.whl", "hashes": {}}]}"#;
        let html = r#"<a href="../../packages/a-1.whl#sha256=0">a-1.whl</a>"#;
        assert_eq!(find_link(json, "a-1.whl").as_deref(), Some("https://x/y/a-1.whl"));
        assert_eq!(find_link(html, "a-1.whl").as_deref(), Some("../../packages/a-1.whl"));
        assert_eq!(find_link(html, "a-2.whl"), None);
        let page = "https://host/root/simple/a/";
        assert_eq!(absolute(page, "../../packages/a-1.whl"), "https://host/root/packages/a-1.whl");
        assert_eq!(absolute(page, "/p/a"), "https://host/p/a");
        assert_eq!(absolute(page, "https://other/a"), "https://other/a");
    }

    #[test]
    fn a_package_that_is_not_the_one_named_is_refused() {
        let package = Package {
            registry: Registry::PyPi,
            name: "a".to_owned(),
            version: "1".to_owned(),
            file: "a-1.whl".to_owned(),
            sha256: sha256_hex(b"right"),
        };
        assert!(checked(&package, b"right".to_vec()).is_ok());
        assert!(matches!(checked(&package, b"wrong".to_vec()), Err(FetchError::WrongDigest { .. })));
    }
}
