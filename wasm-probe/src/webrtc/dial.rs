//! The probe of webrtc-direct.

use std::{net::SocketAddr, rc::Rc};

use libp2p_core::muxing::StreamMuxerBox;
use p2p_probe::{
    engine::{Ctx, Fault},
    model::{Answered, Cause, Found, StageName},
    plan::Planned,
    probe::{Dial, used},
    session::{BoxedStream, Multiplexed, fault_of, key_type},
    transport::webrtc_direct::{
        Fingerprint, Version,
        noise::{self, Certificates, Proof, authenticate},
    },
};

use super::{
    muxer::Connection,
    peer::{Peer, State},
    race::Race,
    stream::{Stream, Use},
};
use crate::permission::Watch;

/// Dials an address over webrtc-direct.
pub(crate) async fn dial(dial: Dial<'_>, watch: Watch) -> Result<(), Fault> {
    let ctx = dial.ctx;
    ctx.enter(StageName::Connect);
    let remote = remote(dial.planned)?;
    let mut promised = dial.planned.route.certhashes.iter().filter_map(Fingerprint::of_certhash);
    // The plan sees to it that there is one.
    let first = promised.next().ok_or(Cause::LocalFault { errno: None })?;
    let race = Race::new(remote, first, watch);
    let seen = race.seen();
    ctx.time_out_means(move || seen.silence());
    let peer = race.run(dial.planned.version).await?;
    ctx.found(Found { versions: Some(answered(peer.version)), ..peer.stats().await.of_connect() });
    ctx.enter(StageName::Dtls);
    let (peer, server) = secured(peer, first, &race, promised).await?;
    channel(ctx, &peer).await;
    if peer.until(Peer::channel).await != State::Done {
        return Err(Fault::new(Cause::ChannelFailed { what: "the data channel did not open".into() }, "the browser closed it"));
    }
    ctx.enter(StageName::Secure);
    let client = peer.certificate.ok_or_else(|| Fault::from(Cause::LocalFault { errno: None }))?;
    // The code of the handshake is there once, for whatever stream.
    let stream: BoxedStream = Box::new(Stream::new(Rc::clone(&peer.handshake), Use::Handshake));
    let proof = Proof::new(dial.machine.identity()).map_err(|error| of_noise(&peer, &error))?;
    let proved = authenticate(stream, proof, Certificates { client, server }, true).await;
    let (id, _) = proved.map_err(|error| of_noise(&peer, &error))?;
    ctx.found(Found {
        protocol: Some("/noise".into()),
        peer: Some(id.to_base58()),
        key_type: key_type(&id).map(Into::into),
        ..Found::default()
    });
    used(dial, Multiplexed::from(StreamMuxerBox::new(Connection::new(peer))), id).await
}

/// Waits for DTLS. A browser compares one certificate and does not tell which was shown, so where the address promises several,
/// each is tried on a connection of its own. Of a handshake that failed there is nothing to be seen: Chromium has the other side's
/// certificate in `getRemoteCertificates` and in its statistics only once DTLS stands, and no `RTCErrorEvent` says why it does not.
async fn secured(
    mut peer: Peer,
    mut server: Fingerprint,
    race: &Race,
    mut promised: impl Iterator<Item = Fingerprint>,
) -> Result<(Peer, Fingerprint), Fault> {
    while peer.until(Peer::dtls).await == State::Over {
        let words =
            "DTLS failed, and the browser does not say why; another certificate than the certhash promises looks like this";
        server = promised.next().ok_or_else(|| Fault::new(Cause::Opaque, words))?;
        peer = race.of(server).connect(peer.version).await?;
    }
    Ok((peer, server))
}

/// DTLS stands, or is not shown: then the channel's opening is the next thing that this browser shows.
async fn channel(ctx: &Ctx, peer: &Peer) {
    ctx.found(peer.stats().await.of_dtls());
    if peer.dtls() == State::Hidden {
        ctx.found(Found { covers: Some(vec![StageName::Channel]), ..Found::default() });
    } else {
        ctx.enter(StageName::Channel);
    }
}

/// A browser dials addresses alone: the plan leaves out names, which it has no way to look up, and addresses of a link.
fn remote(planned: &Planned) -> Result<SocketAddr, Fault> {
    let ip = planned.ip.ok_or_else(|| Fault::from(Cause::LocalFault { errno: None }))?;
    Ok(SocketAddr::new(ip, planned.route.port))
}

fn answered(version: Version) -> Answered {
    let is = |other| (version == other).then_some(true);
    Answered { v1: is(Version::V1), v2: is(Version::V2), ..Answered::default() }
}

/// What stopped the handshake; the end of the whole connection says more than that of its stream.
fn of_noise(peer: &Peer, error: &noise::Error) -> Fault {
    match (error, peer.ended()) {
        (noise::Error::Io(_), Some(ended)) => ended,
        _ => fault_of(error),
    }
}
