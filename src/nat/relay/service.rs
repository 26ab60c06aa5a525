//! A relay: slots for peers that cannot be dialed, and circuits to them, within limits.

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::Future,
    net::IpAddr,
    pin::pin,
    rc::Rc,
};

use futures::{
    AsyncWriteExt, StreamExt,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    future::{Either, LocalBoxFuture, select},
};
use libp2p_core::muxing::SubstreamBox;
use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;

use super::{
    RelayLimits,
    book::Book,
    pump::pump,
    stop, voucher,
    wire::{self, HOP, HopMessage, Limit, MAX_MESSAGE, Slot, hop, status},
};
use crate::{
    model::Cause,
    session::{Clock, Fault, Opener, Service},
};

/// Addresses that a peer with a slot is told, and how many bytes they may take: the voucher, of up to 900 bytes where the key is RSA,
/// and the limits have to fit the message too.
const MAX_ADDRESSES: usize = 16;
const MAX_ADDRESS_BYTES: usize = MAX_MESSAGE / 4 * 3;

/// A relay. Clones are the same one.
#[derive(Clone)]
pub struct Relay(Rc<Shared>);

struct Shared {
    identity: Keypair,
    limits: RelayLimits,
    clock: Clock,
    /// Seconds since 1970.
    utc: fn() -> u64,
    book: RefCell<Book<Opener>>,
    connections: Cell<u64>,
    begun: UnboundedSender<LocalBoxFuture<'static, ()>>,
}

/// The circuits of a relay. They carry nothing unless [`Circuits::run`] is polled.
pub struct Circuits(UnboundedReceiver<LocalBoxFuture<'static, ()>>);

impl Circuits {
    /// Carries what is sent through the relay, for as long as there is one.
    pub async fn run(self) {
        self.0.for_each_concurrent(None, |circuit| circuit).await;
    }
}

impl fmt::Debug for Circuits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Circuits")
    }
}

/// Somebody connected to the relay.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Who, as proved.
    pub peer: PeerId,
    /// From where.
    pub ip: IpAddr,
    /// Whether through another relay: such a guest gets no slot and no circuit.
    pub relayed: bool,
    /// Opens streams on the connection.
    pub opener: Opener,
    /// Where the relay is reached, with its peer ID, for the guest to make addresses of its own from.
    pub addresses: Vec<Multiaddr>,
}

/// A guest's place. When it is dropped, what the guest had is given back.
pub struct Registration {
    pub(super) relay: Relay,
    pub(super) peer: PeerId,
    pub(super) connection: u64,
}

