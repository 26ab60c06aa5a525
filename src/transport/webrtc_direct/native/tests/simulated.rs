//! Connections over a simulated line.

use std::net::SocketAddr;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::super::super::framing::{Flag, encode};
use super::super::channels::HANDSHAKE;
use super::super::config::{ALL_UNREAD, LINGER, UNREAD};
use super::super::connection::Machine;
use super::super::credentials::Version;
use super::super::dcep;
use super::super::error::Ended;
use super::super::sctp::Ppi;
use super::line::{Line, Weather, seeds};

const FAIR: Weather = Weather { lost: 0, doubled: 0, late: 0, round_trip: Duration::from_millis(50) };

fn weathers() -> Vec<Weather> {
    let mut all = Vec::new();
    for round_trip in [50, 300] {
        for lost in [0, 10, 30, 100] {
            all.push(Weather { lost, doubled: 20, late: 200, round_trip: Duration::from_millis(round_trip) });
        }
    }
    all
}

pub(super) fn open(machine: &mut Machine) -> u16 {
    machine.on_channels(|channels, sctp, _| channels.open(sctp)).unwrap().unwrap()
}

pub(super) fn write(machine: &mut Machine, id: u16, data: &[u8]) -> usize {
    let written = machine.on_channels(|channels, sctp, _| channels.poll_write(id, sctp, data, Waker::noop())).unwrap();
    match written {
        Poll::Ready(count) => count.unwrap(),
        Poll::Pending => 0,
    }
}

fn finish(machine: &mut Machine, id: u16) {
    machine.on_channels(|channels, sctp, _| channels.finish(id, sctp)).unwrap();
}

pub(super) fn accept(machine: &mut Machine) -> Option<u16> {
    match machine.channels.poll_accept(Waker::noop()) {
        Poll::Ready(id) => Some(id),
        Poll::Pending => None,
    }
}

/// Reads what there is; whether that was the end.
pub(super) fn read(machine: &mut Machine, id: u16, into: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 4096];
    loop {
        let read = machine.on_channels(|channels, sctp, _| channels.poll_read(id, sctp, &mut buffer, Waker::noop())).unwrap();
        match read {
            Poll::Ready(Ok(0)) => return true,
            Poll::Ready(Ok(count)) => into.extend(&buffer[..count]),
            Poll::Ready(Err(error)) => panic!("{error}"),
            Poll::Pending => return false,
        }
    }
}

