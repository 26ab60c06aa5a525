//! What is known of the listeners of libp2p-webrtc (rust-libp2p), as version 0.10.0-alpha has them.

use super::{fault::versions, heaps::outbound};
use crate::model::{Answered, Attempt, Report, StageName, Warning, WarningCode};

/// Where a handshake breaks that has shown its certificate.
pub(super) const BREAKS: &str = "The certificate is of the kind that libp2p-webrtc (rust-libp2p) makes: its listeners, 0.10.0-alpha among \
                                 them, break handshakes of other implementations. Update that node, or give it another transport.";

/// Where DTLS does not even begin. The panic is that of `WebPkiServerVerifier::builder` in webrtc-rs.
pub(super) const SILENT: &str = "If that node is rust-libp2p with libp2p-webrtc, look in its log for a panic about the CryptoProvider of \
                                 rustls: where both ring and aws-lc-rs are linked, its program has to install one of them.";

/// Whether an attempt met one, by what it showed: the issuer that rcgen writes on its own, over DTLS 1.2, and version 1 alone.
pub(super) fn is_met(attempt: &Attempt) -> bool {
    let Some(found) = attempt.stage(StageName::Dtls).map(|stage| &stage.found) else { return false };
    let rcgen = found.certificate.as_ref().is_some_and(|certificate| certificate.issuer == "CN=rcgen self signed cert");
    rcgen && found.version.as_deref() == Some("DTLSv1.2") && versions(attempt).v2.is_none()
}

/// Whether it may be one that is silent: version 1 was answered, and not version 2.
pub(super) fn may_be_met(attempt: &Attempt) -> bool {
    matches!(versions(attempt), Answered { v1: Some(true), v2: None, .. })
}

/// It was reached, from the one address that is dialed from here.
pub(super) fn warning(report: &Report) -> Option<Warning> {
    let met: Vec<&Attempt> = outbound(report).filter(|attempt| attempt.outcome.passed() && is_met(attempt)).collect();
    let text = "Over webrtc-direct the peer looks like libp2p-webrtc (rust-libp2p). Its listeners, 0.10.0-alpha among them, take a dialer \
                that asks from several addresses at once for several dialers, and mix up their handshakes: go-libp2p, for one, \
                often does not get through.";
    (!met.is_empty()).then(|| Warning::new(WarningCode::WebrtcMixesDialers, text).about(met.iter().map(|attempt| attempt.id)))
}
