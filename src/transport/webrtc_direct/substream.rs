//! A libp2p stream on a data channel: what its messages do to it, and what it has to send. No I/O.

use std::collections::VecDeque;

use super::framing::{self, Flag, FrameError, MAX_DATA, Reader};

/// A stream's two halves. Bytes go in as the data channel delivers them and come out as a byte stream; messages to send
/// are taken with [`Substream::next_message`].
#[derive(Debug, Default)]
pub struct Substream {
    reader: Reader,
    inbound: VecDeque<u8>,
    read: ReadHalf,
    write: WriteHalf,
    /// The other side said that it sends no more, whether we still read or not.
    ended: bool,
    messages: VecDeque<Vec<u8>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ReadHalf {
    #[default]
    Open,
    /// The other side's `Fin` came.
    Finished,
    /// The other side gave up, or the channel was closed before its `Fin`.
    Reset,
    /// We read no more; what comes is dropped.
    Stopped,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum WriteHalf {
    #[default]
    Open,
    /// Our `Fin` is sent and not yet acknowledged.
    Finishing,
    /// Everything has arrived.
    Finished,
    /// The other side reads no more, but has not been told that nothing comes.
    Unwanted,
    /// The channel is gone before our end was.
    Cut,
    /// We gave up.
    Reset,
}

/// What reading gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// This many bytes.
    Bytes(usize),
    /// The end, and all before it was read.
    End,
    /// The other side gave up sending.
    Reset,
    /// Nothing now.
    Pending,
}

/// Why nothing can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// It was closed here.
    #[error("the stream was closed")]
    Closed,
    /// The other side reads no more.
    #[error("the other side reads no more")]
    Stopped,
}

