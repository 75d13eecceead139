//! Packages as they come: zip archives (wheels).

use std::io::Read;

/// Why there is nothing to be had of a package.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("the package is no readable archive: {0}")]
    Unreadable(&'static str),
    #[error("the package has no {0}")]
    NoMember(String),
}

/// A member's entry in the central directory.
struct Member<'a> {
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
    pub fn member(&self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        let named = |entry: &&Member<'_>| entry.name == name.as_bytes();
        match self.entries()?.iter().find(named) {
            Some(entry) => self.unpack(entry.at),
            None => Err(ArchiveError::NoMember(name.to_owned())),
        }
    }

    /// Names and contents of the members that are wanted.
    pub fn members(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = Result<(String, Vec<u8>), ArchiveError>> {
        let (entries, failed) = match self.entries() {
            Ok(entries) => (entries, None),
            Err(error) => (Vec::new(), Some(Err(error))),
        };
        let named = entries.into_iter().filter_map(|Member { name, at }| {
            let name = std::str::from_utf8(name).ok()?;
            Some((name.to_owned(), at))
        });
        let unpack = |(name, at)| Ok((name, self.unpack(at)?));
        failed.into_iter().chain(named.filter(move |(name, _)| wanted(name)).map(unpack))
    }

    /// The central directory.
    fn entries(&self) -> Result<Vec<Member<'a>>, ArchiveError> {
        let bad = ArchiveError::Unreadable;
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
            entries.push(Member { name: self.slice(at + 46, name_length)?, at });
            at += 46 + name_length + extra + comment;
        }
        Ok(entries)
    }

    /// Unpacks the member whose entry in the central directory is here.
    fn unpack(&self, entry: usize) -> Result<Vec<u8>, ArchiveError> {
        let bad = ArchiveError::Unreadable;
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

    fn slice(&self, at: usize, length: usize) -> Result<&'a [u8], ArchiveError> {
        at.checked_add(length)
            .and_then(|end| self.bytes.get(at..end))
            .ok_or(ArchiveError::Unreadable("it ends early"))
    }

    fn number(&self, at: usize, bytes: usize) -> Result<usize, ArchiveError> {
        Ok(self.slice(at, bytes)?.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }
}