fn data(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

/// One end writes, the other reads to the end.
pub(super) fn transfer(line: &mut Line, from: usize, length: usize) -> Duration {
    let sent = data(length);
    let id = open(&mut line.ends[from]);
    let (mut rest, mut finished) = (sent.as_slice(), false);
    let (mut accepted, mut received) = (None, Vec::new());
    let took = line.until(|ends, _| {
        while !rest.is_empty() {
            let count = write(&mut ends[from], id, rest);
            if count == 0 {
                break;
            }
            rest = &rest[count..];
        }
        if rest.is_empty() && !std::mem::replace(&mut finished, true) {
            finish(&mut ends[from], id);
        }
        accepted = accepted.or_else(|| accept(&mut ends[1 - from]));
        accepted.is_some_and(|id| read(&mut ends[1 - from], id, &mut received))
    });
    assert!(received == sent, "the bytes differ");
    let_go(&mut line.ends[from], id);
    accepted.inspect(|id| let_go(&mut line.ends[1 - from], *id));
    took
}

pub(super) fn let_go(machine: &mut Machine, id: u16) {
    machine.on_channels(|channels, sctp, now| channels.let_go(id, sctp, now)).unwrap();
}

/// One end asks on a stream and ends its half; the other reads all of it, answers on the half that is open, and ends that.
fn exchange(line: &mut Line, asks: usize, length: usize) -> Duration {
    let (question, answer) = (data(length), data(length / 2));
    let ids = [open(&mut line.ends[asks]), 0];
    let (mut accepted, mut rests, mut halves) = (None, [&question[..], &answer[..]], [false; 2]);
    let (mut heard, mut told) = ((Vec::new(), false), (Vec::new(), false));
    let took = line.until(|ends, _| {
        accepted = accepted.or_else(|| accept(&mut ends[1 - asks]));
        for (half, id) in [(0, Some(ids[0])), (1, accepted)] {
            let end = if half == 0 { asks } else { 1 - asks };
            let Some(id) = id.filter(|_| !halves[half] && (half == 0 || told.1)) else { continue };
            let count = write(&mut ends[end], id, rests[half]);
            rests[half] = &rests[half][count..];
            halves[half] = rests[half].is_empty();
            if halves[half] {
                finish(&mut ends[end], id);
            }
        }
        told.1 = told.1 || accepted.is_some_and(|id| read(&mut ends[1 - asks], id, &mut told.0));
        heard.1 = heard.1 || read(&mut ends[asks], ids[0], &mut heard.0);
        heard.1
    });
    assert!(told.0 == question && heard.0 == answer, "the bytes differ");
    let_go(&mut line.ends[asks], ids[0]);
    accepted.inspect(|id| let_go(&mut line.ends[1 - asks], *id));
    took
}

/// Under each weather, in both versions: the handshake, bytes both ways on streams of both ends, each half ended by itself,
/// and a goodbye.
#[test]
fn a_connection_comes_about_in_any_weather_and_bytes_stay_in_order() {
    let mut worst = Vec::new();
    for weather in weathers() {
        let (mut slowest, mut longest) = (Duration::ZERO, Duration::ZERO);
        for seed in seeds(0..4) {
            let version = if seed % 2 == 0 { Version::V2 } else { Version::V1 };
            let mut line = Line::new(version, weather, seed);
            let connected = line.connect();
            slowest = slowest.max(connected);
            transfer(&mut line, 0, 15_000);
            exchange(&mut line, 1, 30_000);
            longest = longest.max(exchange(&mut line, 0, 30_000).saturating_sub(connected));
            let now = line.now;
            line.ends[1].close(now);
            line.until(|ends, _| ends[0].ended().is_some());
            // A goodbye is said once: where it is lost, silence tells.
            assert!(matches!(line.ends[0].ended(), Some(Ended::ByPeer | Ended::Association | Ended::TimedOut)));
        }
        worst.push((weather, slowest, longest));
    }
    for (weather, slowest, longest) in worst {
        println!("connected after {slowest:?} at worst, 105,000 bytes later {longest:?}: {weather:?}");
    }
}

#[test]
fn on_a_clear_line_a_connection_takes_as_many_round_trips_as_its_layers() {
    let mut line = Line::new(Version::V2, FAIR, 1);
    // A check 1, DTLS 1.3 with its hybrid hello at most 2, SCTP 2.
    let took = line.connect();
    assert!(took <= FAIR.round_trip * 5, "{took:?} {:?}", line.reached);
}

#[test]
fn a_reader_that_does_not_read_stops_the_writer() {
    let mut line = Line::new(Version::V2, FAIR, 1);
    line.connect();
    let id = open(&mut line.ends[0]);
    let chunk = data(64 * 1024);
    let (mut written, mut quiet_since) = (0, line.now);
    line.until(|ends, now| {
        let count = write(&mut ends[0], id, &chunk);
        written += count;
        if count > 0 {
            quiet_since = now;
        }
        now - quiet_since > Duration::from_secs(10)
    });
    // Unread in the stream, in SCTP on the far side, and unacknowledged on this one.
    assert!((500_000..1_500_000).contains(&written), "{written}");
    let (mut accepted, mut received) = (None, Vec::new());
    line.until(|ends, _| {
        accepted = accepted.or_else(|| accept(&mut ends[1]));
        let ended = accepted.is_some_and(|id| read(&mut ends[1], id, &mut received));
        assert!(!ended, "nothing was finished");
        received.len() == written
    });
}

#[test]
fn a_goodbye_is_heard() {
    let mut line = Line::new(Version::V1, FAIR, 1);
    line.connect();
    let now = line.now;
    line.ends[0].close(now);
    line.until(|ends, _| ends[1].ended().is_some());
    assert_eq!(line.ends[0].ended(), Some(&Ended::Locally));
    assert_eq!(line.ends[1].ended(), Some(&Ended::ByPeer));
}

#[test]
fn silence_ends_a_connection() {
    let mut line = Line::new(Version::V2, Weather { lost: 1000, ..FAIR }, 1);
    line.until(|ends, _| ends[0].ended().is_some());
    assert_eq!(line.ends[0].ended(), Some(&Ended::TimedOut));
}

#[test]
fn streams_without_end_are_bounded_and_free_their_ids() {
    let mut line = Line::new(Version::V2, FAIR, 1);
    line.connect();
    for _ in 0..600 {
        transfer(&mut line, 0, 10);
    }
}

/// The listener speaks first on the handshake's channel, as soon as it is up itself: the dialer may hear it before it has heard
/// that SCTP is up.
#[test]
fn what_the_listener_says_first_is_heard_in_any_order() {
    for seed in 0..40 {
        let mut line = Line::new(Version::V2, Weather { lost: 150, late: 500, ..FAIR }, seed);
        let (mut said, mut heard) = (false, Vec::new());
        line.until(|ends, _| {
            said = said
                || ends[1]
                    .on_channels(|channels, sctp, _| channels.poll_write(HANDSHAKE, sctp, b"first", Waker::noop()))
                    .is_some_and(|polled| matches!(polled, Poll::Ready(Ok(5))));
            assert_eq!(ends.each_ref().map(Machine::ended), [None; 2], "{seed}");
            if ends[0].on_channels(|_, _, _| ()).is_some() {
                let mut buffer = [0; 64];
                let read =
                    ends[0].on_channels(|channels, sctp, _| channels.poll_read(HANDSHAKE, sctp, &mut buffer, Waker::noop()));
                match read {
                    Some(Poll::Ready(Ok(count))) => heard.extend_from_slice(&buffer[..count]),
                    // Not there yet.
                    Some(Poll::Ready(Err(error))) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted, "{seed}"),
                    _ => {}
                }
            }
            heard == b"first"
        });
    }
}

