//! Transports and stream layers that rust-libp2p lacks or hides too much of. They know nothing of probes: they report
//! typed errors and what they observed, and leave it to the probe to name a cause.

#[cfg(feature = "native")]
pub mod libp2p_tls;
pub mod limits;
#[cfg(feature = "native")]
pub mod paced;
#[cfg(feature = "native")]
pub mod quic;
#[cfg(feature = "native")]
mod socket_fault;
#[cfg(feature = "native")]
pub(crate) mod stun;
pub mod tap;
#[cfg(feature = "native")]
pub mod tls;
pub mod webrtc_direct;
#[cfg(feature = "native")]
pub mod websocket;

#[cfg(feature = "native")]
pub use socket_fault::SocketFault;
