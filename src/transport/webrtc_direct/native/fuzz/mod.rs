//! The bodies of the fuzz targets (`tests/fuzz`): plain functions of some bytes, which the tests run too. They panic when
//! something does not hold.
#![allow(clippy::expect_used, clippy::panic, reason = "a target fails by a panic")]

mod input;
mod parts;
mod port;
mod session;

pub use parts::{dcep, framing, stun};
pub use port::listener;
pub use session::connection;

/// A target: its name, its body, and how many inputs a bounded run may take.
pub type Target = (&'static str, fn(&[u8]), u32);

/// All of them. Those with a handshake in each input cost the most.
pub const TARGETS: [Target; 5] = [
    ("stun", stun, 20_000),
    ("dcep", dcep, 20_000),
    ("framing", framing, 20_000),
    ("listener", listener, 60),
    ("connection", connection, 40),
];
