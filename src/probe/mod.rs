//! One file for each way to reach a peer, and the session that follows. Only probes touch the network.

pub mod dns;
pub(crate) mod errors;
mod machine;
mod quic;
pub(crate) mod session;
pub(crate) mod socket;
mod tcp;
mod tls;
mod typed;
mod upgrade;
pub(crate) mod webrtc;
mod websocket;

pub(crate) use machine::Machine;

use crate::{
    engine::{Ctx, Fault},
    model::{Cause, Options, Transport},
    plan::Planned,
};

/// Makes one connection to one address and tries it.
pub(crate) async fn dial(machine: &Machine, ctx: &Ctx, planned: &Planned, options: &Options) -> Result<(), Fault> {
    let dial = Dial { machine, ctx, planned, options };
    match planned.route.transport {
        Transport::Tcp => tcp::dial(dial).await,
        Transport::Ws | Transport::Wss => websocket::dial(dial).await,
        Transport::Quic => quic::dial(dial).await,
        Transport::WebrtcDirect => webrtc::dial(dial).await,
        // The plan leaves these out, by the capabilities of this runtime.
        Transport::Webtransport | Transport::Relay => {
            Err(Cause::UnsupportedAddress { part: format!("/{}", planned.route.transport) }.into())
        }
    }
}

/// One dial, and all that it may use.
#[derive(Clone, Copy)]
struct Dial<'a> {
    machine: &'a Machine,
    ctx: &'a Ctx,
    planned: &'a Planned,
    options: &'a Options,
}
