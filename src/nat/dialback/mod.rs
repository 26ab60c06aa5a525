//! `/p2p-probe/dialback/1`: a helper sends to, or dials, a port of whoever asks.
//!
//! AutoNAT tells whether a dial passes. To tell what a NAT does, packets have to come from places that the socket under test
//! has sent to and from others that it has not, in the order of the test. `p2p-probe listen` is such a helper.
//!
//! # Messages
//! The asker opens a stream for each request. Both messages are JSON ([`Request`], [`Answer`]) with their length in front as an
//! unsigned varint; the request has at most 4,096 bytes, the answer at most 65,536. After the answer the helper closes.
//!
//! - `info`: the asker's address as the helper sees it, its partner, and the UDP ports that answer STUN binding requests.
//! - `datagrams {port, token, by}`: three STUN binding indications of 48 bytes, 100 ms apart, from a UDP port that is used for
//!   nothing else, to `port` of the asker. The token (32 hex digits, not to be guessed) stands in the attribute 0xC0F1. The
//!   answer `sent` comes with the first datagram.
//! - `dial {layers, within_ms, by}`: a dial as libp2p does it. `layers` is the asker's address without its IP part, `/tcp/4001` or
//!   `/udp/4001/quic-v1/p2p/12D3…`. The answer `dialed` holds each stage.
//!
//! `by: partner` has the helper's partner do it, which the asker has never sent to. The helper passes the request on with a
//! [`Ticket`]: who asks, from which IP address, what for and until when, signed by the helper. A partner takes tickets of the
//! one helper that it names itself.
//!
//! # Not a weapon
//! - Only the IP address of the asker's own connection is ever sent to; the asker names a port alone.
//! - That address is proved by the connection: by its handshake, or over webrtc-direct by that or an answered check. The port is
//!   not: neighbours behind one NAT share an address. So at most 8 different ports of one address (of one IPv6 /64) in a minute.
//! - Requests are limited for each address and in all, those at work at once too.
//! - 144 bytes of datagrams cost the asker a stream and a request that is longer.
//! - A private address is sent to only by a helper that listens on an address of the same kind itself; a loopback one only by
//!   a helper that listens on nothing else.
//! - An address of the helper's own machine is not sent to: behind a proxy there every stranger seems to come from it.
//! - Whatever is refused is told to the asker, with its reason ([`Refusal`]).

mod client;
mod ticket;
mod wire;

pub use client::ask;
pub use ticket::Ticket;
pub(crate) use ticket::{Errand, What, seconds};
pub use wire::{Answer, By, Refusal, Request, TokenText};

/// The name of the protocol.
pub const PROTOCOL: &str = "/p2p-probe/dialback/1";
/// The longest request, in bytes: a ticket signed by an RSA key fits.
pub const MAX_REQUEST: usize = 4096;
/// The longest answer: the stages of a dial with a certificate of many names fit.
pub const MAX_ANSWER: usize = 65_536;
/// Datagrams of one dial-back: one may be lost.
pub const DATAGRAMS: u8 = 3;
/// The time between two of them.
pub const DATAGRAMS_APART: std::time::Duration = std::time::Duration::from_millis(100);
