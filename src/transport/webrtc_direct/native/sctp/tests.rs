//! Associations with packets that come as they please.

use std::time::Instant;

use super::chunks::sealed;
use super::intake::{Fate, MOST};
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

/// Chunks of data on stream 2 as no sender of ours makes them, in packets like those of this association.
struct Forge {
    header: Bytes,
    last: u32,
}

impl Forge {
    /// From an association whose client has opened stream 2 and said a word.
    fn new(now: Instant) -> (Self, Sctp, Sctp) {
        let (mut client, mut server) = connected(now);
        assert!(client.open(2) && client.write(2, Ppi::Binary, b"a word"));
        let packet = exchange(now, &mut client, &mut server).remove(0);
        let (_, last) = packet::tsns(&packet).unwrap();
        while server.poll().is_some() {}
        (Self { header: packet.slice(..packet::HEADER), last }, client, server)
    }

    /// The chunk so many numbers after the last genuine one; `flags` has 2 for the first piece of a message and 1 for its last.
    fn data(&self, ahead: u32, flags: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(16 + body.len()).unwrap();
        let tsn = self.last.wrapping_add(ahead).to_be_bytes();
        let mut chunk =
            [&[0, flags], &length.to_be_bytes()[..], &tsn, &[0, 2], &sequence.to_be_bytes(), &[0, 0, 0, 53], body].concat();
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        chunk
    }

    fn send(&self, now: Instant, to: &mut Sctp, chunks: &[Vec<u8>]) -> bool {
        let chunks: Vec<_> = chunks.iter().map(Vec::as_slice).collect();
        to.handle(now, sealed(&self.header, &chunks));
        to.poll_transmit(now);
        std::iter::from_fn(|| to.poll()).any(|seen| matches!(seen, Seen::Broken))
    }
}

/// RFC 9260, section 6.2.
#[test]
fn data_without_data_ends_the_association() {
    let now = tokio::time::Instant::now().into_std();
    let (forge, _, mut server) = Forge::new(now);
    assert!(!forge.send(now, &mut server, &[forge.data(1, 3, 1, b"x")]));
    assert!(forge.send(now, &mut server, &[forge.data(2, 3, 2, b"")]));
    assert!(!forge.send(now, &mut server, &[forge.data(2, 3, 2, b"x")]), "it is told once");
}

#[test]
fn pieces_of_a_message_without_end_are_bounded() {
    let now = tokio::time::Instant::now().into_std();
    let (forge, _, mut server) = Forge::new(now);
    for ahead in 1..3 * u32::try_from(MOST).unwrap() {
        let flags = if ahead == 1 { 2 } else { 0 };
        assert!(!forge.send(now, &mut server, &[forge.data(ahead, flags, 1, b"x")]));
    }
    assert_eq!(server.intake.chunks(), MOST);
    // What comes after a gap is taken once it is closed, but not for ever.
    let (forge, _, mut server) = Forge::new(now);
    assert!(!forge.send(now, &mut server, &[forge.data(60_000, 3, 60_000, b"x")]));
    let ended =
        (1..50_000).find(|ahead| forge.send(now, &mut server, &[forge.data(*ahead, u8::from(*ahead == 1) << 1, 1, b"x")]));
    // The word and what came after the gap wait as well.
    assert_eq!(ended.map(|ended| ended as usize), Some(4 * MOST - 1));
}

#[test]
fn many_small_messages_arrive_at_a_reader_that_comes_late() {
    const COUNT: usize = 3 * MOST;
    let mut now = tokio::time::Instant::now().into_std();
    let (mut client, mut server) = connected(now);
    assert!(client.open(2));
    for number in 0..COUNT {
        assert!(client.write(2, Ppi::Binary, &number.to_be_bytes()));
    }
    let (mut read, mut turns) = (Vec::new(), 0);
    while read.len() < COUNT {
        while !exchange(now, &mut client, &mut server).is_empty() || !exchange(now, &mut server, &mut client).is_empty() {}
        assert!(server.intake.chunks() <= MOST);
        while server.poll().is_some() {}
        while let Some(Message::Data(bytes) | Message::Dcep(bytes)) = server.read(2) {
            read.push(usize::from_be_bytes(bytes.try_into().unwrap()));
        }
        now += std::time::Duration::from_millis(100);
        client.handle_timeout(now);
        server.handle_timeout(now);
        turns += 1;
        assert!(turns < 1000, "{} of {COUNT} have come", read.len());
    }
    assert!(read.iter().copied().eq(0..COUNT));
}

