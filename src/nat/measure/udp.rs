//! A UDP port under test: QUIC is served on it, and from it everything is sent.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    net::{SocketAddr, UdpSocket},
    pin::pin,
    time::Duration,
};

use futures::{
    FutureExt as _, StreamExt as _,
    channel::oneshot,
    future::{Either, select},
    select_biased,
    stream::FuturesUnordered,
};
use libp2p_core::muxing::StreamMuxerBox;
use libp2p_identity::Keypair;
use socket2::{Domain, Socket, Type};
use tokio::sync::Notify;

use super::{
    asked::{self, Dialed, Done, Sent},
    listener::Guests,
    nat64::Way,
    order::{How, Packets, Target, UnderTest},
    vantage::Vantage,
};
use crate::{
    engine::Runtime as _,
    fault::Fault,
    model::{Cause, Layer4, Outcome, Tested, WhyCode, socket_of},
    nat::dialback::By,
    native::Native,
    probe::errors,
    session::{Identified, Multiplexed, Session, Us},
    transport::{
        quic::{DialError, Ended, Limits, Listener},
        stun::{self, Message, Token, Transaction},
    },
};

/// When a STUN question is asked again, and when it is given up: RFC 8489 is more patient, but a run has seconds.
const ASK_AGAIN: [Duration; 3] = [Duration::from_millis(250), Duration::from_millis(500), Duration::from_millis(500)];
/// Round trips that an answer may take over a slow line, from the last question on.
const ASK_ROUND_TRIPS: u32 = 2;
/// The time for a QUIC connection and identify.
const QUIC: Duration = Duration::from_millis(2500);
/// How long datagrams are waited for once they are on their way, at the least, and in round trips: the last leaves after 200 ms.
const ARRIVING: Duration = Duration::from_millis(400);
const ARRIVING_ROUND_TRIPS: u32 = 3;
/// The time for a dial from outside over a short line.
const DIAL: Duration = Duration::from_millis(2500);
/// How long a packet to the own outside address is waited for: it goes no further than the NAT.
const HAIRPIN: Duration = Duration::from_millis(300);

/// A UDP port under test.
pub(super) struct Udp<'a> {
    native: &'a Native,
    keypair: &'a Keypair,
    listener: Listener,
    local: SocketAddr,
    questions: RefCell<HashMap<Transaction, oneshot::Sender<Option<SocketAddr>>>>,
    /// The dial-backs that are expected, and where the first datagram of each came from.
    expected: RefCell<HashMap<Token, Option<SocketAddr>>>,
    arrived: Notify,
    guests: Guests,
    way: Way,
}

