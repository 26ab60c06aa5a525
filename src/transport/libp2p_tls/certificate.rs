//! What a libp2p certificate says, and why it does not count.

use std::sync::Arc;

use libp2p_identity::{KeyType, PeerId, PublicKey};
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::oid::Oid;
use x509_parser::der_parser::{asn1_rs::oid, der};
use x509_parser::prelude::FromDer;

/// The libp2p Public Key Extension.
const EXTENSION: Oid<'static> = oid!(1.3.6.1.4.1.53594.1.1);

/// Key kinds of the `KeyType` enumeration in the peer ID specification: RSA, Ed25519, secp256k1, ECDSA.
const KNOWN_KINDS: u64 = 4;

/// Who is at the other end, proved by its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// The peer.
    pub peer: PeerId,
    /// Its host key.
    pub key: PublicKey,
}

impl Remote {
    /// Kind of the host key.
    pub fn key_type(&self) -> KeyType {
        self.key.key_type()
    }
}

/// Why a certificate is no proof of a libp2p peer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CertError {
    /// The specification asks for exactly one certificate.
    #[error("{0} certificates instead of one")]
    Count(usize),
    /// No X.509 certificate in DER.
    #[error("the certificate is not X.509")]
    NotX509,
    /// An ordinary certificate: it carries no libp2p key.
    #[error("the certificate has no libp2p extension")]
    NoExtension,
    /// More than one libp2p key.
    #[error("the certificate has several libp2p extensions")]
    SeveralExtensions,
    /// A critical extension with a meaning nobody here knows.
    #[error("the certificate has an unknown critical extension")]
    UnknownCriticalExtension,
    /// The extension is not the DER sequence of the specification, or its key does not decode.
    #[error("the libp2p extension is malformed")]
    MalformedExtension,
    /// A host key of a kind outside the specification, as the number of its `KeyType`.
    #[error("host keys of kind {kind} are not supported")]
    UnsupportedKey {
        /// `KeyType` of the protobuf.
        kind: u64,
    },
    /// No longer valid, since this second of Unix time.
    #[error("the certificate has expired")]
    Expired {
        /// Seconds of Unix time.
        not_after: i64,
    },
    /// Not valid before this second of Unix time: one of the two clocks is wrong.
    #[error("the certificate is not valid yet")]
    NotYetValid {
        /// Seconds of Unix time.
        not_before: i64,
    },
    /// A signature does not hold: of the certificate itself, or of the host key over it.
    #[error("the certificate's signatures do not hold")]
    BadSignature(#[source] Arc<libp2p_tls::certificate::ParseError>),
}

/// Checks everything the specification asks of a certificate. The order is that of usefulness to a reader: what is
/// plainly missing before what does not verify.
pub(super) fn verify(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<Remote, CertError> {
    let (_, x509) = X509Certificate::from_der(certificate).map_err(|_| CertError::NotX509)?;
    let key = host_key(&x509)?;
    check_validity(&x509, now)?;
    let proved = libp2p_tls::certificate::parse(certificate).map_err(|e| CertError::BadSignature(Arc::new(e)))?;
    Ok(Remote { peer: proved.peer_id(), key })
}

fn check_validity(x509: &X509Certificate<'_>, now: UnixTime) -> Result<(), CertError> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let not_before = x509.validity().not_before.timestamp();
    let not_after = x509.validity().not_after.timestamp();
    if now < not_before {
        return Err(CertError::NotYetValid { not_before });
    }
    if now > not_after {
        return Err(CertError::Expired { not_after });
    }
    Ok(())
}

fn host_key(x509: &X509Certificate<'_>) -> Result<PublicKey, CertError> {
    let mut found = None;
    for extension in x509.extensions() {
        if extension.oid == EXTENSION {
            if found.replace(extension.value).is_some() {
                return Err(CertError::SeveralExtensions);
            }
        } else if extension.critical {
            return Err(CertError::UnknownCriticalExtension);
        }
    }
    let protobuf = key_of_extension(found.ok_or(CertError::NoExtension)?).ok_or(CertError::MalformedExtension)?;
    PublicKey::try_decode_protobuf(protobuf).map_err(|_| match key_kind(protobuf) {
        Some(kind) if kind >= KNOWN_KINDS => CertError::UnsupportedKey { kind },
        _ => CertError::MalformedExtension,
    })
}

/// `SignedKey ::= SEQUENCE { publicKey OCTET STRING, signature OCTET STRING }`
fn key_of_extension(value: &[u8]) -> Option<&[u8]> {
    let (_, sequence) = der::parse_der_sequence(value).ok()?;
    match sequence.as_sequence().ok()?.as_slice() {
        [key, _signature] => key.content.as_slice().ok(),
        _ => None,
    }
}

/// Field 1 (`Type`) of the protobuf `PublicKey`, as far as it can be read where the key itself cannot. Encoders write
/// it first, and deterministic encoding is asked for.
fn key_kind(protobuf: &[u8]) -> Option<u64> {
    /// Field number 1, wire type varint.
    const TYPE_TAG: u8 = 1 << 3;
    /// Bytes of the longest varint.
    const MAX_VARINT: usize = 10;

    let (&tag, rest) = protobuf.split_first()?;
    if tag != TYPE_TAG {
        return None;
    }
    let mut kind: u64 = 0;
    for (index, byte) in rest.iter().take(MAX_VARINT).enumerate() {
        let shift = u32::try_from(index * 7).ok()?;
        kind |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(kind);
        }
    }
    None
}
