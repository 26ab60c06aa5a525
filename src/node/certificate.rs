//! The certificate of a `/wss` listener, from files.

use std::{
    net::IpAddr,
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

use crate::transport::tls;

/// What is offered by ALPN: a WebSocket begins as HTTP/1.1.
const ALPN: &[u8] = b"http/1.1";

/// The TLS side of a `/wss` listener.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(super) config: Arc<ServerConfig>,
    /// The DNS names and IP addresses that it is for.
    pub(super) names: Vec<String>,
}

/// Why no certificate could be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificate chain cannot be read.
    #[error("cannot read a certificate chain (PEM) from {}: {}", path.display(), Words(error))]
    Chain {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: pem::Error,
    },
    /// The private key cannot be read.
    #[error("cannot read a private key (PEM) from {}: {}", path.display(), Words(error))]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: pem::Error,
    },
    /// They do not fit together.
    #[error("the certificate {} and the key {} cannot be used: {error}", chain.display(), key.display())]
    Pair {
        /// The file of the certificate.
        chain: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong.
        error: rustls::Error,
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

impl Certificate {
    /// A certificate chain, the server's own first, and its private key, both PEM.
    pub fn load(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let unreadable = |error| CertificateError::Chain { path: chain.into(), error };
        let certificates: Vec<_> =
            CertificateDer::pem_file_iter(chain).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
        let Some(own) = certificates.first() else { return Err(unreadable(pem::Error::NoItemsFound)) };
        let names = tls::Certificate::parse(own).map(|own| own.names).unwrap_or_default();
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| CertificateError::Key { path: key.into(), error })?;
        let unfit = |error| CertificateError::Pair { chain: chain.into(), key: key.into(), error };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .with_no_client_auth()
            .with_single_cert(certificates, private)
            .map_err(unfit)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { config: Arc::new(config), names })
    }

    /// The name that a dialer of this address has to ask for to find the certificate in order; none where the address itself
    /// is in it, or no name is.
    pub(super) fn name_for(&self, ip: IpAddr) -> Option<&str> {
        let is_ip = |name: &&String| name.parse::<IpAddr>().is_ok();
        if self.names.iter().any(|name| name.parse() == Ok(ip)) {
            return None;
        }
        self.names.iter().find(|name| !is_ip(name) && !name.starts_with('*')).map(String::as_str)
    }
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
        let own =
            rcgen::generate_simple_self_signed(["192.0.2.7".to_owned(), "*.example".to_owned(), "a.example".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["b.example".to_owned()]).unwrap();
        let chain = file("chain.pem", &own.cert.pem());
        let key = file("key.pem", &own.key_pair.serialize_pem());
        let wrong = file("other.pem", &other.key_pair.serialize_pem());
        let empty = file("empty.pem", "");
        let missing = folder.path().join("missing.pem");
        let certificate = Certificate::load(&chain, &key).unwrap();
        assert_eq!(certificate.name_for([192, 0, 2, 1].into()), Some("a.example"));
        assert_eq!(certificate.name_for([192, 0, 2, 7].into()), None);
        for (chain, key, named) in
            [(&missing, &key, &missing), (&empty, &key, &empty), (&chain, &empty, &empty), (&chain, &wrong, &wrong)]
        {
            let error = Certificate::load(chain, key).unwrap_err().to_string();
            assert!(error.contains(&named.display().to_string()), "{error}");
        }
    }
}
