//! STUN on the port of QUIC: plain binding requests, from anybody. webrtc-direct answers them on its own port.

use crate::{
    native::Native,
    transport::{quic::Listener, stun},
};

/// Answers until the port is closed.
pub(super) async fn answer(listener: &Listener, native: &Native) {
    let Some(mut questions) = listener.take_stun() else { return };
    let mut allowance = stun::Allowance::default();
    while let Some(question) = questions.recv().await {
        if let Some(answer) = stun::answer(&question.bytes, question.from)
            && allowance.admit(native.elapsed(), question.from.ip())
        {
            // An answer that cannot be sent is one that is lost.
            let _ = listener.answer(&question, &answer).await;
        }
    }
}
