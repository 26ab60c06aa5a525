//! What a certificate says of itself, within bounds and safe to print.

use std::{
    fmt::Write,
    net::{Ipv4Addr, Ipv6Addr},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer, time::ASN1Time};

use crate::transport::tap::printable;

/// The most names that are kept: a certificate of a large host has hundreds.
const MAX_NAMES: usize = 20;

/// The longest name that is kept, in characters: as long as a DNS name can be.
const MAX_NAME: usize = 253;

/// The longest issuer that is kept, in characters.
const MAX_ISSUER: usize = 256;

/// The end of the year 9999 in Unix seconds: what RFC 3339 can write, and RFC 5280's "no expiration".
const LAST_SECOND: u64 = 253_402_300_799;

/// A server's certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// The DNS names and IP addresses it is for, else its subject's common name, which no dialer accepts any more. At
    /// most 20 of at most 253 characters, safe to print.
    pub names: Vec<String>,
    /// The issuer's distinguished name, safe to print, at most 256 characters.
    pub issuer: String,
    /// Valid from then on; never outside 1970 to 9999, which RFC 3339 can write.
    pub not_before: SystemTime,
    /// Valid until then; never outside 1970 to 9999.
    pub not_after: SystemTime,
    /// `sha256:` and the digest of the whole certificate in hexadecimal.
    pub fingerprint: String,
}

impl Certificate {
    /// Reads a certificate in DER; `None` where it is none.
    pub(crate) fn parse(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        Some(Self {
            names: names(&parsed),
            issuer: printable(parsed.issuer().to_string().as_bytes(), MAX_ISSUER),
            not_before: time(parsed.validity().not_before),
            not_after: time(parsed.validity().not_after),
            fingerprint: fingerprint(der),
        })
    }
}

fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let alternative = parsed.subject_alternative_name().ok().flatten();
    let names: Vec<String> =
        alternative.iter().flat_map(|extension| &extension.value.general_names).filter_map(name).take(MAX_NAMES).collect();
    if !names.is_empty() {
        return names;
    }
    let common = parsed.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    common.map(|name| printable(name.as_bytes(), MAX_NAME)).take(MAX_NAMES).collect()
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(printable(name.as_bytes(), MAX_NAME)),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(v4) => Some(Ipv4Addr::from(v4).to_string()),
            Err(_) => <[u8; 16]>::try_from(*bytes).ok().map(|v6| Ipv6Addr::from(v6).to_string()),
        },
        _ => None,
    }
}

fn time(time: ASN1Time) -> SystemTime {
    unix_time(u64::try_from(time.timestamp()).unwrap_or(0))
}

/// A time that RFC 3339 can write.
pub(super) fn unix_time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_SECOND))
}

fn fingerprint(der: &[u8]) -> String {
    // The suite's own hash: rustls names the function nowhere else, and another crate for one digest is not worth it.
    let Some(suite) = TLS13_AES_128_GCM_SHA256.tls13() else { return String::new() };
    let digest = suite.common.hash_provider.hash(der);
    digest.as_ref().iter().fold(String::from("sha256:"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
