//! The probes of a program of the operating system.

use super::{Dial, Machine, quic, tcp, webrtc, websocket};
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
