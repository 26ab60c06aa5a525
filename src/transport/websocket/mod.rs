//! WebSocket (RFC 6455) over any byte stream, and as one: libp2p sends its bytes in binary messages and gives their
//! borders no meaning.
//!
//! The HTTP half is ours: a library tells a status only where it likes the version, and loses where a redirect leads.

mod accept;
mod connect;
mod error;
mod head;
mod stream;
#[cfg(test)]
mod tests;

pub use accept::accept;
pub use connect::{Upgraded, connect};
pub use error::{AcceptError, UpgradeError, WebSocketFault};
pub use stream::WebSocket;

/// The largest head of a request or an answer, in bytes. Servers themselves accept 8 to 16 KiB.
pub const MAX_HEAD_BYTES: usize = 16 * 1024;

/// The most headers in a head.
pub const MAX_HEADERS: usize = 100;

/// The largest message, and frame, that is accepted, in bytes. What libp2p peers send is a Noise frame (64 KiB) or
/// what one write of theirs made of a few; a message is held whole, so that this bounds memory per connection.
pub const MAX_MESSAGE_BYTES: usize = 2 * 1024 * 1024;

/// The largest message that is sent, in bytes: a full Noise frame fits with its length.
pub const MAX_CHUNK_BYTES: usize = 64 * 1024 + 2;

/// What may wait for the stream below to take it, in bytes: one message, its header, and an answer to a ping.
pub const MAX_WAITING_BYTES: usize = 128 * 1024;
