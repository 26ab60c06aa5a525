//! A listener's port before and during handshakes: strangers, one dialer that means it, and a line that disturbs both.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use super::super::certificate::Certificate;
use super::super::config::{AMPLIFICATION, MAX_ADDRESSES};
use super::super::connection::{Event, Machine};
use super::super::credentials::{Credentials, Version};
use super::super::dtls::Ready;
use super::super::hub::{Admitted, Hub};
use super::super::shared::now;
use super::super::stun::made::request;
use super::input::Input;
use crate::transport::quic::{Gate, Limits};

/// What is made once: keys take longer than all the rest.
pub(super) static CERTIFICATES: LazyLock<[Certificate; 2]> =
    LazyLock::new(|| [Certificate::generate().expect("a certificate"), Certificate::generate().expect("a certificate")]);
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"));

/// Dialers let in at once.
const DIALERS: usize = 4;
/// Addresses that strangers send from.
const STRANGERS: usize = 8;

/// A listener and its dialers, without a socket.
pub fn listener(data: &[u8]) {
    play(data);
    // The task that reads the port sees that nobody holds it, and its socket is closed.
    RUNTIME.block_on(tokio::task::yield_now());
}

fn play(data: &[u8]) {
    let _entered = RUNTIME.enter();
    let mut port = Port::open();
    let mut input = Input::new(data);
    while !input.is_empty() {
        port.step(&mut input);
    }
    port.check();
}

/// Bytes that came from an address and went to it.
#[derive(Default)]
struct Bytes {
    received: usize,
    sent: usize,
}

struct Port {
    hub: Arc<Hub>,
    served: Vec<(Admitted, Machine)>,
    dialer: Machine,
    proceeded: bool,
    to_dialer: Vec<Vec<u8>>,
    last: Vec<u8>,
    bytes: HashMap<SocketAddr, Bytes>,
    now: Instant,
}

fn address(number: usize) -> SocketAddr {
    (Ipv4Addr::new(198, 51, 100, u8::try_from(number).unwrap_or_default()), 1000).into()
}

/// The dialer's own, of which the strangers know nothing.
fn dialer() -> SocketAddr {
    address(STRANGERS)
}

impl Port {
    fn open() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let gate = Gate::new(Limits { connections: DIALERS, ..Limits::default() });
        let hub = Hub::open(socket, gate, mpsc::channel(1).0).expect("a socket");
        let now = now();
        let [ours, theirs] = CERTIFICATES.clone();
        let listener = "203.0.113.1:2000".parse().expect("an address");
        let mut dialer = Machine::dial(&Credentials::dial(Version::V2), listener, vec![theirs.fingerprint()], now);
        if let Ok(ready) = Ready::new(ours, now) {
            dialer.prepare(ready);
        }
        let (served, to_dialer, last, bytes) = Default::default();
        Self { hub, served, dialer, proceeded: false, to_dialer, last, bytes, now }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 10 {
            0 => {
                let from = input.below(STRANGERS);
                let bytes = input.bytes().to_vec();
                self.arrives(address(from), bytes);
            }
            1 => self.asks(input, true),
            2 => self.asks(input, false),
            3 => {
                let (from, record) = (input.below(STRANGERS + 1), record(input));
                self.arrives(address(from), record);
            }
            4 => {
                self.now += Duration::from_millis(u64::from(input.byte()) * 20);
                for (_, machine) in &mut self.served {
                    machine.handle_timeout(self.now);
                }
                self.dialer.handle_timeout(self.now);
                self.answers();
            }
            5 => {
                let again = self.last.clone();
                if let Some(again) = input.disturb(again) {
                    let from = input.below(STRANGERS + 1);
                    self.arrives(address(from), again);
                }
            }
            6 if !self.to_dialer.is_empty() => {
                let datagram = self.to_dialer.remove(0);
                if let Some(datagram) = input.disturb(datagram) {
                    self.dialer.handle(self.now, "203.0.113.1:2000".parse().expect("an address"), &datagram);
                }
            }
            7 => self.served.truncate(input.below(DIALERS)),
            _ => self.dials(input),
        }
    }

    /// A check with a right or a wrong signature.
    fn asks(&mut self, input: &mut Input<'_>, signed: bool) {
        let version = ["v1", "v2", "v3"][input.below(3)];
        let letters = |bytes: &[u8]| bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect::<String>();
        let server = format!("libp2p+webrtc+{version}/{}", letters(input.bytes()));
        let client = letters(input.bytes());
        let password = if signed { server.clone() } else { letters(input.bytes()) };
        let from = input.below(STRANGERS);
        self.arrives(address(from), request(&format!("{server}:{client}"), &password));
    }

    /// The next datagram of the dialer.
    fn dials(&mut self, input: &mut Input<'_>) {
        while let Some(event) = self.dialer.poll() {
            if event == Event::Answered && !std::mem::replace(&mut self.proceeded, true) {
                self.dialer.proceed(self.now);
            }
        }
        if let Some((_, datagram)) = self.dialer.poll_transmit(self.now)
            && let Some(datagram) = input.disturb(datagram)
        {
            self.arrives(dialer(), datagram);
        }
    }

    fn arrives(&mut self, from: SocketAddr, datagram: Vec<u8>) {
        self.bytes.entry(from).or_default().received += datagram.len();
        if let Some(admitted) = self.hub.bring(from, &datagram) {
            let machine = Machine::listen(&admitted.credentials, from, CERTIFICATES[1].clone(), self.now);
            self.served.push((admitted, machine));
        }
        self.last = datagram;
        for (admitted, machine) in &mut self.served {
            while let Some((from, bytes)) = admitted.place.received() {
                machine.handle(self.now, from, &bytes);
            }
        }
        self.answers();
    }

    fn answers(&mut self) {
        for (_, machine) in &mut self.served {
            while machine.poll().is_some() {}
            while let Some((to, datagram)) = machine.poll_transmit(self.now) {
                self.bytes.entry(to).or_default().sent += datagram.len();
                if to == dialer() {
                    self.to_dialer.push(datagram);
                }
            }
        }
        self.check();
    }

    fn check(&self) {
        assert!(self.served.len() <= DIALERS);
        assert!(self.hub.known() <= DIALERS * (1 + MAX_ADDRESSES));
        for (to, Bytes { received, sent }) in self.bytes.iter().filter(|(to, _)| **to != dialer()) {
            assert!(*sent <= AMPLIFICATION * received, "{sent} bytes to {to}, which sent {received}");
        }
    }
}

/// A record of DTLS with a header that is right, and any content.
fn record(input: &mut Input<'_>) -> Vec<u8> {
    let (kind, epoch, number, body) = (20 + input.byte() % 7, input.byte() % 3, input.byte(), input.bytes());
    let length = u16::try_from(body.len()).unwrap_or_default().to_be_bytes();
    let mut record = vec![kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, number, length[0], length[1]];
    record.extend(body);
    record
}