/// Answers with the end on every stream that the other side opened, and lets it go.
fn answer(machine: &mut Machine) {
    while let Some(id) = accept(machine) {
        finish(machine, id);
        let_go(machine, id);
    }
}

/// Until everything that was under way has arrived.
fn wait(line: &mut Line) {
    let until = line.now + FAIR.round_trip * 5;
    line.until(|_, now| now >= until);
}

/// A channel's id may be used again once both directions are reset, and libdatachannel does so at once: nothing that belongs
/// to the channel before may reach the new one.
#[test]
fn an_id_can_be_used_again_as_soon_as_its_channel_is_closed() {
    let mut line = Line::new(Version::V2, FAIR, 3);
    line.connect();
    for round in 0..20 {
        let id = open(&mut line.ends[0]);
        finish(&mut line.ends[0], id);
        let mut answered = false;
        line.until(|ends, _| {
            answer(&mut ends[1]);
            answered = answered || read(&mut ends[0], id, &mut Vec::new());
            answered
        });
        wait(&mut line);
        assert!(!line.ends[0].channels.is_gone(id), "{round}: closed by the side that did not open it");
        let_go(&mut line.ends[0], id);
        line.until(|ends, _| ends[0].on_channels(|channels, sctp, _| channels.reuse(id, sctp)).unwrap());
        assert_eq!(open(&mut line.ends[0]), id, "{round}");
        wait(&mut line);
        let kept = accept(&mut line.ends[1]).expect("a stream");
        assert!(write(&mut line.ends[1], kept, b"still here") > 0, "{round}");
        let mut heard = Vec::new();
        line.until(|ends, _| read(&mut ends[0], id, &mut heard) || heard.len() == 10);
        finish(&mut line.ends[0], id);
        finish(&mut line.ends[1], kept);
        let_go(&mut line.ends[0], id);
        let_go(&mut line.ends[1], kept);
    }
}

