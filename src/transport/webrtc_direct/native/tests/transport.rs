//! Two transports that know each other by libp2p's trait alone.

use std::future::poll_fn;
use std::pin::Pin;

use libp2p_core::Endpoint;
use libp2p_core::muxing::StreamMuxerBox;
use libp2p_core::transport::{Boxed, DialOpts, ListenerId, PortUse, Transport as _, TransportError, TransportEvent};
use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;

use super::super::{Certificate, Transport};
use super::echo::echo;
use crate::transport::quic::Limits;

type Any = Boxed<(PeerId, StreamMuxerBox)>;

fn transport() -> (PeerId, Any) {
    let keypair = Keypair::generate_ed25519();
    let peer = keypair.public().to_peer_id();
    let transport = Transport::new(keypair, Certificate::generate().unwrap(), Limits::default());
    (peer, transport.map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer))).boxed())
}

fn opts() -> DialOpts {
    DialOpts { role: Endpoint::Dialer, port_use: PortUse::New }
}

type Event = TransportEvent<<Any as libp2p_core::Transport>::ListenerUpgrade, std::io::Error>;

async fn event(transport: &mut Any) -> Event {
    poll_fn(|cx| Pin::new(&mut *transport).poll(cx)).await
}

/// Listens, and tells where.
async fn listen(transport: &mut Any, on: &str) -> (ListenerId, Multiaddr) {
    let id = ListenerId::next();
    transport.listen_on(id, on.parse().unwrap()).unwrap();
    let TransportEvent::NewAddress { listener_id, listen_addr } = event(transport).await else { panic!("no address") };
    assert_eq!(listener_id, id);
    (id, listen_addr)
}

#[tokio::test]
async fn two_transports_dial_each_other_and_open_a_stream() {
    let ((a, mut first), (b, mut second)) = (transport(), transport());
    let (_, at_first) = listen(&mut first, "/ip4/127.0.0.1/udp/0/webrtc-direct").await;
    let (_, at_second) = listen(&mut second, "/ip6/::1/udp/0/webrtc-direct").await;
    meet((a, &mut first), (b, &mut second), at_second).await;
    meet((b, &mut second), (a, &mut first), at_first).await;
}

/// One dials, both learn who the other is, and a question is answered on a stream.
async fn meet((dialer, from): (PeerId, &mut Any), (listener, to): (PeerId, &mut Any), address: Multiaddr) {
    let named = address.clone().with_p2p(listener).unwrap();
    let dial = from.dial(named, opts()).unwrap();
    let accept = async {
        let TransportEvent::Incoming { upgrade, local_addr, send_back_addr, .. } = event(to).await else { panic!("nobody") };
        assert_eq!(local_addr, address);
        assert!(send_back_addr.to_string().ends_with("/webrtc-direct"), "{send_back_addr}");
        upgrade.await.unwrap()
    };
    let (outbound, (who, mut inbound)) = tokio::join!(dial, accept);
    let (found, mut outbound) = outbound.unwrap();
    assert_eq!((found, who), (listener, dialer));
    echo(&mut outbound, &mut inbound).await;
}

#[tokio::test]
async fn a_wildcard_is_told_as_the_addresses_that_lead_there() {
    let ((a, mut first), (b, mut second)) = (transport(), transport());
    let id = ListenerId::next();
    second.listen_on(id, "/ip4/0.0.0.0/udp/0/webrtc-direct".parse().unwrap()).unwrap();
    let loopback = loop {
        let TransportEvent::NewAddress { listen_addr, .. } = event(&mut second).await else { panic!("no loopback") };
        assert!(!listen_addr.to_string().starts_with("/ip4/0.0.0.0"), "{listen_addr}");
        if listen_addr.to_string().starts_with("/ip4/127.0.0.1/") {
            break listen_addr;
        }
    };
    // Those of other interfaces may still be to come.
    let mut told = true;
    while told {
        told = futures::FutureExt::now_or_never(event(&mut second)).is_some();
    }
    meet((a, &mut first), (b, &mut second), loopback).await;
}

