//! Transports and stream layers that rust-libp2p lacks or hides too much of. They know nothing of probes: they report
//! typed errors and what they observed, and leave it to the probe to name a cause.

pub mod libp2p_tls;
pub mod quic;
pub mod tap;
pub mod tls;
pub mod websocket;