/// RFC 6525, section 5.2.2, has such a request wait; here it is repeated.
#[test]
fn a_reset_that_overtakes_data_is_lost() {
    let (forge, _, mut server) = Forge::new(tokio::time::Instant::now().into_std());
    for (ahead, fate) in [(0, Fate::Taken), (1, Fate::Lost), (1_000_000, Fate::Lost)] {
        let last = forge.last.wrapping_add(ahead).to_be_bytes();
        let bytes = [&[130, 0, 0, 22, 0, 13, 0, 18][..], &[0; 8], &last, &[0, 2, 0, 0]].concat();
        assert_eq!(server.intake.judge(packet::Chunk { kind: 130, bytes: &bytes }), fate, "{ahead}");
    }
}

/// Messages (P), first pieces (p) and requests to give up on all before (F), by their sequence numbers, which no order holds for:
/// `sctp-proto` sorts by it, and a sort may panic over that.
#[test]
fn giving_up_on_messages_changes_nothing() {
    const STEPS: &str = "P20218 P14853 F29338 F29561 p35617 F30288 p54200 p32865 F63056 F64230 P5661 P15653 p31463 p15889 F16653 \
        F33279 F511 F33279 P56028 F56161 P60372 P20463 P63738 P62440 P23394 F57545 P24778 F18932 F20322 F53090 F54448 P7480 P18184 \
        F54874 F56222 F23454 P26109 F23841 F41634 F42412 P46724 P9645 F9644 p11098 P42413 F39229 P62156 F6461 F8195 p12040 P33870 \
        p40964 F40963 P8196";
    let now = tokio::time::Instant::now().into_std();
    let (mut forge, _, mut server) = Forge::new(now);
    for sequence in 1..3 {
        assert!(!forge.send(now, &mut server, &[forge.data(sequence.into(), 3, sequence, b"x")]));
    }
    forge.last = forge.last.wrapping_add(2);
    // Three messages were read: the next is the fourth.
    assert_eq!(std::iter::from_fn(|| server.read(2)).count(), 3);
    let mut sent = 0;
    for step in STEPS.split_whitespace() {
        let (kind, sequence) = step.split_at(1);
        let sequence: u16 = sequence.parse().unwrap();
        let chunk = match kind {
            "F" => {
                let given_up = forge.last.wrapping_add(1).to_be_bytes();
                [&[192, 0, 0, 12][..], &given_up, &[0, 2], &sequence.to_be_bytes()].concat()
            }
            _ => forge.data(1, if kind == "P" { 3 } else { 2 }, sequence, b"x"),
        };
        forge.last = forge.last.wrapping_add(1);
        sent += usize::from(kind != "F");
        assert!(!forge.send(now, &mut server, &[chunk]));
    }
    assert_eq!(server.intake.chunks(), sent, "all of them wait");
}

/// A RE-CONFIG that closes stream 2 after the data so far (RFC 6525, section 4.1), and answers `answered`.
fn closing(request: u32, answered: u32, last: u32) -> Vec<u8> {
    let parameter = [&[0, 13, 0, 18][..], &request.to_be_bytes(), &answered.to_be_bytes(), &last.to_be_bytes(), &[0, 2]].concat();
    [&[130, 0, 0, 22][..], &parameter, &[0; 2]].concat()
}

/// RFC 8831, section 6.7: a closing is answered by one of our own. Who never answers that has not as many kept as it likes.
#[test]
fn closings_that_are_never_ended_are_bounded() {
    let now = tokio::time::Instant::now().into_std();
    let (forge, _, mut server) = Forge::new(now);
    let ended = (0..10_000).find(|round| {
        let data = forge.data(round + 1, 3, 0, b"x");
        let last = forge.last.wrapping_add(*round);
        forge.send(now, &mut server, &[closing(forge.last.wrapping_add(*round), 7, last), data])
    });
    assert_eq!(ended.map(|ended| ended as usize), Some(resets::MOST));
}

#[test]
fn closings_that_are_ended_may_be_as_many_as_the_peer_likes() {
    let mut now = tokio::time::Instant::now().into_std();
    let (mut client, mut server) = connected(now);
    for round in 0..3 * resets::MOST {
        let id = 2 + u16::try_from(round % 1000).unwrap();
        assert!(client.open(id) && client.write(id, Ppi::Binary, b"x"), "{round}");
        client.close(id);
        while !exchange(now, &mut client, &mut server).is_empty() || !exchange(now, &mut server, &mut client).is_empty() {
            while server.read(id).is_some() {}
        }
        for end in [&mut client, &mut server] {
            assert!(!std::iter::from_fn(|| end.poll()).any(|seen| matches!(seen, Seen::Broken | Seen::Lost)), "{round}");
        }
        assert!(client.resets.waiting + server.resets.waiting <= 2, "{round}");
        // What was sent is acknowledged late.
        now += std::time::Duration::from_millis(200);
        client.handle_timeout(now);
        server.handle_timeout(now);
    }
    assert!(client.streams().len() < 10 && server.streams().len() < 10, "{:?} {:?}", client.streams(), server.streams());
}
