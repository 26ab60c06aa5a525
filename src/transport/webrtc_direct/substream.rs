//! A libp2p stream on a data channel: what its messages do to it, and what it has to send. No I/O.

use std::collections::VecDeque;
use std::io;

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

impl From<Unwritable> for io::Error {
    fn from(error: Unwritable) -> Self {
        let kind = match error {
            Unwritable::Closed => io::ErrorKind::WriteZero,
            Unwritable::Stopped => io::ErrorKind::BrokenPipe,
        };
        Self::new(kind, error)
    }
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
mod tests;
