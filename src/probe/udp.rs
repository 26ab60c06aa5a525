//! What came over UDP instead of an answer.

use crate::{
    model::Cause,
    transport::{quic::Progress, tap},
};

/// Long header (RFC 9000, section 17.2).
const LONG: u8 = 0x80;
/// Types of answers (RFC 8489, section 5): success and error of a binding request.
const STUN_ANSWERS: [[u8; 2]; 2] = [[0x01, 0x01], [0x01, 0x11]];
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const STUN_HEADER: usize = 20;
const MESSAGE_INTEGRITY: [u8; 2] = [0x00, 0x08];

/// What it means that QUIC was not answered in time.
pub(super) fn silent_in_quic(seen: &Progress) -> Cause {
    meaning(seen, |first| match first {
        // A server of other versions alone (RFC 9000, section 17.2.1).
        [head, 0, 0, 0, 0, ..] if head & LONG != 0 => Some(Cause::QuicFailed { alert: None }),
        [head, 0, 0, 0, 1, ..] if head & LONG != 0 => None,
        // No server begins with a short header, nor with another version than it was asked in.
        _ => Some(foreign(first)),
    })
}

/// What it means that no check of webrtc-direct was answered in time.
pub(super) fn silent_in_webrtc(seen: &Progress) -> Cause {
    meaning(seen, |first| match first {
        // A STUN server signs nothing for who has no account there; libp2p signs every answer.
        [0..=3, ..] if first.get(4..8) == Some(&STUN_COOKIE) => {
            let answers = STUN_ANSWERS.iter().any(|kind| first.starts_with(kind));
            (answers && !is_signed(first)).then(|| Cause::NotLibp2p { speaks: Some("STUN".into()) })
        }
        // DTLS, TURN and RTP share ports with STUN (RFC 7983).
        [20..=79 | 128..=191, ..] if tap::speaks(first).is_none() => None,
        _ => Some(foreign(first)),
    })
}

fn meaning(seen: &Progress, told: impl FnOnce(&[u8]) -> Option<Cause>) -> Cause {
    match seen.first() {
        None => Cause::UdpSilent,
        // RFC 862. It reads as whatever it was sent.
        Some(_) if seen.is_echoed() => Cause::NotLibp2p { speaks: Some("echo".into()) },
        Some(first) => told(first).unwrap_or(Cause::TimedOut),
    }
}

fn foreign(first: &[u8]) -> Cause {
    Cause::NotLibp2p { speaks: tap::speaks(first).map(|speaks| speaks.to_string()) }
}

fn is_signed(message: &[u8]) -> bool {
    let mut rest = message.get(STUN_HEADER..).unwrap_or_default();
    while let [a, b, c, d, value @ ..] = rest {
        if [*a, *b] == MESSAGE_INTEGRITY {
            return true;
        }
        let length = usize::from(u16::from_be_bytes([*c, *d])).next_multiple_of(4);
        rest = value.get(length..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stun(kind: u8, attribute: u8) -> Vec<u8> {
        let mut message = vec![0x01, kind, 0, 8];
        message.extend(STUN_COOKIE);
        message.extend([7; 12]);
        message.extend([0, attribute, 0, 4, 1, 2, 3, 4]);
        message
    }

    fn not_libp2p(speaks: Option<&str>) -> Cause {
        Cause::NotLibp2p { speaks: speaks.map(Into::into) }
    }

    #[test]
    fn who_answers_in_another_way_is_named() {
        let seen = |first: &[u8]| {
            let progress = Progress::default();
            progress.note_first(first);
            (silent_in_quic(&progress), silent_in_webrtc(&progress))
        };
        let quic = |first: &[u8]| seen(first).0;
        let webrtc = |first: &[u8]| seen(first).1;
        assert_eq!(silent_in_quic(&Progress::default()), Cause::UdpSilent);
        assert_eq!(silent_in_webrtc(&Progress::default()), Cause::UdpSilent);
        assert_eq!(quic(&[0x80, 0, 0, 0, 0, 1]), Cause::QuicFailed { alert: None });
        assert_eq!(quic(&[0xc0, 0, 0, 0, 1, 1]), Cause::TimedOut);
        assert_eq!(quic(&[0x45, 1, 2, 3]), not_libp2p(None));
        assert_eq!(quic(b"SSH-2.0-x\r\n"), not_libp2p(Some("SSH")));
        assert_eq!(webrtc(b"HTTP/1.1 400 Bad Request\r\n"), not_libp2p(Some("HTTP")));
        assert_eq!(webrtc(&stun(0x01, 0x20)), not_libp2p(Some("STUN")));
        assert_eq!(webrtc(&stun(0x11, 0x09)), not_libp2p(Some("STUN")));
        assert_eq!(webrtc(&stun(0x01, 0x08)), Cause::TimedOut);
        assert_eq!(webrtc(&[0x16, 0xfe, 0xfd]), Cause::TimedOut);
        assert_eq!(webrtc(&[0xff; 9]), not_libp2p(None));
        assert_eq!(webrtc(&[]), not_libp2p(None));
    }

    #[test]
    fn an_echo_is_no_answer() {
        // A request of STUN, and an Initial of QUIC.
        for asked in [stun(0x00, 0x06), [&[0xc0, 0, 0, 0, 1][..], &[8; 40]].concat()] {
            let progress = Progress::default();
            progress.note_asked(&asked);
            progress.note_first(&asked);
            let echo = not_libp2p(Some("echo"));
            assert_eq!((silent_in_quic(&progress), silent_in_webrtc(&progress)), (echo.clone(), echo));
        }
    }
}
