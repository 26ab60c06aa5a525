//! webrtc-direct.

use std::pin::pin;

use futures::{
    FutureExt,
    future::{Either, LocalBoxFuture, select},
};
use libp2p_core::muxing::StreamMuxerBox;
use multiaddr::Protocol;

use super::{Connected, Dial, connected::Aside, errors, socket, tls, udp};
use crate::{
    engine::{Ctx, Fault},
    model::{Answered, Found, StageName, WebrtcVersions},
    session::{Multiplexed, key_type},
    transport::{
        quic::Progress,
        tls::Certificate,
        webrtc_direct::{Ask, Beside, DialError, Dialed, Fingerprint, Shown, Step, Version, Versions},
    },
};

/// Connects over webrtc-direct.
pub(super) async fn connect(dial: Dial<'_>) -> Result<Connected<'_>, Fault> {
    let ctx = dial.ctx;
    ctx.enter(StageName::Connect);
    let progress = Progress::default();
    let (seen, heard) = (progress.clone(), progress.clone());
    ctx.time_out_means(move || udp::silent_in_webrtc(&seen));
    let ask = match dial.planned.version {
        Some(WebrtcVersions::V1) => Ask::Only(Version::V1, dial.udp()?),
        Some(WebrtcVersions::V2) => Ask::Only(Version::V2, dial.udp()?),
        Some(WebrtcVersions::Both) | None => Ask::Both(dial.udp()?),
    };
    // Where there is none it is to be learned: the plan leaves out an address whose certhashes are all of another kind.
    let known = dial.planned.route.certhashes.iter().filter_map(Fingerprint::of_certhash).collect();
    let dialing = crate::transport::webrtc_direct::Dial {
        socket: dial.udp()?,
        remote: dial.remote(),
        ask,
        certhashes: known,
        keypair: dial.machine.identity(),
        progress,
    };
    let dialed = dialing.run(|step| told(ctx, step)).await;
    let Dialed { peer, connection, versions, beside, .. } = dialed.map_err(|error| {
        if let DialError::CertHashMismatch { actual } = &error {
            ctx.found(Found { certificate: certificate(actual), ..Found::default() });
        }
        match error {
            // Before the attempt's own time was up.
            DialError::Silent => Fault::new(udp::silent_in_webrtc(&heard), &error),
            error => errors::of_webrtc(error),
        }
    })?;
    ctx.found(Found {
        protocol: Some("/noise".into()),
        peer: Some(peer.to_base58()),
        key_type: key_type(&peer).map(Into::into),
        // The other version's answer may have come since the first stage ended.
        versions: Some(answered(versions)),
        ..Found::default()
    });
    let connected = Connected::multiplexed(dial, peer, Multiplexed::from(StreamMuxerBox::new(connection)));
    Ok(connected.alongside(Box::new(beside)))
}

impl Aside for Beside {
    fn along<'a>(
        self: Box<Self>,
        ctx: &'a Ctx,
        work: LocalBoxFuture<'a, Result<(), Fault>>,
    ) -> LocalBoxFuture<'a, Result<(), Fault>> {
        noting(ctx, *self, work).boxed_local()
    }
}

/// Does the work on a connection, and notes what the other version's silence or answer tells meanwhile. Over a line so short
/// that the work ends first, that is waited for: it is a matter of milliseconds.
async fn noting(ctx: &Ctx, mut beside: Beside, mut work: LocalBoxFuture<'_, Result<(), Fault>>) -> Result<(), Fault> {
    let note = |versions| ctx.found(Found { versions: Some(answered(versions)), ..Found::default() });
    let done = loop {
        match select(&mut work, pin!(beside.news())).await {
            Either::Left((done, _)) => break done,
            Either::Right((versions, _)) => note(versions),
        }
    };
    if done.is_ok() && beside.is_about_to_tell() {
        note(beside.news().await);
    }
    done
}

/// Tells what a stage found, and begins the next.
fn told(ctx: &Ctx, step: Step) {
    match step {
        Step::Answered { versions, local, rtt, .. } => {
            ctx.found(Found {
                local: Some(socket::address(local, Protocol::Udp(local.port()))),
                rtt_ms: Some(rtt.into()),
                versions: Some(answered(versions)),
                ..Found::default()
            });
            ctx.enter(StageName::Dtls);
        }
        Step::Versions(versions) => ctx.found(Found { versions: Some(answered(versions)), ..Found::default() }),
        Step::Secured { certificate: shown, version } => {
            ctx.found(Found { version: version.map(Into::into), certificate: certificate(&shown), ..Found::default() });
            ctx.enter(StageName::Channel);
        }
        Step::Channel => ctx.enter(StageName::Secure),
    }
}

/// A certificate as reports carry it; none where it cannot be read.
pub(crate) fn certificate(shown: &Shown) -> Option<crate::model::Certificate> {
    Certificate::parse(&shown.der).as_ref().map(tls::shown)
}

/// No answer tells nothing.
fn answered(versions: Versions) -> Answered {
    Answered { v1: versions.v1.then_some(true), v2: versions.v2.then_some(true), unanswered: versions.unanswered }
}
