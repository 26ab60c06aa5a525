//! A certificate authority made for the test run, and the good and bad certificates of WSS servers.

use futures_rustls::TlsAcceptor;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The name that the scenarios dial.
pub const NAME: &str = "node.test";
/// The authority's own name, as it shows in reports.
pub const ISSUER: &str = "Scenario CA";

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebCertificate {
    Valid,
    Expired,
    NotYetValid,
    /// For `other.test`.
    WrongName,
    SelfSigned,
}

pub struct Authority {
    certificate: Certificate,
    key: KeyPair,
    folder: TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = params(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, ISSUER);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).expect("a file");
        Self { certificate, key, folder }
    }

    /// A folder for the files of the scenarios; `ca.pem` is in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The files of a certificate for [`NAME`] and 127.0.0.1 and of its key, for a program that serves WSS.
    pub fn files(&self) -> [PathBuf; 2] {
        let key = KeyPair::generate().expect("a key");
        let signed = params(&[NAME, "127.0.0.1"]).signed_by(&key, &self.certificate, &self.key).expect("a certificate");
        let files = ["cert.pem", "key.pem"].map(|name| self.folder().join(name));
        for (file, pem) in files.iter().zip([signed.pem(), key.serialize_pem()]) {
            std::fs::write(file, pem).expect("a file");
        }
        files
    }

    pub fn acceptor(&self, kind: WebCertificate) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let (mut params, from, until) = match kind {
            WebCertificate::WrongName => (params(&["other.test"]), 2020, 2120),
            WebCertificate::Expired => (params(&[NAME]), 2020, 2021),
            WebCertificate::NotYetValid => (params(&[NAME]), 2110, 2120),
            WebCertificate::Valid | WebCertificate::SelfSigned => (params(&[NAME]), 2020, 2120),
        };
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let signed = if kind == WebCertificate::SelfSigned {
            params.self_signed(&key)
        } else {
            params.signed_by(&key, &self.certificate, &self.key)
        };
        acceptor(signed.expect("a certificate").der().clone(), &key)
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
    let mut params = CertificateParams::new(names).expect("proper names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
}

fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a PKCS #8 key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows them")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], private)
        .expect("a usable certificate");
    TlsAcceptor::from(Arc::new(config))
}
