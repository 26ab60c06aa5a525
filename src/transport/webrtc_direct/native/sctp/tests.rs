//! Associations with packets that come as they please.

use std::time::Instant;

use super::*;

fn exchange(now: Instant, from: &mut Sctp, to: &mut Sctp) -> Vec<Bytes> {
    let sent = from.poll_transmit(now);
    for packet in &sent {
        to.handle(now, packet.clone());
    }
    sent
}

#[test]
fn an_init_that_comes_late_ends_nothing() {
    let now = tokio::time::Instant::now().into_std();
    let (mut client, mut server) = (Sctp::client(now).unwrap(), Sctp::server(now));
    let init = exchange(now, &mut client, &mut server);
    assert!(packet::asks(&init[0]));
    while !exchange(now, &mut server, &mut client).is_empty() || !exchange(now, &mut client, &mut server).is_empty() {}
    assert!(matches!((client.poll(), server.poll()), (Some(Seen::Up), Some(Seen::Up))));
    server.handle(now, init[0].clone());
    assert!(server.poll().is_none(), "the association stays");
    assert!(client.open(1) && client.write(1, Ppi::Binary, b"on"));
    exchange(now, &mut client, &mut server);
    assert!(matches!(server.poll(), Some(Seen::Opened(1))));
}