/// An IPv4 dialer has an IPv4 address, whichever port is listened on beside.
#[tokio::test]
async fn each_family_has_a_port_of_its_own() {
    let (_, mut transport) = transport();
    let (_, address) = listen(&mut transport, "/ip6/::/udp/0/webrtc-direct").await;
    let port = address.iter().find_map(|part| if let multiaddr::Protocol::Udp(port) = part { Some(port) } else { None });
    let beside = format!("/ip4/0.0.0.0/udp/{}/webrtc-direct", port.unwrap());
    transport.listen_on(ListenerId::next(), beside.parse().unwrap()).unwrap();
}

#[tokio::test]
async fn a_listener_that_is_removed_says_so_and_is_gone() {
    let (_, mut transport) = transport();
    let (id, address) = listen(&mut transport, "/ip4/127.0.0.1/udp/0/webrtc-direct").await;
    assert!(transport.remove_listener(id));
    assert!(!transport.remove_listener(id));
    let closed = event(&mut transport).await;
    assert!(matches!(closed, TransportEvent::ListenerClosed { listener_id, reason: Ok(()) } if listener_id == id));
    // The port is free again once the reading task has ended.
    let free = async {
        let port = address.iter().find_map(|part| if let multiaddr::Protocol::Udp(port) = part { Some(port) } else { None });
        while std::net::UdpSocket::bind(("127.0.0.1", port.unwrap())).is_err() {
            tokio::task::yield_now().await;
        }
    };
    free.await;
}

#[tokio::test]
async fn an_address_of_another_kind_is_not_supported() {
    let (_, mut transport) = transport();
    let (_, works) = listen(&mut transport, "/ip4/127.0.0.1/udp/0/webrtc-direct").await;
    let dials = [
        "/ip4/127.0.0.1/udp/4001/quic-v1",
        "/ip4/127.0.0.1/tcp/4001",
        "/dns4/localhost/udp/4001/webrtc-direct/certhash/uEiAUDp0D0HEvP43E4dzXPUiG5qNBXqP8ASEWFtiCZdn-sw",
        "/ip4/127.0.0.1/udp/0/webrtc-direct/certhash/uEiAUDp0D0HEvP43E4dzXPUiG5qNBXqP8ASEWFtiCZdn-sw",
        // Nothing to compare the certificate with.
        "/ip4/127.0.0.1/udp/4001/webrtc-direct",
    ];
    for text in dials {
        let address: Multiaddr = text.parse().unwrap();
        let dial = transport.dial(address.clone(), opts());
        assert!(matches!(dial, Err(TransportError::MultiaddrNotSupported(told)) if told == address), "{text}");
    }
    let listens = transport.listen_on(ListenerId::next(), "/ip4/127.0.0.1/tcp/0".parse().unwrap());
    assert!(matches!(listens, Err(TransportError::MultiaddrNotSupported(_))));
    // Whoever has to be the listening side of a hole punch cannot dial.
    let punch = transport.dial(works, DialOpts { role: Endpoint::Listener, port_use: PortUse::Reuse });
    assert!(matches!(punch, Err(TransportError::MultiaddrNotSupported(_))));
}

#[tokio::test]
async fn a_dial_that_fails_says_why() {
    let (_, mut transport) = transport();
    let closed = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let certhash = "uEiAUDp0D0HEvP43E4dzXPUiG5qNBXqP8ASEWFtiCZdn-sw";
    let address = format!("/ip4/127.0.0.1/udp/{closed}/webrtc-direct/certhash/{certhash}");
    let dial = transport.dial(address.parse().unwrap(), opts()).unwrap();
    let refused = dial.await.map(|(peer, _)| peer).unwrap_err();
    assert!(refused.to_string().contains("closed"), "{refused}");
}
