//! The certificate of a `/wss` listener, from files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};

/// What is offered by ALPN: a WebSocket begins as HTTP/1.1.
const ALPN: &[u8] = b"http/1.1";

/// Why no certificate could be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificate chain cannot be read.
    #[error("cannot read a certificate chain (PEM) from {}: {}", path.display(), Words(source))]
    Chain {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// The private key cannot be read.
    #[error("cannot read a private key (PEM) from {}: {}", path.display(), Words(source))]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// They do not fit together.
    #[error("the certificate {} and the key {} cannot be used: {source}", chain.display(), key.display())]
    Pair {
        /// The file of the certificate.
        chain: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// The library's words, without its debug form of the common case.
struct Words<'a>(&'a pem::Error);

impl std::fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            pem::Error::Io(error) => error.fmt(f),
            pem::Error::NoItemsFound => f.write_str("there is none in it"),
            other => other.fmt(f),
        }
    }
}

/// The TLS side of a `/wss` listener: a certificate chain, the server's own first, and its private key, both PEM.
pub fn server_config(chain: &Path, key: &Path) -> Result<Arc<ServerConfig>, CertificateError> {
    let unreadable = |source| CertificateError::Chain { path: chain.into(), source };
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(chain).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(unreadable(pem::Error::NoItemsFound));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|source| CertificateError::Key { path: key.into(), source })?;
    let unfit = |source| CertificateError::Pair { chain: chain.into(), key: key.into(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_no_client_auth()
        .with_single_cert(certificates, private)
        .map_err(unfit)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_do_not_fit_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let own = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["b.example".to_owned()]).unwrap();
        let chain = file("chain.pem", &own.cert.pem());
        let key = file("key.pem", &own.key_pair.serialize_pem());
        let wrong = file("other.pem", &other.key_pair.serialize_pem());
        let empty = file("empty.pem", "");
        let missing = folder.path().join("missing.pem");
        assert!(server_config(&chain, &key).is_ok());
        for (chain, key, named) in
            [(&missing, &key, &missing), (&empty, &key, &empty), (&chain, &empty, &empty), (&chain, &wrong, &wrong)]
        {
            let error = server_config(chain, key).unwrap_err().to_string();
            assert!(error.contains(&named.display().to_string()), "{error}");
        }
    }
}
