//! The probe of WebTransport.

use futures::AsyncWriteExt;
use libp2p_core::muxing::StreamMuxerBox;
use multiaddr::multihash::Multihash;
use p2p_probe::{
    engine::Fault,
    model::{Cause, Found, StageName},
    plan::Planned,
    probe::{Dial, used},
    session::{Multiplexed, Secured, secure_webtransport},
    transport::webrtc_direct::Fingerprint,
};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::{
    muxer::{Connection, Session},
    platform::{WebTransport, connect},
    stream::Stream,
};
use crate::{error::words, permission::Watch};

/// Where a server answers (libp2p specs, webtransport/README.md, "WebTransport HTTP endpoint").
const PATH: &str = "/.well-known/libp2p-webtransport?type=noise";

/// Dials an address over WebTransport.
pub(crate) async fn dial(dial: Dial<'_>, watch: &Watch) -> Result<(), Fault> {
    let ctx = dial.ctx;
    ctx.enter(StageName::Upgrade);
    ctx.found(Found { covers: Some(vec![StageName::Connect]), ..Found::default() });
    let certhashes = &dial.planned.route.certhashes;
    let late = watch.clone();
    ctx.time_out_means(move || late.or(Cause::TimedOut));
    let session = open(dial.planned, certhashes).await.map_err(|fault| watch.explain(fault))?;
    ctx.enter(StageName::Secure);
    let secured = secure(dial, &session.0, certhashes).await?;
    ctx.found(Found {
        protocol: Some(secured.protocol.into()),
        peer: Some(secured.peer.to_base58()),
        key_type: secured.key_type.map(Into::into),
        ..Found::default()
    });
    used(dial, Multiplexed::from(StreamMuxerBox::new(Connection::new(session))), secured.peer).await
}

/// Opens a session. The plan sees to it that there is a certhash of the kind that browsers compare.
async fn open(planned: &Planned, certhashes: &[Multihash<64>]) -> Result<Session, Fault> {
    let known: Vec<_> = certhashes.iter().filter_map(Fingerprint::of_certhash).collect();
    let session = connect(&url(planned), &known).map(Session).map_err(|error| opaque(&error))?;
    JsFuture::from(session.0.ready()).await.map_err(|error| opaque(&error))?;
    Ok(session)
}

fn url(planned: &Planned) -> String {
    let host = planned.host();
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    format!("https://{host}:{}{PATH}", planned.route.port)
}

/// Proves who is there, on a stream that has no further use.
async fn secure(dial: Dial<'_>, session: &WebTransport, certhashes: &[Multihash<64>]) -> Result<Secured, Fault> {
    let stream = JsFuture::from(session.open()).await.map_err(|error| Fault::new(Cause::Closed, &words(&error)))?;
    let mut secured = secure_webtransport(Stream::new(&stream), dial.machine.identity(), certhashes).await?;
    // How its end goes changes nothing.
    let _ = secured.stream.close().await;
    Ok(secured)
}

/// A session that did not come about: the same word for every reason, a wrong certificate among them.
fn opaque(error: &JsValue) -> Fault {
    Fault::new(Cause::Opaque, &words(error))
}
