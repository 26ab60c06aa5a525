//! A connection after its handshake, whose other side keeps to no rule above DTLS.

use std::net::SocketAddr;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::super::config::{MAX_CHANNELS, MAX_WAITING};
use super::super::connection::{Event, Machine};
use super::super::credentials::{Credentials, Version};
use super::super::dtls::Ready;
use super::super::sctp::{Ppi, checksum};
use super::super::shared::now;
use super::input::Input;
use super::port::CERTIFICATES;

/// Datagrams of one step: a connection says something to each, and no more for ever.
const MOST: usize = 10_000;
/// Ports, verification tag and checksum (RFC 9260, section 3.1).
const HEADER: usize = 12;

/// An established connection and what a hostile peer does to it.
pub fn connection(data: &[u8]) {
    let mut pair = Pair::connected();
    let mut input = Input::new(data);
    while !input.is_empty() && pair.victim.ended().is_none() {
        pair.step(&mut input);
        let (all, waiting) = pair.victim.channels.count();
        assert!(all <= MAX_CHANNELS && waiting <= MAX_WAITING, "{all} channels, {waiting} of them wait");
    }
}

struct Pair {
    hostile: Machine,
    victim: Machine,
    /// Header of the hostile side's packets.
    header: [u8; HEADER],
    /// Its last packet.
    packet: Vec<u8>,
    accepted: Vec<u16>,
    now: Instant,
}

fn there(end: usize) -> SocketAddr {
    (std::net::Ipv4Addr::new(203, 0, 113, u8::try_from(end).unwrap_or_default()), 1000).into()
}

impl Pair {
    fn connected() -> Self {
        let now = now();
        let credentials = Credentials::dial(Version::V2);
        let [ours, theirs] = CERTIFICATES.clone();
        let mut hostile = Machine::dial(&credentials, there(1), Vec::new(), now);
        if let Ok(ready) = Ready::new(ours, now) {
            hostile.prepare(ready);
        }
        let victim = Machine::listen(&credentials, there(0), theirs, now);
        let mut pair = Self { hostile, victim, header: [0; HEADER], packet: Vec::new(), accepted: Vec::new(), now };
        let (mut answered, mut connected) = (false, false);
        for _ in 0..100 {
            pair.exchange();
            while let Some(event) = pair.hostile.poll() {
                if event == Event::Answered && !std::mem::replace(&mut answered, true) {
                    pair.hostile.proceed(pair.now);
                }
                connected |= event == Event::Channel;
            }
            if connected {
                break;
            }
            pair.passes(Duration::from_millis(10));
        }
        assert!(connected, "an undisturbed handshake comes about");
        pair.overhear();
        pair
    }

    /// Everything that is on its way arrives.
    fn exchange(&mut self) {
        for _ in 0..MOST {
            let (to, from) = (self.victim.poll_transmit(self.now), self.hostile.poll_transmit(self.now));
            if to.is_none() && from.is_none() {
                return;
            }
            if let Some((_, datagram)) = to {
                self.hostile.handle(self.now, there(1), &datagram);
            }
            if let Some((_, datagram)) = from {
                self.victim.handle(self.now, there(0), &datagram);
            }
        }
        panic!("it says more and more");
    }

    fn passes(&mut self, time: Duration) {
        self.now += time;
        self.hostile.handle_timeout(self.now);
        self.victim.handle_timeout(self.now);
        self.exchange();
    }

    /// Learns what a packet of the hostile side looks like.
    fn overhear(&mut self) {
        let packets = self.hostile.on_channels(|_, sctp, now| {
            sctp.open(2);
            sctp.write(2, Ppi::Binary, &[1; 40]);
            sctp.poll_transmit(now)
        });
        for packet in packets.into_iter().flatten() {
            if let Some(header) = packet.first_chunk() {
                self.header = *header;
            }
            self.packet = packet.to_vec();
            self.hostile.send_packet(&packet);
        }
        self.exchange();
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 10 {
            0 => {
                let bytes = input.bytes();
                self.victim.handle(self.now, there(0), bytes);
            }
            1 => {
                let mut packet = self.header.to_vec();
                while packet.len() < 1000 && !input.is_empty() && !input.byte().is_multiple_of(4) {
                    chunk(&mut packet, input);
                }
                self.send(packet);
            }
            2 => {
                let again = self.packet.clone();
                if let Some(again) = input.disturb(again) {
                    self.send(again);
                }
            }
            3 => self.says(input, Ppi::Dcep),
            4 => self.says(input, Ppi::Binary),
            5 => {
                let id = stream_id(input);
                self.hostile.on_channels(|_, sctp, _| sctp.close(id));
            }
            6 => self.passes(Duration::from_millis(u64::from(input.byte()) * 10)),
            7 => self.overhear(),
            _ => self.serves(input),
        }
        self.exchange();
    }

    fn says(&mut self, input: &mut Input<'_>, kind: Ppi) {
        let id = stream_id(input);
        let bytes = match input.byte() % 4 {
            0 => super::super::dcep::OPEN.to_vec(),
            _ => input.bytes().to_vec(),
        };
        self.hostile.on_channels(|_, sctp, _| {
            sctp.open(id);
            sctp.write(id, kind, &bytes)
        });
    }

    fn send(&mut self, mut packet: Vec<u8>) {
        if packet.len() < HEADER {
            return;
        }
        let sum = checksum(&packet);
        packet[8..HEADER].copy_from_slice(&sum);
        self.hostile.send_packet(&packet);
    }

    /// What the victim's own side does meanwhile.
    fn serves(&mut self, input: &mut Input<'_>) {
        if let Poll::Ready(id) = self.victim.channels.poll_accept(Waker::noop()) {
            self.accepted.push(id);
        }
        let Some(id) = self.accepted.get(input.below(self.accepted.len())).copied() else { return };
        let (what, bytes) = (input.byte() % 4, input.bytes());
        let mut buffer = [0; 256];
        self.victim.on_channels(|channels, sctp, now| match what {
            0 => {
                let _ = channels.poll_read(id, sctp, &mut buffer, Waker::noop());
            }
            1 => {
                let _ = channels.poll_write(id, sctp, bytes, Waker::noop());
            }
            2 => channels.finish(id, sctp),
            _ => channels.let_go(id, sctp, now),
        });
    }
}

/// Most often one of a few.
fn stream_id(input: &mut Input<'_>) -> u16 {
    match input.byte() {
        byte @ 0..200 => u16::from(byte % 16),
        _ => u16::from_be_bytes([input.byte(), input.byte()]),
    }
}

/// A chunk with a length that is right, of a kind that there is, and any content.
fn chunk(packet: &mut Vec<u8>, input: &mut Input<'_>) {
    const KINDS: [u8; 20] = [0, 0, 255, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 64, 130, 192, 194];
    let (kind, flags, body) = (KINDS[input.below(KINDS.len())], input.byte(), input.bytes());
    let length = u16::try_from(4 + body.len()).unwrap_or_default().to_be_bytes();
    packet.extend([kind, flags, length[0], length[1]]);
    packet.extend(body);
    packet.resize(packet.len().next_multiple_of(4), 0);
}