/// Some close the channel of the handshake once that is done (libp2p specs, webrtc/README.md), and browsers give its id to the
/// next one. We leave it open.
#[test]
fn a_closed_handshake_channel_can_be_opened_anew() {
    for closed_early in [false, true] {
        let mut line = Line::new(Version::V2, FAIR, 6);
        line.connect();
        let close = |line: &mut Line| {
            line.ends[0].on_channels(|_, sctp, _| sctp.close(HANDSHAKE));
            line.until(|ends, _| ends[0].on_channels(|_, sctp, _| !sctp.has(HANDSHAKE)).unwrap());
            wait(line);
        };
        if closed_early {
            close(&mut line);
        }
        line.ends[1].channels.forget_handshake();
        let_go(&mut line.ends[1], HANDSHAKE);
        if !closed_early {
            let later = line.now + 2 * LINGER;
            line.until(|_, now| now >= later);
            assert!(line.ends[0].on_channels(|_, sctp, _| sctp.has(HANDSHAKE)).unwrap(), "it stays");
            close(&mut line);
        }
        send(&mut line.ends[0], HANDSHAKE, &[(Ppi::Dcep, dcep::OPEN.to_vec())]);
        wait(&mut line);
        assert_eq!(accept(&mut line.ends[1]), Some(HANDSHAKE), "{closed_early}");
    }
}

#[test]
fn what_was_held_back_comes_when_others_are_let_go_unread() {
    const LONG: usize = UNREAD;
    let mut line = Line::new(Version::V2, FAIR, 7);
    line.connect();
    let ids: Vec<u16> = (0..=ALL_UNREAD / UNREAD).map(|_| open(&mut line.ends[0])).collect();
    for id in &ids {
        let mut written = 0;
        line.until(|ends, _| {
            written += write(&mut ends[0], *id, &data(LONG - written));
            written == LONG
        });
        wait(&mut line);
    }
    let (last, others) = ids.split_last().unwrap();
    assert_eq!(std::iter::from_fn(|| accept(&mut line.ends[1])).count(), ids.len());
    let mut heard = Vec::new();
    read(&mut line.ends[1], *last, &mut heard);
    assert!(heard.is_empty(), "there is no room for it");
    for id in others {
        line.ends[0].on_channels(|_, sctp, _| sctp.close(*id));
    }
    line.until(|ends, _| others.iter().all(|id| ends[1].channels.is_gone(*id)));
    for id in others {
        let_go(&mut line.ends[1], *id);
    }
    read(&mut line.ends[1], *last, &mut heard);
    assert_eq!(heard.len(), LONG);
}

/// Sends these messages on a channel that our own state machine knows nothing of.
fn send(machine: &mut Machine, id: u16, messages: &[(Ppi, Vec<u8>)]) {
    let sent =
        machine.on_channels(|_, sctp, _| sctp.open(id) && messages.iter().all(|(kind, bytes)| sctp.write(id, *kind, bytes)));
    assert_eq!(sent, Some(true), "{id}");
}

/// A peer that says the end of each stream and closes no channel gets new ones all the same.
#[test]
fn channels_that_are_over_and_never_closed_make_room() {
    let mut line = Line::new(Version::V2, FAIR, 4);
    line.connect();
    let mut accepted = 0;
    for round in 0..8 {
        let ids: Vec<u16> = (1..=50).map(|place| 2 * (round * 50 + place)).collect();
        for id in &ids {
            let messages = [(Ppi::Dcep, dcep::OPEN.to_vec()), (Ppi::Binary, encode(Some(Flag::Fin), &[]))];
            send(&mut line.ends[0], *id, &messages);
        }
        wait(&mut line);
        while let Some(id) = accept(&mut line.ends[1]) {
            accepted += 1;
            finish(&mut line.ends[1], id);
            let_go(&mut line.ends[1], id);
        }
        wait(&mut line);
        for id in ids {
            send(&mut line.ends[0], id, &[(Ppi::Binary, encode(Some(Flag::FinAck), &[]))]);
        }
    }
    assert_eq!(accepted, 400);
}

