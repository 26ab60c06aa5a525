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

fn connected(now: Instant) -> (Sctp, Sctp) {
    let (mut client, mut server) = (Sctp::client(now).unwrap(), Sctp::server(now));
    while !exchange(now, &mut client, &mut server).is_empty() || !exchange(now, &mut server, &mut client).is_empty() {}
    assert!(matches!((client.poll(), server.poll()), (Some(Seen::Up), Some(Seen::Up))));
    (client, server)
}

/// RFC 9260, sections 3.2 and 3.3.10: what comes with it is taken.
#[test]
fn an_error_or_an_unknown_chunk_ends_nothing() {
    let now = tokio::time::Instant::now().into_std();
    let (mut client, mut server) = connected(now);
    let chunks: [&[u8]; 2] = [&[9, 0, 0, 8, 0, 8, 0, 4], &[0xff, 0, 0, 7, 1, 2, 3, 0]];
    for (id, chunk) in (1..).zip(chunks) {
        assert!(client.open(id) && client.write(id, Ppi::Binary, b"on"));
        let data = client.poll_transmit(now).remove(0);
        let mut packet = [&data[..packet::HEADER], chunk, &data[packet::HEADER..]].concat();
        let sum = checksum(&packet);
        packet[8..12].copy_from_slice(&sum);
        server.handle(now, packet.into());
        assert!(matches!(server.poll(), Some(Seen::Opened(opened)) if opened == id), "{chunk:?}");
        while server.poll().is_some_and(|seen| !matches!(seen, Seen::Lost)) {}
        exchange(now, &mut server, &mut client);
    }
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