impl<'a> Udp<'a> {
    pub(super) fn bind(native: &'a Native, keypair: &'a Keypair, local: SocketAddr, way: Way) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(local), Type::DGRAM, None)?;
        if local.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&local.into())?;
        let listener = Listener::new(socket.into(), keypair, Limits::default())?;
        Ok(Self {
            local: listener.local_addr()?,
            native,
            keypair,
            listener,
            questions: RefCell::default(),
            expected: RefCell::default(),
            arrived: Notify::new(),
            guests: Guests::new(way),
            way,
        })
    }

    /// Reads what comes, and serves who comes, for as long as it is polled.
    pub(super) async fn pump(&self) {
        let Some(mut datagrams) = self.listener.take_stun() else { return };
        let mut guests = FuturesUnordered::new();
        loop {
            let mut datagram = pin!(datagrams.recv().fuse());
            let mut arrival = pin!(self.listener.accept().fuse());
            select_biased! {
                datagram = datagram => match datagram {
                    Some(datagram) => self.take(&datagram.bytes, datagram.from),
                    None => return,
                },
                arrival = arrival => match arrival {
                    // One too many is let go unheard.
                    Some(arrival) => if let Some(place) = self.guests.place(arrival.remote.ip()) {
                        guests.push(self.guests.quic(self.native, self.keypair, arrival, place));
                    },
                    None => return,
                },
                () = guests.select_next_some() => {}
            }
        }
    }

    /// Takes note of what was asked for or expected; the rest is somebody's noise.
    fn take(&self, bytes: &[u8], from: SocketAddr) {
        let from = self.way.from(SocketAddr::new(from.ip().to_canonical(), from.port()));
        match stun::read(bytes) {
            Some(Message::Answer(transaction, mapped)) => {
                if let Some(question) = self.questions.borrow_mut().remove(&transaction) {
                    // Who asked may have given up.
                    let _ = question.send(mapped);
                }
            }
            Some(Message::Indication(token)) => {
                if let Some(seen) = self.expected.borrow_mut().get_mut(&token) {
                    seen.get_or_insert(from);
                    self.arrived.notify_waiters();
                }
            }
            None => {}
        }
    }

    async fn stun(&self, Target { to, rtt, .. }: &Target) -> Result<SocketAddr, Fault> {
        let to = *to;
        let transaction: Transaction = rand::random();
        let (sender, mut answer) = oneshot::channel();
        self.questions.borrow_mut().insert(transaction, sender);
        let [first, second, last] = ASK_AGAIN;
        for patience in [first, second, last.max(ASK_ROUND_TRIPS * *rtt)] {
            self.send(&stun::request(transaction), to).await?;
            match select(&mut answer, self.native.sleep(patience)).await {
                Either::Left((Ok(Some(mapped)), _)) => return Ok(mapped),
                Either::Left(_) => return Err(Cause::Malformed.into()),
                Either::Right(_) => {}
            }
        }
        self.questions.borrow_mut().remove(&transaction);
        Err(Cause::UdpSilent.into())
    }

    /// Sends a datagram. A firewall of this machine's own says so at once.
    async fn send(&self, bytes: &[u8], to: SocketAddr) -> Result<(), Fault> {
        let sent = self.listener.send(bytes, self.way.towards(to)).await;
        sent.map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => Fault::new(Cause::ForbiddenLocally, &error),
            _ => Fault::from_io(&error, Cause::LocalFault { errno: error.raw_os_error() }),
        })
    }

    async fn quic(&self, to: SocketAddr) -> Result<SocketAddr, Fault> {
        let answered = Cell::new(false);
        let asked = async {
            let dialed = self.listener.dial(self.way.towards(to), self.keypair).await.map_err(|error| fault(&error))?;
            answered.set(true);
            let us = Us { key: self.keypair.public(), listen: Vec::new(), observed: None };
            let connection = Multiplexed::from(StreamMuxerBox::new(dialed.connection));
            let session = Session::new(connection, self.native.clock(), us, |_| ());
            session.run(session.identify()).await
        };
        match select(pin!(asked), self.native.sleep(QUIC)).await {
            Either::Left((identified, _)) => seen_at(&identified?),
            // It did not say who it is, and yet it was there.
            Either::Right(_) => Err(if answered.get() { Cause::TimedOut } else { Cause::UdpSilent }.into()),
        }
    }

    /// Waits for a dial-back; where its first datagram came from, if one comes in time.
    async fn until_arrived(&self, token: Token, patience: Duration) -> Option<SocketAddr> {
        let seen = || self.expected.borrow().get(&token).copied().flatten();
        let waiting = async {
            loop {
                let mut arrived = pin!(self.arrived.notified());
                arrived.as_mut().enable();
                if let Some(from) = seen() {
                    return from;
                }
                arrived.await;
            }
        };
        let from = match select(pin!(waiting), self.native.sleep(patience)).await {
            Either::Left((from, _)) => Some(from),
            Either::Right(_) => {
                // What lies in the socket has come in time: who reads it has another turn, and so has the pump.
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
                seen()
            }
        };
        self.expected.borrow_mut().remove(&token);
        from
    }

    fn expect(&self) -> Token {
        let token: Token = rand::random();
        self.expected.borrow_mut().insert(token, None);
        token
    }
}

/// Why a dial brought no connection. Who turns it away has answered, which a time-out alone does not show: others may have sent to
/// this socket meanwhile.
fn fault(error: &DialError) -> Fault {
    match error {
        DialError::Silent | DialError::Ended(Ended::TimedOut) => Fault::new(Cause::UdpSilent, error),
        DialError::Ended(ended) => Fault::new(errors::of_quic(ended), error),
        DialError::BadCertificate(rejected) => Fault::new(errors::of_certificate(rejected), error),
        DialError::Socket(_) | DialError::Setup(_) | DialError::Unusable(_) => {
            Fault::new(Cause::LocalFault { errno: None }, error)
        }
    }
}

