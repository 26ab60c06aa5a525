//! A peer that is connected and sends more than anybody takes.

use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::super::config::{MAX_CHANNELS, MAX_WAITING};
use super::super::connection::Machine;
use super::super::credentials::Version;
use super::super::dcep;
use super::super::error::Ended;
use super::super::packet::HEADER;
use super::super::sctp::{Message, Ppi, checksum};
use super::line::{DIALER, Line, Weather};
use super::simulated::{accept, let_go, open, read, write};

const FAIR: Weather = Weather { lost: 0, doubled: 0, late: 0, round_trip: Duration::from_millis(2) };

fn connected() -> Line {
    let mut line = Line::new(Version::V2, FAIR, 1);
    line.connect();
    line
}

fn settle(line: &mut Line) {
    let until = line.now + FAIR.round_trip * 3;
    line.until(|_, now| now >= until);
}

/// Below what our own side would ever do.
fn open_raw(machine: &mut Machine, id: u16) -> bool {
    let opened = machine.on_channels(|_, sctp, _| sctp.open(id) && sctp.write(id, Ppi::Dcep, &dcep::OPEN));
    opened.unwrap()
}

/// Carries what SCTP has to say from one end to the other and back, past DTLS: without optimisation its cryptography takes ten
/// times as long as all the rest.
fn carry(ends: &mut [Machine; 2], now: Instant) {
    let mut quiet = false;
    while !quiet {
        quiet = true;
        for from in 0..2 {
            let packets = ends[from].sctp.as_mut().map(|sctp| sctp.poll_transmit(now)).unwrap_or_default();
            quiet &= packets.is_empty();
            for packet in packets {
                ends[1 - from].sctp.as_mut().unwrap().handle(now, packet);
                ends[1 - from].listen_to_sctp();
            }
        }
    }
}

#[test]
fn a_hundred_thousand_channels_are_as_many_as_may_be() {
    /// Opened at once. What is kept of a channel that was refused goes with the round trip that refuses it.
    const ROUND: usize = 200;
    /// So many until anybody accepts those that wait.
    const UNHEARD: u32 = 98_000;
    let mut line = connected();
    let (mut opened, mut id, mut held) = (0, 0, Vec::new());
    while opened < 100_000 {
        for _ in 0..ROUND {
            id = if id >= 65_000 { 2 } else { id + 2 };
            opened += u32::from(open_raw(&mut line.ends[0], id));
        }
        line.now += FAIR.round_trip;
        carry(&mut line.ends, line.now);
        let (all, waiting) = line.ends[1].channels.count();
        assert!(all <= MAX_CHANNELS && waiting <= MAX_WAITING, "{all} {waiting}");
        let kept = line.ends[1].on_channels(|_, sctp, _| sctp.streams().len()).unwrap();
        assert!(kept <= MAX_CHANNELS + 2 * ROUND, "{kept}");
        if opened >= UNHEARD {
            held.extend(std::iter::from_fn(|| accept(&mut line.ends[1])));
        }
    }
    assert_eq!(line.ends.each_ref().map(Machine::ended), [None; 2]);
    // But for that of the handshake.
    assert_eq!(held.len(), MAX_CHANNELS - 1);
}

/// A peer that says that a stream is over, opens the next, and never closes one.
#[test]
fn streams_that_a_peer_never_closes_are_bounded() {
    let mut line = connected();
    let ended = (1..20_000).find(|round| {
        open_raw(&mut line.ends[0], 2 * round);
        line.now += FAIR.round_trip;
        let packets = line.ends[0].sctp.as_mut().map(|sctp| sctp.poll_transmit(line.now)).unwrap_or_default();
        for packet in packets {
            // It closes nothing, and answers no closing of ours.
            if packet.get(HEADER) != Some(&130) {
                line.ends[1].sctp.as_mut().unwrap().handle(line.now, packet);
                line.ends[1].listen_to_sctp();
            }
        }
        let answers = line.ends[1].sctp.as_mut().map(|sctp| sctp.poll_transmit(line.now)).unwrap_or_default();
        for packet in answers.into_iter().filter(|packet| packet.get(HEADER) != Some(&130)) {
            line.ends[0].sctp.as_mut().unwrap().handle(line.now, packet);
            line.ends[0].listen_to_sctp();
        }
        line.ends[1].ended().is_some()
    });
    assert!(ended.is_some_and(|ended| ended <= 4 * 256 + 2), "{ended:?}");
    assert_eq!(line.ends[1].ended(), Some(&Ended::Rules));
}

