//! Why a TLS handshake failed.

use std::io;

use rustls::AlertDescription;
use thiserror::Error;

use super::Observed;
use crate::transport::tap::{Speaks, TapView};

/// A handshake that failed, and what was seen until then.
#[derive(Debug, Error)]
#[error("{fault}")]
pub struct TlsError {
    /// What failed.
    #[source]
    pub fault: TlsFault,
    /// What the handshake showed before; a certificate that had a problem may be among it.
    pub observed: Box<Observed>,
}

/// What failed in a handshake.
#[derive(Debug, Error)]
pub enum TlsFault {
    /// The server does not speak TLS.
    #[error("not TLS")]
    NotTls {
        /// The protocol it speaks instead, where its first bytes tell.
        speaks: Option<Speaks>,
        /// The first line it sent, safe to print.
        banner: String,
    },
    /// The server refused with an alert (RFC 8446, section 6).
    #[error("TLS alert {name} ({code})")]
    Alert {
        /// The alert's number.
        code: u8,
        /// The alert's name as the RFCs write it, `unknown` for a number that they do not have.
        name: &'static str,
    },
    /// The stream failed; `UnexpectedEof` where it ended before the handshake did.
    #[error(transparent)]
    Io(io::Error),
    /// Anything else that the server did wrong, or that both sides lack in common.
    #[error(transparent)]
    Other(rustls::Error),
}

impl TlsFault {
    /// The library hands its own error inside an `io::Error`.
    pub(crate) fn of(error: io::Error, view: &TapView) -> Self {
        let first = view.first();
        if !begins_record(&first) {
            return Self::NotTls { speaks: view.speaks(), banner: view.banner() };
        }
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::AlertReceived(alert)) => Self::Alert { code: u8::from(*alert), name: alert_name(*alert) },
            Some(other) => Self::Other(other.clone()),
            None => Self::Io(error),
        }
    }
}

/// Whether these bytes, or none, can begin a record: content type, then major version 3.
fn begins_record(first: &[u8]) -> bool {
    matches!(first, [] | [0x14..=0x17] | [0x14..=0x17, 0x03] | [0x14..=0x17, 0x03, 0x00..=0x04, ..])
}

fn alert_name(alert: AlertDescription) -> &'static str {
    use AlertDescription as A;
    match alert {
        A::CloseNotify => "close_notify",
        A::UnexpectedMessage => "unexpected_message",
        A::BadRecordMac => "bad_record_mac",
        A::DecryptionFailed => "decryption_failed",
        A::RecordOverflow => "record_overflow",
        A::DecompressionFailure => "decompression_failure",
        A::HandshakeFailure => "handshake_failure",
        A::NoCertificate => "no_certificate",
        A::BadCertificate => "bad_certificate",
        A::UnsupportedCertificate => "unsupported_certificate",
        A::CertificateRevoked => "certificate_revoked",
        A::CertificateExpired => "certificate_expired",
        A::CertificateUnknown => "certificate_unknown",
        A::IllegalParameter => "illegal_parameter",
        A::UnknownCA => "unknown_ca",
        A::AccessDenied => "access_denied",
        A::DecodeError => "decode_error",
        A::DecryptError => "decrypt_error",
        A::ExportRestriction => "export_restriction",
        A::ProtocolVersion => "protocol_version",
        A::InsufficientSecurity => "insufficient_security",
        A::InternalError => "internal_error",
        A::InappropriateFallback => "inappropriate_fallback",
        A::UserCanceled => "user_canceled",
        A::NoRenegotiation => "no_renegotiation",
        A::MissingExtension => "missing_extension",
        A::UnsupportedExtension => "unsupported_extension",
        A::CertificateUnobtainable => "certificate_unobtainable",
        A::UnrecognisedName => "unrecognized_name",
        A::BadCertificateStatusResponse => "bad_certificate_status_response",
        A::BadCertificateHashValue => "bad_certificate_hash_value",
        A::UnknownPSKIdentity => "unknown_psk_identity",
        A::CertificateRequired => "certificate_required",
        A::NoApplicationProtocol => "no_application_protocol",
        A::EncryptedClientHelloRequired => "ech_required",
        _ => "unknown",
    }
}
