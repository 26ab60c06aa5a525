//! A small secret file.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

#[cfg(not(unix))]
use others as system;
#[cfg(unix)]
use unix as system;

pub(super) use system::exposed;

/// Reads a file of at most `largest` bytes; `None` when it is larger.
pub(super) fn read(path: &Path, largest: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(largest + 1).read_to_end(&mut bytes)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= largest);
    Ok(fits.then_some(bytes))
}

/// Makes a file that only its owner may read, whole or not at all. A file that is there already stays as it is:
/// `AlreadyExists`.
pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    system::create_dir(parent)?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let draft = parent.join(name);
    let written = system::create_new(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        // A link, since a rename would replace the file of a process that was faster.
        fs::hard_link(&draft, path)
    });
    let removed = fs::remove_file(&draft);
    written.and(removed)
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::{DirBuilder, File, OpenOptions},
        io,
        os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
        path::Path,
    };

    pub(in super::super) fn exposed(path: &Path) -> bool {
        path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
    }

    pub(super) fn create_dir(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    pub(super) fn create_new(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    }
}

#[cfg(not(unix))]
mod others {
    use std::{fs::File, io, path::Path};

    /// The user's data directory is the user's alone.
    pub(in super::super) fn exposed(_: &Path) -> bool {
        false
    }

    pub(super) fn create_dir(path: &Path) -> io::Result<()> {
        std::fs::create_dir_all(path)
    }

    pub(super) fn create_new(path: &Path) -> io::Result<File> {
        File::create_new(path)
    }
}
