//! The Data Channel Establishment Protocol (RFC 8832), as far as libp2p needs it: reliable, ordered, no label.

/// `DATA_CHANNEL_OPEN` for a reliable, ordered channel without label and protocol.
pub(super) const OPEN: [u8; 12] = [0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// `DATA_CHANNEL_ACK`.
pub(super) const ACK: [u8; 1] = [0x02];

/// A message of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    /// The other side opens a channel. Its type, label and protocol change nothing for libp2p.
    Open,
    /// It has taken ours.
    Ack,
}

/// Reads a message; none if it is not one.
pub(super) fn parse(bytes: &[u8]) -> Option<Message> {
    match bytes {
        [0x03, head @ ..] => {
            let length = |at: usize| Some(usize::from(u16::from_be_bytes([*head.get(at)?, *head.get(at + 1)?])));
            let (label, protocol) = (length(7)?, length(9)?);
            (head.len() == 11 + label + protocol).then_some(Message::Open)
        }
        [0x02, ..] => Some(Message::Ack),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let mut labelled = OPEN.to_vec();
        labelled[9] = 3;
        let table: [(&[u8], Option<Message>); 8] = [
            (&OPEN, Some(Message::Open)),
            (&ACK, Some(Message::Ack)),
            (&labelled, None),
            (&[&labelled[..], b"abc"].concat(), Some(Message::Open)),
            (&OPEN[..11], None),
            (&[3], None),
            (&[], None),
            (&[9, 9], None),
        ];
        for (bytes, expected) in table {
            assert_eq!(parse(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn noise_never_panics() {
        for length in 0..32 {
            for byte in 0..=255 {
                let mut bytes = vec![byte; length];
                if let Some(first) = bytes.first_mut() {
                    *first = 3;
                }
                let _ = parse(&bytes);
            }
        }
    }
}
