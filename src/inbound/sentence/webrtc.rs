//! What is particular to dialers over webrtc-direct. Whoever came that far has signed a check: it is no port scan.

use super::{CERTIFICATE_REFUSED, shown};
use crate::model::{Cause, Stage, StageName};

const OTHER_CERTHASH: &str = "the usual sign of a dialer whose address has another certhash than ours";

/// Why a connection did not come about; none where it says the same as over any transport.
pub(super) fn why(failed: &Stage, cause: &Cause) -> Option<String> {
    Some(match cause {
        Cause::Closed => gone(failed.stage, "closed"),
        Cause::Reset => gone(failed.stage, "reset"),
        Cause::TimedOut => silent(failed.stage),
        Cause::DtlsFailed { alert: Some(alert) } if CERTIFICATE_REFUSED.contains(alert) => {
            format!("refused our certificate, by DTLS alert {alert}: {OTHER_CERTHASH}")
        }
        Cause::DtlsFailed { alert: Some(alert) } => format!("failed in the DTLS handshake (alert {alert})"),
        // Some leave it to Noise to look at certificates: js-libp2p does on Node.
        Cause::HandshakeFailed { what, .. } if what == Cause::UNREADABLE => {
            format!("failed at {}, {what}: {OTHER_CERTHASH}", failed.stage)
        }
        Cause::ChannelFailed { what } => format!("no data channel, {}: {OTHER_CERTHASH}", shown(what)),
        _ => return None,
    })
}

/// Somebody who hung up.
fn gone(stage: StageName, how: &str) -> String {
    match stage {
        StageName::Dtls => format!("{how} at dtls: {OTHER_CERTHASH}"),
        StageName::Secure => format!("{how} at secure, in the noise handshake"),
        stage => format!("{how} at {stage}"),
    }
}

/// Somebody who fell silent.
fn silent(stage: StageName) -> String {
    match stage {
        StageName::Connect => {
            "asked by STUN, was answered, and never began DTLS: it only asked, or our answers do not reach it".into()
        }
        StageName::Dtls => {
            format!("silent at dtls until its time was over: {OTHER_CERTHASH}, or large packets are lost between us")
        }
        StageName::Channel => format!("silent at channel until its time was over: {OTHER_CERTHASH}"),
        stage => format!("silent at {stage} until its time was over"),
    }
}
