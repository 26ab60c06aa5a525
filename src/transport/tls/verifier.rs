//! Judges a certificate, records the verdict and goes on.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::{Certificate, Observed, certificate::unix_time};

pub(super) const TLS12: &str = "TLSv1.2";
pub(super) const TLS13: &str = "TLSv1.3";

/// What is wrong with a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CertificateProblem {
    /// It, or one that it depends on, is no longer valid.
    Expired {
        /// The last moment it was valid.
        not_after: SystemTime,
    },
    /// It, or one that it depends on, is not valid yet.
    NotYetValid {
        /// The first moment it will be valid.
        not_before: SystemTime,
    },
    /// It is for other names than the one dialed; an IP address counts only where the certificate has it.
    WrongName {
        /// The names it is for.
        names: Vec<String>,
    },
    /// No root of this system vouches for it: its issuer is unknown, it signed itself, or a signature is bad.
    Untrusted {
        /// Its issuer.
        issuer: String,
    },
}

/// The verifier of one dial.
#[derive(Debug)]
pub(super) struct Recorder {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    seen: Arc<Mutex<Observed>>,
}

impl Recorder {
    pub(super) fn new(roots: Arc<RootCertStore>, algorithms: WebPkiSupportedAlgorithms, seen: Arc<Mutex<Observed>>) -> Self {
        Self { roots, algorithms, seen }
    }

    fn seen(&self) -> MutexGuard<'_, Observed> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that is wrong, in the order in which it is named. The library stops at the first fault, so each question is
    /// asked by itself, and trust at a moment when the certificate was valid.
    fn judge(&self, shown: &Shown<'_>, name: &ServerName<'_>, now: UnixTime) -> Vec<CertificateProblem> {
        let (names, issuer) = shown.details.map(|details| (details.names.clone(), details.issuer.clone())).unwrap_or_default();
        let (own_date, when) = shown.details.map_or((None, now), |details| date(details, now));
        let Ok(parsed) = ParsedCertificate::try_from(shown.leaf) else {
            return own_date.into_iter().chain([CertificateProblem::Untrusted { issuer }]).collect();
        };
        let distrust = self.trust(&parsed, shown, when).err();
        // With its own dates in order, a date that breaks the chain is that of a certificate above.
        let above = if own_date.is_none() { distrust.as_ref().and_then(date_above) } else { None };
        let untrusted = distrust.is_some() && above.is_none();
        let wrong_name = verify_server_name(&parsed, name).is_err();
        own_date
            .or(above)
            .into_iter()
            .chain(wrong_name.then_some(CertificateProblem::WrongName { names }))
            .chain(untrusted.then_some(CertificateProblem::Untrusted { issuer }))
            .collect()
    }

    /// Whether a root vouches for the certificate, or is that certificate: a user who trusts one self-signed
    /// certificate by `SSL_CERT_FILE` is understood, as by OpenSSL and Go.
    fn trust(&self, parsed: &ParsedCertificate<'_>, shown: &Shown<'_>, when: UnixTime) -> Result<(), Error> {
        let verdict =
            verify_server_cert_signed_by_trust_anchor(parsed, &self.roots, shown.intermediates, when, self.algorithms.all);
        let mut own = RootCertStore::empty();
        if verdict.is_err() && own.add(shown.leaf.clone()).is_ok() {
            let same = |root: &&_| own.roots.first() == Some(*root);
            if self.roots.roots.iter().find(same).is_some() {
                return Ok(());
            }
        }
        verdict
    }
}

/// What the server showed.
struct Shown<'a> {
    leaf: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    details: Option<&'a Certificate>,
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn unix(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

/// What is wrong with a certificate's own dates, and the moment nearest to now at which they are right.
fn date(details: &Certificate, now: UnixTime) -> (Option<CertificateProblem>, UnixTime) {
    let (first, last) = (seconds(details.not_before), seconds(details.not_after));
    if now.as_secs() > last {
        (Some(CertificateProblem::Expired { not_after: details.not_after }), unix(last))
    } else if now.as_secs() < first {
        (Some(CertificateProblem::NotYetValid { not_before: details.not_before }), unix(first))
    } else {
        (None, now)
    }
}

fn date_above(error: &Error) -> Option<CertificateProblem> {
    match error {
        Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            Some(CertificateProblem::Expired { not_after: unix_time(not_after.as_secs()) })
        }
        Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => {
            Some(CertificateProblem::NotYetValid { not_before: unix_time(not_before.as_secs()) })
        }
        _ => None,
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let details = Certificate::parse(leaf);
        let problems = self.judge(&Shown { leaf, intermediates, details: details.as_ref() }, name, now);
        let mut seen = self.seen();
        seen.certificate = details;
        seen.problems = problems;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.seen().version = Some(TLS12);
        verify_tls12_signature(message, leaf, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.seen().version = Some(TLS13);
        verify_tls13_signature(message, leaf, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