/// A peer that opens streams without end has all above the bound closed, and the connection stays of use.
#[test]
fn a_flood_of_streams_is_bounded() {
    let mut line = Line::new(Version::V2, FAIR, 2);
    line.connect();
    let mut opened = 0;
    for _ in 0..40 {
        let more = line.ends[0].on_channels(|channels, sctp, _| std::iter::from_fn(|| channels.open(sctp).ok()).take(50).count());
        opened += more.unwrap();
        let until = line.now + FAIR.round_trip * 2;
        line.until(|_, now| now >= until);
    }
    assert!(opened > 200, "{opened}");
    let mut waiting = 0;
    while accept(&mut line.ends[1]).is_some() {
        waiting += 1;
    }
    assert!((1..=64).contains(&waiting), "{waiting}");
    assert_eq!(line.ends.each_ref().map(Machine::ended), [None; 2]);
}

/// Whoever resets a stream in the middle of a message is told apart from who ended it.
#[test]
fn a_stream_let_go_in_the_middle_is_a_reset() {
    let mut line = Line::new(Version::V2, FAIR, 2);
    line.connect();
    let id = open(&mut line.ends[0]);
    assert!(write(&mut line.ends[0], id, b"the first half") > 0);
    let_go(&mut line.ends[0], id);
    let (mut accepted, mut end) = (None, None);
    line.until(|ends, _| {
        accepted = accepted.or_else(|| accept(&mut ends[1]));
        let Some(id) = accepted else { return false };
        let mut buffer = [0; 64];
        let read = ends[1].on_channels(|channels, sctp, _| channels.poll_read(id, sctp, &mut buffer, Waker::noop())).unwrap();
        if let Poll::Ready(Err(error)) = read {
            end = Some(error.kind());
        }
        end.is_some()
    });
    assert_eq!(end, Some(std::io::ErrorKind::ConnectionReset));
}

/// Somebody on the way repeats its checks in the name of others.
#[test]
fn a_dialer_whose_checks_come_from_everywhere_keeps_its_connection() {
    let mut line = Line::new(Version::V2, FAIR, 2);
    let (_, check) = line.ends[0].poll_transmit(line.now).unwrap();
    line.ends[1].handle(line.now, line.dialer, &check);
    line.connect();
    for port in 1..300 {
        line.ends[1].handle(line.now, SocketAddr::from(([192, 0, 2, 7], port)), &check);
        if port % 50 == 0 {
            transfer(&mut line, 1, 50_000);
        }
    }
    line.dialer = "198.51.100.77:7".parse().unwrap();
    transfer(&mut line, 0, 100_000);
    transfer(&mut line, 1, 100_000);
    let there = line.dialer;
    line.until(|ends, _| ends[1].proved() == Some(there));
}

/// Nor does what may not be sent to another address wait before what it is told.
#[test]
fn what_waits_for_another_address_delays_nothing() {
    let mut line = Line::new(Version::V2, FAIR, 2);
    let (_, check) = line.ends[0].poll_transmit(line.now).unwrap();
    line.ends[1].handle(line.now, line.dialer, &check);
    line.connect();
    transfer(&mut line, 1, 10_000);
    let (elsewhere, until) = ("192.0.2.7:1000".parse().unwrap(), line.now + Duration::from_secs(3));
    line.ends[1].handle(line.now, elsewhere, &check);
    line.until(|_, now| now >= until);
    while line.ends[1].poll_transmit(line.now).is_some() {}
    let id = open(&mut line.ends[1]);
    assert!(write(&mut line.ends[1], id, b"at once") > 0);
    let sent = line.ends[1].poll_transmit(line.now);
    assert_eq!(sent.map(|(to, _)| to), Some(line.dialer));
}

#[test]
fn a_dialer_whose_address_changes_keeps_its_connection() {
    let mut line = Line::new(Version::V2, FAIR, 2);
    line.connect();
    transfer(&mut line, 0, 10_000);
    line.dialer = "198.51.100.77:7".parse().unwrap();
    transfer(&mut line, 0, 100_000);
    transfer(&mut line, 1, 100_000);
    assert_eq!(line.ends[1].remote(), line.dialer);
}
