//! From somebody at a port to a multiplexed connection.

use std::net::SocketAddr;

use futures_rustls::TlsAcceptor;
use libp2p_core::muxing::StreamMuxerBox;
use multiaddr::Protocol;

use super::{
    accept::{Arrived, Carrier},
    address::Spot,
    common::Common,
    fault,
};
use crate::{
    engine::{Fault, Record},
    inbound::{self, Established},
    model::{Answered, Cause, Found, StageName, Transport},
    nat::relay::Incoming,
    probe::{self, errors, socket::address},
    session::{BoxedStream, ByteStream, Multiplexed, key_name, key_type},
    transport::{
        paced::paced,
        quic::{Arrival, Dialed},
        tap::Tap,
        tls::TlsFault,
        webrtc_direct::{self, AcceptError, Accepted, Step, Version},
        websocket,
    },
};

/// Goes through the stages of a dial from its other side.
pub(super) async fn establish(common: &Common, record: &Record, arrived: Arrived) -> Result<Established, Fault> {
    let Arrived { transport, local, carrier, .. } = arrived;
    if !matches!(carrier, Carrier::Relayed(_)) {
        record.enter(StageName::Connect);
    }
    let stream = match carrier {
        Carrier::Quic(arrival) => return quic(record, *arrival, local).await,
        Carrier::Dialed(dialed) => return Ok(dialed_quic(record, *dialed)),
        Carrier::Reached(reached) => {
            record.found(Found {
                local: Some(address(local, Protocol::Tcp(local.port()))),
                peer: Some(reached.peer.to_base58()),
                ..Found::default()
            });
            return Ok(Established::new(reached.peer, reached.connection));
        }
        Carrier::Webrtc(arrival) => return webrtc(record, *arrival, local).await,
        Carrier::Relayed(incoming) => return relayed(common, record, *incoming).await,
        Carrier::Stream(stream) => paced(stream),
    };
    record.found(Found { local: Some(address(local, Protocol::Tcp(local.port()))), ..Found::default() });
    let stream: BoxedStream = match transport {
        Transport::Ws => websocket(record, stream).await?,
        Transport::Wss => {
            let stream = tls(common, record, Box::new(stream)).await?;
            websocket(record, stream).await?
        }
        _ => Box::new(stream),
    };
    inbound::secure(&common.service.identity, record, stream).await
}

async fn quic(record: &Record, arrival: Arrival, local: SocketAddr) -> Result<Established, Fault> {
    record.found(Found { local: Some(address(local, Protocol::Udp(local.port()))), ..Found::default() });
    let accepted = arrival.handshake().await.map_err(|error| fault::of_quic(&error))?;
    record.found(Found {
        rtt_ms: Some(accepted.connection.rtt().into()),
        peer: Some(accepted.peer.to_base58()),
        key_type: Some(key_name(&accepted.key_type).into()),
        ..Found::default()
    });
    let connection = Multiplexed::from(StreamMuxerBox::new(accepted.connection));
    Ok(Established::new(accepted.peer, connection))
}

/// A hole that was punched from here.
fn dialed_quic(record: &Record, dialed: Dialed) -> Established {
    record.found(Found {
        local: Some(address(dialed.local, Protocol::Udp(dialed.local.port()))),
        rtt_ms: Some(dialed.rtt.into()),
        peer: Some(dialed.peer.to_base58()),
        key_type: Some(key_name(&dialed.key_type).into()),
        ..Found::default()
    });
    Established::new(dialed.peer, Multiplexed::from(StreamMuxerBox::new(dialed.connection)))
}

async fn webrtc(record: &Record, arrival: webrtc_direct::Arrival, local: SocketAddr) -> Result<Established, Fault> {
    let version = arrival.version;
    let versions = Answered {
        v1: (version == Version::V1).then_some(true),
        v2: (version == Version::V2).then_some(true),
        ..Answered::default()
    };
    let local = Some(address(local, Protocol::Udp(local.port())));
    record.found(Found { local, versions: Some(versions), ..Found::default() });
    if !arrival.began {
        return Err(Cause::TimedOut.into());
    }
    record.enter(StageName::Dtls);
    let accepted = arrival.handshake(|step| match step {
        Step::Secured { certificate, version } => {
            let certificate = probe::webrtc::certificate(&certificate);
            record.found(Found { version: version.map(Into::into), certificate, ..Found::default() });
            record.enter(StageName::Channel);
        }
        Step::Channel => record.enter(StageName::Secure),
        Step::Answered { .. } | Step::Versions(_) => {}
    });
    let Accepted { peer, remote, connection } = accepted.await.map_err(|error| match error {
        AcceptError::TimedOut => Fault::new(Cause::TimedOut, &error),
        AcceptError::TooMany => Fault::new(Cause::LocalFault { errno: None }, &error),
        AcceptError::Failed(error) => errors::of_webrtc(error),
    })?;
    record.found(Found {
        protocol: Some("/noise".into()),
        peer: Some(peer.to_base58()),
        key_type: key_type(&peer).map(Into::into),
        ..Found::default()
    });
    let remote = Spot { transport: Transport::WebrtcDirect, socket: remote }.address();
    Ok(Established { remote: Some(remote), ..Established::new(peer, Multiplexed::from(StreamMuxerBox::new(connection))) })
}

/// Somebody whom a relay brings: STOP, and a connection on the same stream.
async fn relayed(common: &Common, record: &Record, incoming: Incoming) -> Result<Established, Fault> {
    record.enter(StageName::Hop);
    record.found(Found { limits: Some(probe::allowed(incoming.limits)), ..Found::default() });
    let stream: BoxedStream = Box::new(incoming.accept().await?);
    inbound::secure(&common.service.identity, record, stream).await
}

async fn tls(common: &Common, record: &Record, stream: BoxedStream) -> Result<BoxedStream, Fault> {
    record.enter(StageName::Tls);
    // Without a certificate no such port was bound.
    let config = common.tls.clone().ok_or(Cause::LocalFault { errno: None })?;
    let tap = Tap::new(stream);
    let view = tap.view();
    let stream = TlsAcceptor::from(config).accept(tap).await.map_err(|error| {
        record.found(fault::greeted(&view));
        errors::of_tls(&TlsFault::of(error, &view))
    })?;
    let session = stream.get_ref().1;
    record.found(Found {
        version: session.protocol_version().and_then(|version| Some(version.as_str()?.replace('_', "."))),
        alpn: session.alpn_protocol().map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
        ..Found::default()
    });
    Ok(Box::new(stream))
}

async fn websocket(record: &Record, stream: impl ByteStream + 'static) -> Result<BoxedStream, Fault> {
    record.enter(StageName::Upgrade);
    let stream = websocket::accept(stream).await.map_err(fault::of_upgrade)?;
    record.found(Found { status: Some(101), ..Found::default() });
    Ok(Box::new(stream))
}