/// Where a peer sees us.
pub(super) fn seen_at(identified: &Identified) -> Result<SocketAddr, Fault> {
    identified.observed.as_ref().and_then(socket_of).map(|(_, at)| at).ok_or_else(|| Cause::Malformed.into())
}

impl UnderTest for Udp<'_> {
    const LAYER: Layer4 = Layer4::Udp;
    const MAY_BE_LOST: bool = true;

    fn port(&self) -> u16 {
        self.local.port()
    }

    fn guests(&self) -> &Guests {
        &self.guests
    }

    async fn ask(&self, target: &Target) -> Result<SocketAddr, Fault> {
        match target.how {
            How::Stun => self.stun(target).await,
            How::Quic => match self.quic(target.to).await {
                // What QUIC could not send it takes for lost.
                Err(Fault { cause: Cause::UdpSilent, message }) => {
                    self.send(&stun::request(rand::random()), target.to).await?;
                    Err(Fault { cause: Cause::UdpSilent, message })
                }
                told => told,
            },
            How::Tcp | How::Ws => Err(Cause::LocalFault { errno: None }.into()),
        }
    }

    async fn packets(&self, helper: &Vantage, by: By, to: SocketAddr) -> Packets {
        let token = self.expect();
        let rtt = helper.helper.as_ref().map_or(Duration::ZERO, |helper| helper.rtt);
        let patience = ARRIVING.max(Duration::from_millis(200) + ARRIVING_ROUND_TRIPS * rtt);
        match asked::datagrams(self.native, &helper.opener, to.port(), token, by).await {
            Done::Did(Sent { vantage, from }) => {
                let seen = self.until_arrived(token, patience).await;
                let arrived = if seen.is_some() { Outcome::Passed } else { Outcome::failed(Cause::UdpSilent) };
                Packets { vantage, from: seen.or(Some(from)), arrived, dial: None, message: None }
            }
            Done::Nothing(why, message) => {
                self.expected.borrow_mut().remove(&token);
                Packets { vantage: helper.name.clone(), from: None, arrived: Outcome::unknown(why), dial: None, message }
            }
        }
    }

    async fn handshake(&self, helper: &Vantage, by: By, to: SocketAddr) -> Option<Packets> {
        let layers = format!("/udp/{}/quic-v1", to.port());
        Some(match asked::dial(self.native, &helper.opener, layers, helper.dials_within(DIAL), by).await {
            Done::Did(Dialed { vantage, from, outcome, stages }) => {
                let came = self.guests.find(|guest| guest.peer.as_ref() == Some(&vantage));
                // Only who was seen here has come.
                let outcome = match outcome {
                    Outcome::Passed if came.is_none() => Outcome::unknown(WhyCode::VantagesDisagree),
                    outcome => outcome,
                };
                let from = came.map(|guest| guest.remote).or(from);
                Packets { vantage, from, arrived: outcome.clone(), dial: Some((outcome, stages)), message: None }
            }
            Done::Nothing(why, message) => {
                let outcome = Outcome::unknown(why);
                let dial = Some((outcome.clone(), Vec::new()));
                Packets { vantage: helper.name.clone(), from: None, arrived: outcome, dial, message }
            }
        })
    }

    async fn hairpin(&self, to: SocketAddr) -> Tested {
        let token = self.expect();
        let any = SocketAddr::new(self.local.ip(), 0);
        let sent = UdpSocket::bind(any).and_then(|socket| {
            (0..3).try_for_each(|number| socket.send_to(&stun::indication(token, number), self.way.towards(to)).map(drop))
        });
        match sent {
            Ok(()) if self.until_arrived(token, HAIRPIN).await.is_some() => Tested::Passed,
            Ok(()) => Tested::Failed,
            Err(_) => Tested::Unknown,
        }
    }
}