#[test]
fn a_gibibyte_waits_at_its_sender_for_a_reader_that_is_slow() {
    const ALL: usize = 1 << 30;
    /// What is read before it is believed.
    const ENOUGH: usize = 2 << 20;
    let mut line = connected();
    let (id, chunk) = (open(&mut line.ends[0]), vec![7; 64 * 1024]);
    let (mut written, mut taken, mut accepted, mut next) = (0, 0, None, line.now);
    line.until(|ends, now| {
        loop {
            let count = write(&mut ends[0], id, &chunk[..chunk.len().min(ALL - written)]);
            written += count;
            if count == 0 {
                break;
            }
        }
        accepted = accepted.or_else(|| accept(&mut ends[1]));
        if let Some(id) = accepted.filter(|_| now >= next) {
            next = now + Duration::from_millis(5);
            let mut buffer = [0; 16 * 1024];
            let read = ends[1].on_channels(|channels, sctp, _| channels.poll_read(id, sctp, &mut buffer, Waker::noop()));
            if let Poll::Ready(count) = read.unwrap() {
                taken += count.unwrap();
            }
        }
        // Unread in the stream, in SCTP on the far side, and unacknowledged on this one.
        assert!(written - taken <= 1_500_000, "{written} {taken}");
        taken >= ENOUGH
    });
}

/// A packet of the dialer's, from which others can be made: its header, and the number of its last chunk.
fn overheard(line: &mut Line, id: u16) -> ([u8; 12], u32) {
    let packets = line.ends[0].on_channels(|_, sctp, now| {
        sctp.write(id, Ppi::Binary, &[0; 8]);
        sctp.poll_transmit(now)
    });
    let packet = packets.into_iter().flatten().last().unwrap();
    line.ends[0].send_packet(&packet);
    settle(line);
    let number = packet[16..20].first_chunk().copied().map(u32::from_be_bytes);
    (*packet.first_chunk().unwrap(), number.unwrap())
}

/// Whoever does not care for the window that we tell.
#[test]
fn a_peer_that_sends_beyond_the_window_is_not_heard() {
    const SENT: u32 = 4_000;
    let mut line = connected();
    assert!(open_raw(&mut line.ends[0], 2));
    settle(&mut line);
    let (header, last) = overheard(&mut line, 2);
    for number in 1..=SENT {
        let body = [0x11; 1000];
        let stream = [0, 2, 0, 0, 0, 0, 0, 53];
        let mut packet = [&header[..], &[0, 7, 3, 248], &last.wrapping_add(number).to_be_bytes(), &stream, &body].concat();
        let sum = checksum(&packet);
        packet[8..12].copy_from_slice(&sum);
        line.ends[0].send_packet(&packet);
        while let Some((_, datagram)) = line.ends[0].poll_transmit(line.now) {
            line.ends[1].handle(line.now, DIALER.parse().unwrap(), &datagram);
        }
        while line.ends[1].poll_transmit(line.now).is_some() {}
    }
    // All that was kept can be read: a message without a frame in it ends the stream.
    let kept = line.ends[1].on_channels(|_, sctp, _| {
        let message = |_| match sctp.read(2)? {
            Message::Data(bytes) | Message::Dcep(bytes) => Some(bytes.len()),
        };
        (0..SENT).map_while(message).sum::<usize>()
    });
    let kept = kept.unwrap_or_default();
    assert!(kept <= 600_000, "{kept}");
}

#[test]
fn a_reset_in_the_middle_of_a_message_is_a_reset() {
    let mut line = connected();
    assert!(open_raw(&mut line.ends[0], 2));
    // A frame of a hundred bytes, of which ten come.
    let cut = [&[102, 0x12, 100], &[1; 10][..]].concat();
    line.ends[0].on_channels(|_, sctp, _| sctp.write(2, Ppi::Binary, &cut));
    settle(&mut line);
    let id = accept(&mut line.ends[1]).unwrap();
    let mut received = Vec::new();
    assert!(!read(&mut line.ends[1], id, &mut received));
    line.ends[0].on_channels(|_, sctp, _| sctp.close(2));
    settle(&mut line);
    let mut buffer = [0; 64];
    let read = line.ends[1].on_channels(|channels, sctp, _| channels.poll_read(id, sctp, &mut buffer, Waker::noop()));
    assert!(matches!(read, Some(Poll::Ready(Err(error))) if error.kind() == std::io::ErrorKind::ConnectionReset));
    assert!(received.is_empty());
    let before = line.ends[1].channels.count().0;
    let_go(&mut line.ends[1], id);
    settle(&mut line);
    assert_eq!(line.ends[1].channels.count().0, before - 1);
}

/// The other direction of [`super::simulated`]'s: who asks and does not read the answer.
#[test]
fn a_peer_that_never_reads_stops_who_answers() {
    let mut line = connected();
    let id = open(&mut line.ends[1]);
    let (chunk, mut written, mut quiet_since) = (vec![3; 64 * 1024], 0, line.now);
    line.until(|ends, now| {
        let count = write(&mut ends[1], id, &chunk);
        written += count;
        if count > 0 {
            quiet_since = now;
        }
        now - quiet_since > Duration::from_secs(10)
    });
    assert!((500_000..1_500_000).contains(&written), "{written}");
    assert_eq!(line.ends.each_ref().map(Machine::ended), [None; 2]);
}
