//! The probes of a page and of Node.

mod stream;

use p2p_probe::{
    engine::{Ctx, Fault},
    model::{Cause, Options, Transport},
    plan::Planned,
    probe::{Dial, Machine, over},
};

use crate::{JsTransport, permission::Watch, webrtc, webtransport};
use stream::Stream;

/// Makes one connection to one address and tries it.
pub(crate) async fn dial(
    transport: &JsTransport,
    machine: &Machine,
    watch: Watch,
    ctx: &Ctx,
    planned: &Planned,
    options: &Options,
) -> Result<(), Fault> {
    let machine = &machine.for_one_dial();
    let dial = Dial { machine, ctx, planned, options };
    match planned.route.transport {
        Transport::Tcp | Transport::Ws | Transport::Wss => over(dial, &Stream { transport, planned, watch }).await,
        Transport::WebrtcDirect => webrtc::dial(dial, watch).await,
        Transport::Webtransport => webtransport::dial(dial, &watch).await,
        // The plan leaves these out, by the capabilities of this runtime.
        Transport::Quic | Transport::Relay => {
            Err(Cause::UnsupportedAddress { part: format!("/{}", planned.route.transport) }.into())
        }
    }
}
