//! The probes of a program of the operating system.

use super::{Connected, Dial, Machine, punch, quic, session, tcp, through_relay, webrtc, websocket};
use crate::{
    engine::{Ctx, Fault},
    model::{Cause, Options, Transport},
    plan::Planned,
};

/// Makes one connection to one address and tries it.
pub(crate) async fn dial(machine: &Machine, ctx: &Ctx, planned: &Planned, options: &Options) -> Result<(), Fault> {
    let machine = &machine.for_one_dial();
    let dial = Dial { machine, ctx, planned, options };
    if let Some(circuit) = planned.route.circuit.as_deref() {
        return if options.punch {
            Box::pin(punch::dial(dial, *circuit)).await
        } else {
            through_relay(dial, *circuit, connect).await
        };
    }
    connect(dial).await?.used(async |session, peer| session::try_out(dial, session, peer).await).await
}

/// Makes the one connection that leaves this machine.
pub(crate) async fn connect(dial: Dial<'_>) -> Result<Connected<'_>, Fault> {
    match dial.planned.route.transport {
        Transport::Tcp => tcp::connect(dial).await,
        Transport::Ws | Transport::Wss => websocket::connect(dial).await,
        Transport::Quic => quic::connect(dial).await,
        Transport::WebrtcDirect => webrtc::connect(dial).await,
        // The plan leaves these out, by the capabilities of this runtime.
        Transport::Webtransport | Transport::Relay => {
            Err(Cause::UnsupportedAddress { part: format!("/{}", dial.planned.route.transport) }.into())
        }
    }
}
