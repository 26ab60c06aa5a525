//! QUIC.

use libp2p_core::muxing::StreamMuxerBox;
use multiaddr::Protocol;

use super::{Connected, Dial, errors, socket, udp};
use crate::{
    engine::Fault,
    model::{Cause, Found, StageName},
    session::{Multiplexed, key_name},
    transport::quic::{self, DialError, Dialed, Ended, Progress},
};

/// Connects over QUIC.
pub(super) async fn connect(dial: Dial<'_>) -> Result<Connected<'_>, Fault> {
    let ctx = dial.ctx;
    ctx.enter(StageName::Connect);
    let progress = Progress::default();
    let (seen, heard) = (progress.clone(), progress.clone());
    ctx.time_out_means(move || udp::silent_in_quic(&seen));
    let (remote, identity) = (dial.remote(), dial.machine.identity());
    let dialed = match dial.machine.ports().quic_towards(remote.ip()) {
        Some(port) => port.dial(remote, identity).await,
        None => quic::dial(dial.udp()?, remote, identity, progress).await,
    };
    let Dialed { peer, key_type, connection, rtt, version, local } = dialed.map_err(|error| match error {
        // Before the attempt's own time was up.
        DialError::Ended(Ended::TimedOut) => Fault::new(udp::silent_in_quic(&heard), &error),
        error => fault(&error),
    })?;
    ctx.found(Found {
        local: Some(socket::address(local, Protocol::Udp(local.port()))),
        rtt_ms: Some(rtt.into()),
        quic_version: Some(format!("{version:#010x}")),
        peer: Some(peer.to_base58()),
        key_type: Some(key_name(&key_type).into()),
        ..Found::default()
    });
    Ok(Connected::multiplexed(dial, peer, Multiplexed::from(StreamMuxerBox::new(connection))))
}

/// What a dial that failed means.
pub(crate) fn fault(error: &DialError) -> Fault {
    let cause = match error {
        DialError::Socket(fault) => return errors::of_socket(fault),
        DialError::Setup(_) | DialError::Unusable(_) => Cause::LocalFault { errno: None },
        DialError::BadCertificate(rejected) => errors::of_certificate(rejected),
        DialError::Silent => Cause::UdpSilent,
        DialError::Ended(ended) => errors::of_quic(ended),
    };
    Fault::new(cause, error)
}
