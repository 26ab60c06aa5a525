//! webrtc-direct in a page, over the browser's `RTCPeerConnection`, in both versions of the protocol.
//!
//! ```text
//! probe (dial) ─► Peer: ICE ─► DTLS ─► SCTP, all the browser's own ─► Connection ─► Stream ─► Channel ─► Substream
//! ```
//!
//! Frames, streams, descriptions and the Noise handshake are those of the native transport. What differs is what a browser
//! shows: no datagrams, no addresses, and of a failed DTLS handshake not the reason.

mod channel;
mod dial;
mod events;
mod muxer;
mod peer;
mod race;
mod shared;
mod stats;
mod stream;

pub(crate) use dial::dial;

/// Whether this runtime has it.
pub(crate) fn is_here() -> bool {
    crate::platform::get(&js_sys::global(), "RTCPeerConnection").is_function()
}
