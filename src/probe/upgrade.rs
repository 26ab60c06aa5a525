//! From a byte stream to a secured and multiplexed connection.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use super::{Connected, Dial, heard, session};
use crate::{
    engine::{Ctx, Fault},
    model::{Cause, Found, Security, StageName},
    session::{BoxedStream, Secured, multiplex_outbound, secure_outbound},
    transport::tap::Tap,
};

/// A way to get a byte stream to the peer.
#[expect(async_fn_in_trait, reason = "futures of probes are polled in place and never sent")]
pub trait Carrier {
    /// Opens one. With `ctx` the stages are told; without, it is a second connection within a stage.
    async fn open(&self, ctx: Option<&Ctx>) -> Result<BoxedStream, Fault>;
}

/// Opens a stream, secures and multiplexes it, and tries the session.
pub async fn over(dial: Dial<'_>, carrier: &impl Carrier) -> Result<(), Fault> {
    connect(dial, carrier).await?.used(async |session, peer| session::try_out(dial, session, peer).await).await
}

/// Opens a stream, secures it and proposes the multiplexer. Identify is asked for in the same flight.
pub(super) async fn connect<'a>(dial: Dial<'a>, carrier: &impl Carrier) -> Result<Connected<'a>, Fault> {
    let stream = carrier.open(Some(dial.ctx)).await?;
    dial.ctx.enter(StageName::Secure);
    let secured = secure(dial, carrier, stream).await?;
    dial.ctx.found(Found {
        protocol: Some(secured.protocol.into()),
        peer: Some(secured.peer.to_base58()),
        key_type: secured.key_type.map(Into::into),
        ..Found::default()
    });
    session::expect(dial, secured.peer)?;
    dial.ctx.enter(StageName::Multiplex);
    let multiplexed = multiplex_outbound(secured.stream).await?;
    let found = Found { protocol: multiplexed.protocol.map(Into::into), ..Found::default() };
    Ok(Connected::proposed(dial, secured.peer, multiplexed, found).identify_ahead())
}

/// Secures a stream: by noise, and where that is refused by TLS on a second connection, so that a peer with noise, which is
/// nearly every one, costs no round trip more than it must.
async fn secure(dial: Dial<'_>, carrier: &impl Carrier, stream: BoxedStream) -> Result<Secured, Fault> {
    let offers = match dial.options.security {
        Some(security) => vec![security],
        None => vec![Security::Noise, Security::Tls],
    };
    let mut stream = Some(stream);
    let mut refused = None;
    for security in offers {
        let stream = match stream.take() {
            Some(stream) => stream,
            None => carrier.open(None).await?,
        };
        match secure_by(dial, stream, security).await {
            Err(Fault { cause: Cause::NoCommonProtocol { offered }, message }) => {
                refused = Some(merge(refused, offered, message));
            }
            settled => return settled,
        }
    }
    Err(refused.unwrap_or_else(|| Cause::NoCommonProtocol { offered: None }.into()))
}

/// One refusal of all that was offered.
fn merge(earlier: Option<Fault>, offered: Option<Vec<String>>, message: Option<String>) -> Fault {
    let before = match earlier {
        Some(Fault { cause: Cause::NoCommonProtocol { offered }, .. }) => offered,
        _ => None,
    };
    let all: Vec<String> = before.into_iter().chain(offered).flatten().collect();
    Fault { cause: Cause::NoCommonProtocol { offered: (!all.is_empty()).then_some(all) }, message }
}

async fn secure_by(dial: Dial<'_>, stream: BoxedStream, security: Security) -> Result<Secured, Fault> {
    let tap = Tap::new(stream);
    let view = tap.view();
    let mut securing = pin!(secure_outbound(tap, dial.machine.identity(), security));
    let secured = poll_fn(|cx| match securing.as_mut().poll(cx) {
        Poll::Ready(secured) => Poll::Ready(secured),
        // A greeting in another protocol settles it: some servers wait for an answer to theirs.
        Poll::Pending => heard::foreign(&view).map_or(Poll::Pending, |fault| Poll::Ready(Err(fault))),
    })
    .await;
    secured.map_err(|fault| heard::explain(fault, &view))
}
