//! The directory of what was built: whose it must be, how contents are told apart, who may build.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use sha2::{Digest, Sha256};

/// The list of a built directory's files with their digests.
pub const RECORD: &str = "record.toml";
/// How much of its digest the name of a built directory holds.
pub const DIGEST_LETTERS: usize = 24;
/// Why a directory is not trusted that is another user's, or that others may write to.
pub const NOT_OURS_ALONE: &str = "is not a directory that this user alone can write to";

/// Whether it is a directory that this user alone can write to.
pub fn is_ours_alone(about: &fs::Metadata) -> bool {
    let ours = about.uid() == nix::unistd::geteuid().as_raw();
    ours && about.is_dir() && about.permissions().mode() & 0o022 == 0
}

/// Holds everybody else off who would build an image of this name below this directory, which is made.
pub fn lock(directory: &Path, name: &str) -> io::Result<nix::fcntl::Flock<fs::File>> {
    make_directory(directory)?;
    let file =
        fs::OpenOptions::new().create(true).append(true).open(directory.join(format!("{name}.lock")))?;
    nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusive)
        .map_err(|(_, errno)| io::Error::from(errno))
}

/// Makes the directory, for this user alone, unless it is there.
pub fn make_directory(directory: &Path) -> io::Result<()> {
    if !directory.exists() {
        fs::create_dir_all(directory)?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// The digest of a content, hexadecimal.
pub fn sha256_hex(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// The digest of a file's whole content; the file is read from its beginning again afterwards.
pub fn sha256_of(file: &mut fs::File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match io::Read::read(file, &mut piece)? {
            0 => break,
            length => hasher.update(&piece[..length]),
        }
    }
    io::Seek::rewind(file)?;
    Ok(hex(&hasher.finalize()))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
