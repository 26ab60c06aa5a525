//! What a connection and its streams are kept within, whoever carries their data channels.

use std::time::Duration;

/// Streams at once, both sides together. A peer that opens more has them reset.
pub const MAX_CHANNELS: usize = 256;

/// Streams opened by the other side that nobody has accepted yet.
pub const MAX_WAITING: usize = 64;

/// Bytes of one stream that are written and not yet gone; writing waits above it.
pub const UNSENT: usize = 256 * 1024;

/// How long a finished stream waits for its acknowledgement after it was dropped (the same as go-libp2p's).
pub const LINGER: Duration = Duration::from_secs(10);

/// How long an orderly close waits for what was written to arrive.
pub const FLUSH: Duration = Duration::from_millis(500);
