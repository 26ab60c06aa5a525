//! The private key of a peer, in a file: the protobuf of libp2p (specs, peer-ids), as go-libp2p and rust-libp2p write it.

mod file;

use std::{
    io,
    path::{Path, PathBuf},
};

use etcetera::AppStrategy;
use libp2p_identity::{DecodingError, Keypair};

use crate::transport::webrtc_direct::{Certificate, CertificateError};

/// The most that is read of a key file: an RSA key of 8,192 bits takes 4,700 bytes.
const LARGEST: u64 = 16 * 1024;

/// Why a key file cannot be used. Each names the file; none of them has changed it. What the system says is the source.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It cannot be read.
    #[error("cannot read the identity file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is larger than a key.
    #[error("the identity file {} is larger than {LARGEST} bytes, which no private key is", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It holds something else.
    #[error("the identity file {} holds no libp2p private key (protobuf)", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
        /// What does not fit, which says little: any bytes may begin like a key.
        error: DecodingError,
    },
    /// Beside it is something else than a certificate.
    #[error("{} holds no certificate with its key; move it away to get a new one", path.display())]
    NotACertificate {
        /// The file.
        path: PathBuf,
    },
    /// No certificate can be made.
    #[error("cannot make a certificate")]
    Certificate(#[source] CertificateError),
    /// It cannot be made.
    #[error("cannot write the identity file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The key just made cannot be written down.
    #[error("cannot encode a new private key")]
    Encode(#[source] DecodingError),
    /// The system names no home directory.
    #[error("no home directory to keep the identity in")]
    NoHome,
}

/// The key in a file.
pub fn load(path: &Path) -> Result<Keypair, IdentityError> {
    let bytes = file::read(path, LARGEST).map_err(|source| IdentityError::Read { path: path.into(), source })?;
    let bytes = bytes.ok_or_else(|| IdentityError::TooLarge { path: path.into() })?;
    Keypair::from_protobuf_encoding(&bytes).map_err(|error| IdentityError::NotAKey { path: path.into(), error })
}

/// The key in a file or, where there is no such file, a new Ed25519 key that is kept there for its owner alone.
pub fn load_or_create(path: &Path) -> Result<Keypair, IdentityError> {
    match load(path) {
        Err(IdentityError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        known => return known,
    }
    let keypair = Keypair::generate_ed25519();
    let bytes = keypair.to_protobuf_encoding().map_err(IdentityError::Encode)?;
    match file::create(path, &bytes) {
        Ok(()) => Ok(keypair),
        // Another process was faster: its key is the one.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => load(path),
        Err(source) => Err(IdentityError::Write { path: path.into(), source }),
    }
}

/// The certificate for webrtc-direct that is kept beside the key, so that addresses that name it stay true; a new one where there
/// is none.
pub fn webrtc_certificate(key: &Path) -> Result<Certificate, IdentityError> {
    let mut name = key.as_os_str().to_owned();
    name.push(".webrtc");
    let path = PathBuf::from(name);
    match file::read(&path, LARGEST) {
        Ok(Some(bytes)) => Certificate::from_bytes(&bytes).map_err(|_| IdentityError::NotACertificate { path }),
        Ok(None) => Err(IdentityError::TooLarge { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let made = Certificate::generate().map_err(IdentityError::Certificate)?;
            match file::create(&path, &made.to_bytes()) {
                Ok(()) => Ok(made),
                // Another process was faster: its certificate is the one.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => webrtc_certificate(key),
                Err(source) => Err(IdentityError::Write { path, source }),
            }
        }
        Err(source) => Err(IdentityError::Read { path, source }),
    }
}

/// Whether others than its owner may read a key file.
#[must_use]
pub fn exposed(path: &Path) -> bool {
    file::exposed(path)
}

/// Where the own key is kept: `p2p-probe/identity.key` in the user's data directory.
pub fn default_path() -> Result<PathBuf, IdentityError> {
    let args = etcetera::AppStrategyArgs { top_level_domain: String::new(), author: String::new(), app_name: "p2p-probe".into() };
    let strategy = etcetera::choose_app_strategy(args).map_err(|_| IdentityError::NoHome)?;
    Ok(strategy.in_data_dir("identity.key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/deeper/identity.key");
        let made = load_or_create(&path).unwrap();
        assert!(!exposed(&path));
        let again = load_or_create(&path).unwrap();
        assert_eq!(made.public(), again.public());
        assert_eq!(load(&path).unwrap().public(), made.public());
        let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["identity.key"], "nothing else is left beside it");
        let kept = webrtc_certificate(&path).unwrap().fingerprint();
        assert_eq!(webrtc_certificate(&path).unwrap().fingerprint(), kept);
    }

    #[test]
    fn errors_name_the_file_and_leave_it_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        for contents in [&b"not a key"[..], &b""[..], &vec![7; 20_000]] {
            std::fs::write(&path, contents).unwrap();
            let error = load_or_create(&path).unwrap_err().to_string();
            assert!(error.contains(&path.display().to_string()), "{error}");
            assert_eq!(std::fs::read(&path).unwrap(), contents);
        }
        let missing = load(&dir.path().join("missing")).unwrap_err();
        assert!(missing.to_string().contains("missing"), "{missing}");
        assert!(matches!(load(dir.path()), Err(IdentityError::Read { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_key_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data/identity.key");
        load_or_create(&path).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(exposed(&path));
    }
}
