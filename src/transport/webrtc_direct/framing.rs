//! Messages on a data channel (libp2p specs, webrtc/README.md, "Multiplexing"): protobuf with a length before it.

use prost::Message as _;

/// Longest message with its length prefix that browsers can be relied on to carry.
pub const MAX_MESSAGE: usize = 16 * 1024;

/// Length prefix (2 bytes below 16 KiB), flag (2), tag and length of the data (1 + 2).
const OVERHEAD: usize = 7;

/// Most bytes of a stream in one message.
pub const MAX_DATA: usize = MAX_MESSAGE - OVERHEAD;

/// Longest message that is read, without its prefix. Some count the prefix apart.
const MAX_READ: usize = MAX_MESSAGE;

/// Bytes of a length below 2^21, which is more than [`MAX_READ`].
const MAX_PREFIX: usize = 3;

/// What a message says besides its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// The sender sends no more.
    Fin,
    /// The sender reads no more.
    StopSending,
    /// The sender gave up sending; what it sent may be incomplete.
    Reset,
    /// The sender has received the other side's `Fin`, and so everything before it.
    FinAck,
}

impl Flag {
    fn number(self) -> i32 {
        match self {
            Self::Fin => 0,
            Self::StopSending => 1,
            Self::Reset => 2,
            Self::FinAck => 3,
        }
    }

    fn of(number: i32) -> Option<Self> {
        [Self::Fin, Self::StopSending, Self::Reset, Self::FinAck].into_iter().find(|flag| flag.number() == number)
    }
}

/// A message. Its data comes before what its flag says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The flag, if it is one that is known.
    pub flag: Option<Flag>,
    /// Bytes of the stream; empty in a message that is a flag alone.
    pub data: Vec<u8>,
}

/// What cannot be a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Above 16 KiB.
    #[error("a message longer than 16 KiB")]
    TooLong,
    /// Not protobuf of this kind.
    #[error("a message that cannot be read")]
    Malformed,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Wire {
    #[prost(int32, optional, tag = "1")]
    flag: Option<i32>,
    #[prost(bytes = "vec", optional, tag = "2")]
    message: Option<Vec<u8>>,
}

/// A message with its length before it, ready for a data channel. `data` is at most [`MAX_DATA`] long.
pub fn encode(flag: Option<Flag>, data: &[u8]) -> Vec<u8> {
    let message = (!data.is_empty()).then(|| data.to_vec());
    Wire { flag: flag.map(Flag::number), message }.encode_length_delimited_to_vec()
}

/// Longest message that is handed to a data channel in one piece. go-libp2p reads the length through a buffer of this size,
/// which has to hold all that comes with it.
const MAX_PIECE: usize = 4096;

/// What is handed to the data channel one after the other: a long message with its length apart, as go-libp2p sends it. Some
/// would take any message for whole, so short ones are.
pub fn pieces(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let prefix = match length(message) {
        Ok(Some((_, prefix))) if message.len() > MAX_PIECE => prefix,
        _ => 0,
    };
    let (prefix, rest) = message.split_at(prefix);
    [prefix, rest].into_iter().filter(|piece| !piece.is_empty())
}

/// Puts messages together from what data channels deliver, which need not be cut where messages are.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    read: usize,
}

impl Reader {
    /// Takes what came. To be followed by [`Reader::next_frame`] until there is none, so that no more than one message and one
    /// delivery are ever held.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.read);
        self.read = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some((length, prefix)) = length(&self.buffer[self.read..])? else { return Ok(None) };
        if length > MAX_READ {
            return Err(FrameError::TooLong);
        }
        let Some(body) = self.buffer[self.read..].get(prefix..prefix + length) else { return Ok(None) };
        let wire = Wire::decode(body).map_err(|_| FrameError::Malformed)?;
        self.read += prefix + length;
        if self.read == self.buffer.len() {
            self.buffer.clear();
            self.buffer.shrink_to(MAX_PREFIX);
            self.read = 0;
        }
        Ok(Some(Frame { flag: wire.flag.and_then(Flag::of), data: wire.message.unwrap_or_default() }))
    }
}

/// An unsigned varint and how many bytes it takes.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(MAX_PREFIX).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            // There is one form of each number (multiformats, unsigned-varint).
            return if index > 0 && *byte == 0 { Err(FrameError::Malformed) } else { Ok(Some((value, index + 1))) };
        }
    }
    if bytes.len() < MAX_PREFIX { Ok(None) } else { Err(FrameError::TooLong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(reader: &mut Reader) -> Vec<Frame> {
        std::iter::from_fn(|| reader.next_frame().unwrap()).collect()
    }

    #[test]
    fn messages_survive_any_cut() {
        let frames = [
            Frame { flag: None, data: vec![7; MAX_DATA] },
            Frame { flag: Some(Flag::StopSending), data: Vec::new() },
            Frame { flag: Some(Flag::Fin), data: b"last".to_vec() },
            Frame::default(),
        ];
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| encode(frame.flag, &frame.data)).collect();
        for size in [1, 2, 3, 5, 1000, bytes.len()] {
            let mut reader = Reader::default();
            let mut seen = Vec::new();
            for piece in bytes.chunks(size) {
                reader.push(piece);
                seen.extend(all(&mut reader));
            }
            assert_eq!(seen, frames, "{size}");
            assert!(reader.buffer.is_empty());
        }
    }

    #[test]
    fn the_longest_message_fits() {
        assert_eq!(encode(Some(Flag::FinAck), &[0; MAX_DATA]).len(), MAX_MESSAGE);
        assert_eq!(encode(Some(Flag::Fin), &[]), [2, 8, 0]);
    }

    #[test]
    fn the_length_of_a_long_message_goes_ahead() {
        for (length, expected) in
            [(0, vec![1]), (100, vec![103]), (4091, vec![4096]), (4092, vec![2, 4095]), (MAX_DATA, vec![2, 16380])]
        {
            let message = encode(None, &vec![1; length]);
            let pieces: Vec<&[u8]> = pieces(&message).collect();
            assert_eq!(pieces.concat(), message);
            assert_eq!(pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>(), expected, "{length}");
        }
    }

    #[test]
    fn what_is_too_long_or_no_message_is_told_at_once() {
        let table: [(&[u8], FrameError); 5] = [
            (&[0x81, 0x80, 0x01], FrameError::TooLong),
            (&[0x80, 0x80, 0x80], FrameError::TooLong),
            (&[0x81, 0], FrameError::Malformed),
            (&[1, 0xff], FrameError::Malformed),
            (&[2, 0x12, 5], FrameError::Malformed),
        ];
        for (bytes, expected) in table {
            let mut reader = Reader::default();
            reader.push(bytes);
            assert_eq!(reader.next_frame(), Err(expected), "{bytes:?}");
        }
    }

    #[test]
    fn unknown_flags_and_fields_are_passed_over() {
        let mut reader = Reader::default();
        reader.push(&[7, 8, 9, 0x18, 5, 0x12, 1, b'x']);
        assert_eq!(reader.next_frame(), Ok(Some(Frame { flag: None, data: b"x".to_vec() })));
    }

    #[test]
    fn noise_never_panics() {
        let mut seed = 1_u64;
        for _ in 0..20_000 {
            let mut reader = Reader::default();
            let bytes: Vec<u8> = (0..24)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    seed.to_le_bytes()[7] & 0x1f
                })
                .collect();
            reader.push(&bytes);
            while let Ok(Some(_)) = reader.next_frame() {}
        }
    }
}
