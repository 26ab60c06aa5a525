//! A data channel of the browser as a libp2p stream.

use std::{
    cell::RefCell,
    io,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
};

use js_sys::{ArrayBuffer, Uint8Array};
use p2p_probe::transport::webrtc_direct::{
    bounds::UNSENT,
    substream::{Read, Substream},
};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{RtcDataChannel, RtcDataChannelState, RtcDataChannelType};

use super::{
    events::On,
    shared::{Shared, UNREAD},
};
use crate::platform::get;

/// Writing goes on below this: before all is out, so that the line is never idle.
const UNSENT_LOW: u32 = 64 * 1024;

/// A data channel, and the stream on it.
pub(super) struct Channel {
    wire: RtcDataChannel,
    shared: Rc<Shared>,
    state: RefCell<State>,
    /// Each holds this channel weakly.
    _held: [On; 4],
}

#[derive(Default)]
struct State {
    stream: Substream,
    /// It was open once.
    opened: bool,
    /// What of `Shared::unread` is this channel's.
    counted: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// The handshake's channel is done with: it says no more.
    silent: bool,
}

impl Channel {
    /// Takes a channel, before any of its messages can have been told.
    pub(super) fn new(wire: RtcDataChannel, shared: Rc<Shared>) -> Rc<Self> {
        wire.set_binary_type(RtcDataChannelType::Arraybuffer);
        wire.set_buffered_amount_low_threshold(UNSENT_LOW);
        shared.channels.set(shared.channels.get() + 1);
        Rc::new_cyclic(|this: &Weak<Self>| {
            let on = |name, heard: fn(&Self, &JsValue)| {
                let this = this.clone();
                On::new(&wire, name, move |event| {
                    if let Some(this) = this.upgrade() {
                        heard(&this, &event);
                        this.news();
                    }
                })
            };
            let held = [
                on("message", |this, event| this.received(&get(event, "data"))),
                on("open", |this, _| {
                    this.state.borrow_mut().opened = true;
                    this.settle();
                }),
                on("close", |this, _| this.state.borrow_mut().stream.channel_closed()),
                on("bufferedamountlow", |_, _| ()),
            ];
            Self { wire, shared, state: RefCell::default(), _held: held }
        })
    }

    /// Whether it is open; an error when it will not be.
    pub(super) fn is_open(&self) -> io::Result<bool> {
        match self.wire.ready_state() {
            RtcDataChannelState::Open => Ok(true),
            RtcDataChannelState::Connecting => Ok(false),
            _ => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Whether it has been open, also where it is closed again.
    pub(super) fn has_opened(&self) -> bool {
        self.state.borrow().opened
    }

    /// Bytes that wait to be sent.
    pub(super) fn unsent(&self) -> u32 {
        self.wire.buffered_amount()
    }

    /// Whether both sides have said all and know it, or the channel is gone.
    pub(super) fn is_over(&self) -> bool {
        self.state.borrow().stream.is_over() || self.is_open().is_err()
    }

    /// Closes the channel itself. What was sent still leaves.
    pub(super) fn close(&self) {
        self.wire.close();
    }

    fn received(&self, data: &JsValue) {
        let Some(buffer) = data.dyn_ref::<ArrayBuffer>() else { return self.break_off() };
        // Measured before it is copied.
        if self.shared.unread.get().saturating_add(buffer.byte_length() as usize) > UNREAD {
            return self.break_off();
        }
        let read = self.state.borrow_mut().stream.receive(&Uint8Array::new(buffer).to_vec());
        self.count();
        match read {
            Ok(()) => self.settle(),
            Err(_) => self.break_off(),
        }
    }

    /// What came is of no use, or is too much: to a reader a reset, after what it had not read yet.
    fn break_off(&self) {
        self.state.borrow_mut().stream.channel_closed();
        self.close();
    }

    /// Whoever waits looks again.
    fn news(&self) {
        let (reader, writer) = {
            let mut state = self.state.borrow_mut();
            (state.reader.take(), state.writer.take())
        };
        reader.into_iter().chain(writer).for_each(Waker::wake);
        self.shared.wake();
    }

    fn count(&self) {
        let mut state = self.state.borrow_mut();
        let unread = state.stream.unread();
        self.shared.unread.set(self.shared.unread.get().saturating_sub(state.counted).saturating_add(unread));
        state.counted = unread;
    }

    /// Sends what the stream has to say.
    fn settle(&self) {
        if !matches!(self.is_open(), Ok(true)) {
            return;
        }
        loop {
            let mut state = self.state.borrow_mut();
            let Some(message) = state.stream.next_message() else { return };
            // One that cannot be sent any more is of no use to anybody.
            if !state.silent && self.wire.send_with_u8_array(&message).is_err() {
                return;
            }
        }
    }

    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = self.state.borrow_mut().stream.read(buffer);
        match read {
            Read::Bytes(count) => {
                self.count();
                Poll::Ready(Ok(count))
            }
            Read::End => Poll::Ready(Ok(0)),
            Read::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Read::Pending => {
                self.state.borrow_mut().reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    pub(super) fn poll_write(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.state.borrow_mut();
        state.stream.writable()?;
        if !self.is_open()? || self.unsent() as usize >= UNSENT {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let (message, count) = state.stream.write(data)?;
        let sent = self.wire.send_with_u8_array(&message);
        Poll::Ready(sent.map(|()| count).map_err(|_| io::ErrorKind::ConnectionAborted.into()))
    }

    /// Ends our half.
    pub(super) fn finish(&self) {
        self.state.borrow_mut().stream.finish();
        self.settle();
    }

    /// Its stream was dropped.
    pub(super) fn let_go(self: &Rc<Self>) {
        self.state.borrow_mut().stream.abandon();
        self.count();
        self.settle();
        match self.is_open() {
            Ok(true) if !self.is_over() => self.shared.linger(Rc::clone(self)),
            _ => self.close(),
        }
    }

    /// The handshake is over. Its channel says no more, and what comes on it is dropped.
    pub(super) fn silence(&self) {
        {
            let mut state = self.state.borrow_mut();
            state.stream.finish();
            state.stream.abandon();
            state.silent = true;
        }
        self.count();
        self.settle();
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.shared.channels.set(self.shared.channels.get().saturating_sub(1));
        let unread = self.shared.unread.get().saturating_sub(self.state.borrow().counted);
        self.shared.unread.set(unread);
    }
}
