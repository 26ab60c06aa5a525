//! A line between two state machines: it delays, loses, doubles and reorders, always the same for the same seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::super::certificate::Certificate;
use super::super::connection::{Event, Machine};
use super::super::credentials::{Credentials, Version};
use super::super::dtls::Ready;
use super::super::shared::now;

/// When it arrives, its number among all, at which end, and what it is.
type Packet = (Instant, u64, usize, Vec<u8>);

/// What a line does to packets, per thousand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weather {
    pub(super) lost: u64,
    pub(super) doubled: u64,
    /// Packets that take up to half as long again.
    pub(super) late: u64,
    pub(super) round_trip: Duration,
}

/// Longest that any of it may take: more means that it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Line {
    pub(super) ends: [Machine; 2],
    pub(super) reached: [Vec<(Event, Duration)>; 2],
    /// Where the dialer is seen to be; what is sent elsewhere is lost.
    pub(super) dialer: SocketAddr,
    weather: Weather,
    seed: u64,
    start: Instant,
    pub(super) now: Instant,
    flying: BinaryHeap<Reverse<Packet>>,
    sent: u64,
}

pub(super) const DIALER: &str = "198.51.100.1:1000";
pub(super) const LISTENER: &str = "203.0.113.1:2000";

/// These, or those that `P2P_PROBE_SEEDS` names, such as `100..130`: to look for rare failures.
pub(super) fn seeds(usual: Range<u64>) -> Range<u64> {
    let named = std::env::var("P2P_PROBE_SEEDS").ok();
    let range = named.as_deref().map(|text| text.split_once("..").expect("two numbers with .. between them"));
    range.map_or(usual, |(from, to)| from.parse().unwrap()..to.parse().unwrap())
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

impl Line {
    /// A dialer that has sent its first check, and a listener whose gate let it pass.
    pub(super) fn new(version: Version, weather: Weather, seed: u64) -> Self {
        let now = now();
        let credentials = Credentials::dial(version);
        let (ours, theirs) = (Certificate::generate().unwrap(), Certificate::generate().unwrap());
        let expected = vec![theirs.fingerprint()];
        let mut dialer = Machine::dial(&credentials, address(LISTENER), expected, now);
        dialer.prepare(Ready::new(ours, now).unwrap());
        let listener = Machine::listen(&credentials, address(DIALER), theirs, now);
        Self {
            ends: [dialer, listener],
            reached: [Vec::new(), Vec::new()],
            dialer: address(DIALER),
            weather,
            seed,
            start: now,
            now,
            flying: BinaryHeap::new(),
            sent: 0,
        }
    }

    fn chance(&mut self, per_thousand: u64) -> bool {
        self.random(1000) < per_thousand
    }

    fn random(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % below
    }

    fn launch(&mut self, to: usize, bytes: &[u8]) {
        let copies = 1 + usize::from(self.chance(self.weather.doubled));
        for _ in 0..copies {
            if self.chance(self.weather.lost) {
                continue;
            }
            let mut delay = self.weather.round_trip / 2;
            if self.chance(self.weather.late) {
                delay += delay * u32::try_from(self.random(500)).unwrap() / 1000;
            }
            self.sent += 1;
            self.flying.push(Reverse((self.now + delay, self.sent, to, bytes.to_vec())));
        }
    }

    /// Moves time on until `done`, and tells how long it took from the start.
    pub(super) fn until(&mut self, mut done: impl FnMut(&mut [Machine; 2], Instant) -> bool) -> Duration {
        loop {
            self.send();
            if done(&mut self.ends, self.now) {
                return self.now - self.start;
            }
            self.step();
        }
    }

    /// Until both have their handshake channel.
    pub(super) fn connect(&mut self) -> Duration {
        loop {
            self.send();
            if self.reached.iter().all(|reached| reached.iter().any(|(event, _)| *event == Event::Channel)) {
                return self.now - self.start;
            }
            assert_eq!(self.ends.each_ref().map(Machine::ended), [None; 2]);
            self.step();
        }
    }

    /// Sends what there is to send now.
    fn send(&mut self) {
        for from in 0..2 {
            while let Some(event) = self.ends[from].poll() {
                if from == 0 && event == Event::Answered && self.reached[0].is_empty() {
                    self.ends[0].proceed(self.now);
                }
                self.reached[from].push((event, self.now - self.start));
            }
            while let Some((to, bytes)) = self.ends[from].poll_transmit(self.now) {
                if from == 0 || to == self.dialer {
                    self.launch(1 - from, &bytes);
                }
            }
        }
    }

    /// To the next moment at which something happens.
    fn step(&mut self) {
        let arrival = self.flying.peek().map(|Reverse((at, ..))| *at);
        let deadlines = [self.ends[0].poll_timeout(), self.ends[1].poll_timeout()];
        let next = deadlines.into_iter().flatten().chain(arrival).min().expect("nothing will ever happen");
        self.now = self.now.max(next);
        assert!(self.now - self.start < PATIENCE, "it hangs: {:?} {:?}", self.weather, self.reached);
        while self.flying.peek().is_some_and(|Reverse((at, ..))| *at <= self.now) {
            let Some(Reverse((_, _, to, bytes))) = self.flying.pop() else { break };
            let from = if to == 0 { address(LISTENER) } else { self.dialer };
            self.ends[to].handle(self.now, from, &bytes);
        }
        for (end, deadline) in self.ends.iter_mut().zip(deadlines) {
            if deadline.is_some_and(|at| at <= self.now) {
                end.handle_timeout(self.now);
            }
        }
    }
}
