//! One file for each way to reach a peer, and the session that follows. Only probes touch the network.
//!
//! What every runtime shares is here without the feature `native`: a probe of another runtime brings a [`Carrier`] and hands
//! it to [`over`], or a multiplexed connection and hands it to [`used`].

mod connected;
#[cfg(feature = "native")]
pub mod dns;
#[cfg(feature = "native")]
pub(crate) mod errors;
#[cfg(feature = "native")]
pub(crate) mod further;
pub(crate) mod heard;
#[cfg(feature = "native")]
mod lend;
mod machine;
#[cfg(feature = "native")]
mod native;
#[cfg_attr(not(feature = "native"), path = "ports_absent.rs")]
mod ports;
#[cfg(feature = "native")]
mod punch;
#[cfg(feature = "native")]
pub(crate) mod quic;
mod relay;
pub(crate) mod session;
#[cfg(feature = "native")]
pub(crate) mod socket;
#[cfg(feature = "native")]
mod tcp;
#[cfg(feature = "native")]
mod tls;
#[cfg(feature = "native")]
mod typed;
#[cfg(feature = "native")]
mod udp;
mod upgrade;
#[cfg(feature = "native")]
pub(crate) mod webrtc;
#[cfg(feature = "native")]
mod websocket;

pub use connected::Connected;
#[cfg(feature = "native")]
pub(crate) use lend::{lend, lend_at, lend_once};
pub use machine::Machine;
#[cfg(feature = "native")]
pub(crate) use native::{connect, dial};
#[cfg(feature = "native")]
pub(crate) use ports::Ports;
#[cfg(feature = "native")]
pub(crate) use relay::allowed;
pub use relay::{Met, through_relay};
pub use session::used;
pub use upgrade::{Carrier, over};

use std::fmt;

use crate::{engine::Ctx, model::Options, plan::Planned};

/// One dial, and all that it may use.
#[derive(Clone, Copy)]
pub struct Dial<'a> {
    /// What the runtime lends.
    pub machine: &'a Machine,
    /// The voice of the probe.
    pub ctx: &'a Ctx,
    /// What to dial.
    pub planned: &'a Planned,
    /// How to work.
    pub options: &'a Options,
}

impl fmt::Debug for Dial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").field("planned", self.planned).finish_non_exhaustive()
    }
}
