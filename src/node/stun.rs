//! STUN on the port of QUIC: plain binding requests, from anybody. webrtc-direct answers them on its own port.

use crate::transport::{quic::Listener, stun};

/// Answers until the port is closed.
pub(super) async fn answer(listener: &Listener) {
    let Some(mut questions) = listener.take_stun() else { return };
    while let Some(question) = questions.recv().await {
        if let Some(answer) = stun::answer(&question.bytes, question.from) {
            // An answer that cannot be sent is one that is lost.
            let _ = listener.answer(&question, &answer).await;
        }
    }
}