impl Substream {
    /// Takes what the channel delivered. Messages to send may come of it. After an error the stream is of no use.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), FrameError> {
        self.reader.push(bytes);
        while let Some(frame) = self.reader.next_frame()? {
            if self.read == ReadHalf::Open {
                self.inbound.extend(frame.data);
            }
            if let Some(flag) = frame.flag {
                self.flagged(flag);
            }
        }
        Ok(())
    }

    fn flagged(&mut self, flag: Flag) {
        self.ended |= matches!(flag, Flag::Fin | Flag::Reset);
        match flag {
            Flag::Fin => {
                if self.read == ReadHalf::Open {
                    self.read = ReadHalf::Finished;
                }
                // Also to one that was not waited for: the other side closes by it.
                self.say(Flag::FinAck);
            }
            Flag::Reset => {
                if self.read == ReadHalf::Open {
                    self.read = ReadHalf::Reset;
                    self.inbound.clear();
                }
            }
            // It acknowledges our `Fin` nevertheless, and its stream is not over without one.
            Flag::StopSending => {
                if self.write == WriteHalf::Open {
                    self.write = WriteHalf::Unwanted;
                }
            }
            Flag::FinAck => {
                if self.write == WriteHalf::Finishing {
                    self.write = WriteHalf::Finished;
                }
            }
        }
    }

    /// The data channel is gone: nothing comes and nothing leaves any more.
    pub fn channel_closed(&mut self) {
        self.ended = true;
        if self.read == ReadHalf::Open {
            self.read = ReadHalf::Reset;
        }
        match self.write {
            WriteHalf::Open | WriteHalf::Unwanted => self.write = WriteHalf::Cut,
            // Whoever closes the channel after our `Fin` has most likely read it; there is nobody left to ask.
            WriteHalf::Finishing => self.write = WriteHalf::Finished,
            _ => {}
        }
        self.messages.clear();
    }

    /// Reads into `buffer`.
    pub fn read(&mut self, buffer: &mut [u8]) -> Read {
        if self.inbound.is_empty() {
            return match self.read {
                ReadHalf::Open => Read::Pending,
                ReadHalf::Finished | ReadHalf::Stopped => Read::End,
                ReadHalf::Reset => Read::Reset,
            };
        }
        let (front, _) = self.inbound.as_slices();
        let count = front.len().min(buffer.len());
        buffer[..count].copy_from_slice(&front[..count]);
        self.inbound.drain(..count);
        if self.inbound.is_empty() {
            self.inbound.shrink_to(0);
        }
        Read::Bytes(count)
    }

    /// Unread bytes. The caller takes no more off the channel above a bound of its own.
    pub fn unread(&self) -> usize {
        self.inbound.len()
    }

    /// A message with as many bytes of `data` as fit, and how many those are.
    pub fn write(&mut self, data: &[u8]) -> Result<(Vec<u8>, usize), Unwritable> {
        self.writable()?;
        let count = data.len().min(MAX_DATA);
        Ok((framing::encode(None, &data[..count]), count))
    }

    /// Whether bytes may be written.
    pub fn writable(&self) -> Result<(), Unwritable> {
        match self.write {
            WriteHalf::Open => Ok(()),
            WriteHalf::Unwanted | WriteHalf::Cut => Err(Unwritable::Stopped),
            WriteHalf::Finishing | WriteHalf::Finished | WriteHalf::Reset => Err(Unwritable::Closed),
        }
    }

    /// Ends our half. Nothing is sent when it has ended already.
    pub fn finish(&mut self) {
        if matches!(self.write, WriteHalf::Open | WriteHalf::Unwanted) {
            self.write = WriteHalf::Finishing;
            self.say(Flag::Fin);
        }
    }

    /// Lets the stream go: what was not finished is reset, so that nobody takes it for complete. Where nobody reads any more
    /// it is finished: a `Reset` would undo what the other side is still to hear of its own half.
    pub fn abandon(&mut self) {
        match self.write {
            WriteHalf::Open => {
                self.write = WriteHalf::Reset;
                self.say(Flag::Reset);
            }
            WriteHalf::Unwanted => self.finish(),
            _ => {}
        }
        if self.read == ReadHalf::Open {
            self.say(Flag::StopSending);
        }
        self.read = ReadHalf::Stopped;
        self.inbound = VecDeque::new();
    }

    /// Whether both sides have said all and know it: the data channel may be closed.
    pub fn is_over(&self) -> bool {
        let over = matches!(self.write, WriteHalf::Finished | WriteHalf::Cut | WriteHalf::Reset);
        over && self.ended && self.messages.is_empty()
    }

    /// The next message of those that are not data.
    pub fn next_message(&mut self) -> Option<Vec<u8>> {
        self.messages.pop_front()
    }

    fn say(&mut self, flag: Flag) {
        // Each is said once; what a hostile peer makes us acknowledge again and again is not heaped up.
        let message = framing::encode(Some(flag), &[]);
        if !self.messages.contains(&message) {
            self.messages.push_back(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(flag: Option<Flag>, data: &[u8]) -> Vec<u8> {
        framing::encode(flag, data)
    }

    fn said(stream: &mut Substream) -> Vec<Flag> {
        let mut reader = Reader::default();
        let mut flags = Vec::new();
        while let Some(message) = stream.next_message() {
            reader.push(&message);
            flags.extend(reader.next_frame().unwrap().unwrap().flag);
        }
        flags
    }

    fn read(stream: &mut Substream) -> (Vec<u8>, Read) {
        let mut all = Vec::new();
        let mut buffer = [0; 3];
        loop {
            match stream.read(&mut buffer) {
                Read::Bytes(count) => all.extend(&buffer[..count]),
                other => return (all, other),
            }
        }
    }

    /// What comes, what is said to it, what is read, and whether writing is possible after it.
    #[test]
    fn each_message_has_its_effect() {
        type Row = (&'static str, Vec<Vec<u8>>, Vec<Flag>, (&'static [u8], Read), Result<(), Unwritable>);
        let table: Vec<Row> = vec![
            ("data", vec![message(None, b"abc"), message(None, b"d")], vec![], (b"abcd", Read::Pending), Ok(())),
            ("an empty message is no end", vec![message(None, b"")], vec![], (b"", Read::Pending), Ok(())),
            ("data and end in one", vec![message(Some(Flag::Fin), b"abc")], vec![Flag::FinAck], (b"abc", Read::End), Ok(())),
            (
                "nothing counts after the end",
                vec![message(Some(Flag::Fin), b"a"), message(None, b"b")],
                vec![Flag::FinAck],
                (b"a", Read::End),
                Ok(()),
            ),
            (
                "a reset drops what was unread",
                vec![message(None, b"abc"), message(Some(Flag::Reset), b"")],
                vec![],
                (b"", Read::Reset),
                Ok(()),
            ),
            (
                "a reset after the end changes nothing",
                vec![message(Some(Flag::Fin), b"a"), message(Some(Flag::Reset), b"")],
                vec![Flag::FinAck],
                (b"a", Read::End),
                Ok(()),
            ),
            ("stop", vec![message(Some(Flag::StopSending), b"abc")], vec![], (b"abc", Read::Pending), Err(Unwritable::Stopped)),
            ("an acknowledgement of nothing", vec![message(Some(Flag::FinAck), b"a")], vec![], (b"a", Read::Pending), Ok(())),
            (
                "many ends are acknowledged once",
                vec![message(Some(Flag::Fin), b""); 5],
                vec![Flag::FinAck],
                (b"", Read::End),
                Ok(()),
            ),
        ];
        for (name, messages, flags, reads, writable) in table {
            let mut stream = Substream::default();
            for message in &messages {
                stream.receive(message).unwrap();
            }
            assert_eq!(said(&mut stream), flags, "{name}");
            let (bytes, end) = read(&mut stream);
            assert_eq!((bytes.as_slice(), end), reads, "{name}");
            assert_eq!(stream.writable(), writable, "{name}");
        }
    }

    #[test]
    fn each_half_ends_by_itself() {
        let mut stream = Substream::default();
        stream.finish();
        stream.finish();
        assert_eq!(said(&mut stream), [Flag::Fin]);
        assert_eq!(stream.write(b"more"), Err(Unwritable::Closed));
        stream.receive(&message(None, b"still read")).unwrap();
        assert_eq!(read(&mut stream), (b"still read".to_vec(), Read::Pending));
        stream.receive(&message(Some(Flag::FinAck), b"")).unwrap();
        assert!(!stream.is_over());
        stream.receive(&message(Some(Flag::Fin), b"")).unwrap();
        assert!(!stream.is_over(), "the acknowledgement has still to leave");
        assert_eq!(said(&mut stream), [Flag::FinAck]);
        assert!(stream.is_over());
    }

    #[test]
    fn a_stream_let_go_is_reset_and_one_that_was_finished_waits_for_its_acknowledgement() {
        let mut dropped = Substream::default();
        dropped.abandon();
        assert_eq!(said(&mut dropped), [Flag::Reset, Flag::StopSending]);
        assert!(!dropped.is_over(), "the other side may still send");
        dropped.receive(&message(Some(Flag::Reset), b"")).unwrap();
        assert!(dropped.is_over());

        let mut finished = Substream::default();
        finished.finish();
        finished.abandon();
        assert_eq!(said(&mut finished), [Flag::Fin, Flag::StopSending]);
        assert!(!finished.is_over());
        finished.receive(&message(None, b"unwanted")).unwrap();
        assert_eq!(finished.unread(), 0);
        finished.receive(&message(Some(Flag::FinAck), b"")).unwrap();
        finished.receive(&message(Some(Flag::Fin), b"")).unwrap();
        assert_eq!(said(&mut finished), [Flag::FinAck]);
        assert!(finished.is_over());
    }

    /// js-libp2p pings like this: its channel's id is used again as soon as we close the channel, while it has still to
    /// acknowledge.
    #[test]
    fn who_reads_no_more_is_still_told_of_the_end_and_waited_for() {
        for let_go_early in [false, true] {
            let mut stream = Substream::default();
            stream.receive(&message(Some(Flag::Fin), b"ping")).unwrap();
            stream.receive(&message(Some(Flag::StopSending), b"")).unwrap();
            assert_eq!(said(&mut stream), [Flag::FinAck]);
            if !let_go_early {
                stream.finish();
            }
            stream.abandon();
            assert_eq!(said(&mut stream), [Flag::Fin]);
            assert!(!stream.is_over(), "it has still to acknowledge");
            stream.receive(&message(Some(Flag::FinAck), b"")).unwrap();
            assert!(stream.is_over());
        }

        let mut finished = Substream::default();
        finished.receive(&message(Some(Flag::Fin), b"ping")).unwrap();
        finished.finish();
        finished.abandon();
        finished.receive(&message(Some(Flag::StopSending), b"")).unwrap();
        assert_eq!(said(&mut finished), [Flag::FinAck, Flag::Fin]);
        assert!(!finished.is_over(), "it has still to acknowledge");
        finished.channel_closed();
        assert!(finished.is_over());
    }

    #[test]
    fn a_closed_channel_is_a_reset_unless_the_end_came() {
        let mut open = Substream::default();
        open.receive(&message(None, b"part")).unwrap();
        open.channel_closed();
        assert_eq!(read(&mut open), (b"part".to_vec(), Read::Reset));
        assert_eq!(open.writable(), Err(Unwritable::Stopped));

        let mut ended = Substream::default();
        ended.receive(&message(Some(Flag::Fin), b"all")).unwrap();
        ended.channel_closed();
        assert_eq!(read(&mut ended), (b"all".to_vec(), Read::End));
        assert!(ended.is_over());
    }

    #[test]
    fn what_is_written_is_read_on_the_other_side() {
        let (mut from, mut to) = (Substream::default(), Substream::default());
        let data: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut rest = data.as_slice();
        while !rest.is_empty() {
            let (message, count) = from.write(rest).unwrap();
            assert!(message.len() <= framing::MAX_MESSAGE);
            to.receive(&message).unwrap();
            rest = &rest[count..];
        }
        assert_eq!(to.unread(), data.len());
        assert_eq!(read(&mut to), (data, Read::Pending));
    }
}