impl Registration {
    /// Whether the guest has a slot or a circuit, and is to be kept.
    #[must_use]
    pub fn in_use(&self) -> bool {
        let Shared { book, clock, .. } = &*self.relay.0;
        book.borrow().in_use(self.peer, self.connection, clock.now())
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.relay.0.book.borrow_mut().gone(self.peer, self.connection);
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

impl Relay {
    /// A relay, which signs with the key of its node, and its circuits to be run. `utc` tells the seconds since 1970.
    #[must_use]
    pub fn new(identity: Keypair, limits: RelayLimits, clock: Clock, utc: fn() -> u64) -> (Self, Circuits) {
        let (begun, circuits) = unbounded();
        let (book, connections) = (RefCell::new(Book::new(limits)), Cell::default());
        (Self(Rc::new(Shared { identity, limits, clock, utc, book, connections, begun })), Circuits(circuits))
    }

    /// What is served on the connection of a guest.
    #[must_use]
    pub fn welcome(&self, guest: Guest) -> (Service, Registration) {
        let connection = self.0.connections.get();
        self.0.connections.set(connection.wrapping_add(1));
        let registration = Registration { relay: self.clone(), peer: guest.peer, connection };
        let (relay, guest) = (self.clone(), Rc::new(guest));
        let service = Service::new(HOP, move |stream| relay.clone().serve(Rc::clone(&guest), connection, stream));
        (service, registration)
    }

    /// One request. How it fails is the guest's business.
    async fn serve(self, guest: Rc<Guest>, connection: u64, mut stream: SubstreamBox) {
        let served = match self.in_time(wire::receive::<HopMessage>(&mut stream)).await {
            Ok(HopMessage { kind: Some(hop::RESERVE), .. }) => self.reserve(&guest, connection),
            Ok(HopMessage { kind: Some(hop::CONNECT), peer, .. }) => match peer.and_then(|peer| peer.peer()) {
                Some(target) => match self.connect(&guest, target).await {
                    Ok(circuit) => return self.join(stream, circuit).await,
                    Err(status) => Err(status),
                },
                None => Err(status::MALFORMED_MESSAGE),
            },
            Ok(_) => Err(status::UNEXPECTED_MESSAGE),
            Err(Fault { cause: Cause::Malformed | Cause::TooLarge, .. }) => Err(status::MALFORMED_MESSAGE),
            Err(_) => return,
        };
        let answer = served.unwrap_or_else(|status| answer(status, None));
        tracing::debug!(peer = %guest.peer, status = answer.status, "relay answers");
        let told = async {
            wire::send(&mut stream, &answer).await?;
            stream.close().await.map_err(|error| Fault::from_io(&error, Cause::Closed))
        };
        // Whether it is heard is nothing to the relay.
        let _ = self.in_time(told).await;
    }

    /// Gives a slot, or renews it.
    fn reserve(&self, guest: &Guest, connection: u64) -> Result<HopMessage, u32> {
        let Shared { identity, book, clock, limits, utc, .. } = &*self.0;
        let (mut book, now) = (book.borrow_mut(), clock.now());
        if !book.request(guest.peer, guest.ip, now) {
            return Err(status::RESERVATION_REFUSED);
        }
        if guest.relayed {
            return Err(status::PERMISSION_DENIED);
        }
        book.reserve(guest.peer, guest.ip, connection, guest.opener.clone(), now)?;
        let expires = utc().saturating_add(limits.reservation_time.as_secs());
        let voucher = voucher::sign(identity, guest.peer, expires);
        let slot = Slot { expire: Some(expires), addrs: told(&guest.addresses), voucher };
        Ok(HopMessage { reservation: Some(slot), ..answer(status::OK, Some(self.limit())) })
    }

    /// Asks the target.
    async fn connect(&self, guest: &Guest, target: PeerId) -> Result<Asked, u32> {
        let Shared { book, clock, .. } = &*self.0;
        let now = clock.now();
        if !book.borrow_mut().request(guest.peer, guest.ip, now) {
            return Err(status::RESOURCE_LIMIT_EXCEEDED);
        }
        // Relays in a row would hide who sends, and each carries for the next. go-libp2p answers the same.
        if guest.relayed {
            return Err(status::PERMISSION_DENIED);
        }
        let opener = book.borrow_mut().connect(guest.peer, guest.ip, target, now)?;
        let place = Place { relay: self.clone(), from: (guest.peer, guest.ip), to: target };
        let asked = self.in_time(stop::ask(&opener, guest.peer, self.limit())).await;
        let stream = asked.map_err(|_| status::CONNECTION_FAILED)?;
        Ok(Asked { stream: Box::new(stream), place })
    }

    /// Tells the dialer, and hands both streams over to those who carry them.
    async fn join(&self, mut near: SubstreamBox, asked: Asked) {
        let Asked { stream: far, place } = asked;
        let answer = answer(status::OK, Some(self.limit()));
        if self.in_time(wire::send(&mut near, &answer)).await.is_err() {
            return;
        }
        let time = self.0.clock.sleep(self.0.limits.circuit_time);
        let bytes = self.0.limits.circuit_bytes;
        let circuit = async move {
            match select(pin!(pump(near, far, bytes)), time).await {
                Either::Left((ended, _)) => tracing::debug!(?ended, "circuit"),
                Either::Right(_) => tracing::debug!("circuit out of time"),
            }
            drop(place);
        };
        // Without anybody who carries them, both are dropped.
        let _ = self.0.begun.unbounded_send(Box::pin(circuit));
    }

    fn limit(&self) -> Limit {
        let RelayLimits { circuit_time, circuit_bytes, .. } = self.0.limits;
        Limit { duration: u32::try_from(circuit_time.as_secs()).ok(), data: Some(circuit_bytes) }
    }

    async fn in_time<T>(&self, step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        match select(pin!(step), self.0.clock.sleep(self.0.limits.patience)).await {
            Either::Left((ended, _)) => ended,
            Either::Right(_) => Err(Cause::TimedOut.into()),
        }
    }
}

/// As many of the addresses as fit.
fn told(addresses: &[Multiaddr]) -> Vec<Vec<u8>> {
    let mut room = MAX_ADDRESS_BYTES;
    let fits = |bytes: &Vec<u8>| {
        let left = room.checked_sub(bytes.len());
        room = left.unwrap_or(room);
        left.is_some()
    };
    addresses.iter().map(Multiaddr::to_vec).filter(fits).take(MAX_ADDRESSES).collect()
}

fn answer(status: u32, limit: Option<Limit>) -> HopMessage {
    HopMessage { kind: Some(hop::STATUS), status: Some(status), limit, ..HopMessage::default() }
}

/// A target that has said yes.
struct Asked {
    stream: crate::session::BoxedStream,
    place: Place,
}

/// A circuit among those that are counted.
struct Place {
    relay: Relay,
    from: (PeerId, IpAddr),
    to: PeerId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let (peer, ip) = self.from;
        self.relay.0.book.borrow_mut().ended(peer, ip, self.to);
    }
}
