//! webrtc-direct as libp2p knows transports: a thin layer over [`Dial`] and [`Listener`].

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::FutureExt;
use futures::future::BoxFuture;
use libp2p_core::Endpoint;
use libp2p_core::transport::{DialOpts, ListenerId, TransportError, TransportEvent};
use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;
use socket2::{Domain, Protocol, Socket, Type};

use super::address::Address;
use super::certificate::Certificate;
use super::dial::{Ask, Dial};
use super::error::{AcceptError, DialError};
use super::listen::{Arrival, Listener};
use super::muxer::Connection;
use crate::transport::SocketFault;
use crate::transport::quic::{Limits, Progress};

/// Who was found at the other end, and the connection to them.
pub type Output = (PeerId, Connection);

type Event = TransportEvent<BoxFuture<'static, Result<Output, TransportFault>>, TransportFault>;

/// A libp2p transport over webrtc-direct. It dials in both versions, and has no time-out of its own for a dial. Names are for
/// a transport around it to resolve. Listening and the futures of dials need a Tokio runtime.
pub struct Transport {
    keypair: Keypair,
    certificate: Certificate,
    limits: Limits,
    listening: Vec<Listening>,
    events: VecDeque<Event>,
    waker: Option<Waker>,
}

/// Why there is no connection, or nothing to listen on.
#[derive(Debug, thiserror::Error)]
pub enum TransportFault {
    /// The port could not be listened on.
    #[error("cannot listen")]
    Listen(#[source] io::Error),
    /// A dial failed.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// A dialer's handshake failed.
    #[error(transparent)]
    Accept(#[from] AcceptError),
}

struct Listening {
    id: ListenerId,
    listener: Arc<Listener>,
    /// As it was bound.
    bound: Address,
    next: BoxFuture<'static, Option<Arrival>>,
}

impl Transport {
    /// For the peer of `keypair`. All its listeners show `certificate`, and each has these limits.
    pub fn new(keypair: Keypair, certificate: Certificate, limits: Limits) -> Self {
        Self { keypair, certificate, limits, listening: Vec::new(), events: VecDeque::new(), waker: None }
    }

    fn listen(&self, id: ListenerId, on: SocketAddr) -> io::Result<Listening> {
        let listener = Listener::new(bind(on)?, &self.keypair, self.certificate.clone(), self.limits)?;
        let bound = Address { socket: listener.local_addr()?, certhashes: vec![listener.fingerprint()] };
        let listener = Arc::new(listener);
        Ok(Listening { id, next: next(&listener), listener, bound })
    }

    fn tell(&mut self, event: Event) {
        self.events.push_back(event);
        self.waker.take().into_iter().for_each(Waker::wake);
    }
}

/// Each family has sockets of its own, so that an IPv4 dialer is never shown as an IPv6 one.
fn bind(on: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(on), Type::DGRAM, Some(Protocol::UDP))?;
    if on.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&on.into())?;
    Ok(socket.into())
}

fn next(listener: &Arc<Listener>) -> BoxFuture<'static, Option<Arrival>> {
    let listener = Arc::clone(listener);
    async move { listener.accept().await }.boxed()
}

impl Listening {
    /// At one of the addresses that lead there.
    fn at(&self, ip: IpAddr) -> Multiaddr {
        Address { socket: SocketAddr::new(ip, self.bound.socket.port()), ..self.bound.clone() }.to_multiaddr()
    }

    /// The addresses that lead there. A wildcard stands for those that the machine has now.
    fn addresses(&self) -> Vec<Multiaddr> {
        let ip = self.bound.socket.ip();
        if !ip.is_unspecified() {
            return vec![self.at(ip)];
        }
        let all = if_addrs::get_if_addrs().unwrap_or_default().into_iter().map(|interface| interface.ip());
        // A link-local address of IPv6 means nothing without its zone, which a multiaddr of this kind has no place for.
        let reaches =
            |own: &IpAddr| own.is_ipv4() == ip.is_ipv4() && !matches!(own, IpAddr::V6(v6) if v6.is_unicast_link_local());
        all.filter(reaches).map(|own| self.at(own)).collect()
    }

    fn incoming(&self, arrival: Arrival) -> Event {
        let local_addr = self.at(arrival.local.unwrap_or(self.bound.socket.ip()));
        let send_back_addr = Address { socket: arrival.remote, certhashes: Vec::new() }.to_multiaddr();
        let upgrade = async move {
            if !arrival.began {
                return Err(AcceptError::TimedOut.into());
            }
            let accepted = arrival.handshake(|_| ()).await?;
            Ok((accepted.peer, accepted.connection))
        };
        TransportEvent::Incoming { listener_id: self.id, upgrade: upgrade.boxed(), local_addr, send_back_addr }
    }
}

impl libp2p_core::Transport for Transport {
    type Output = Output;
    type Error = TransportFault;
    type ListenerUpgrade = BoxFuture<'static, Result<Output, TransportFault>>;
    type Dial = BoxFuture<'static, Result<Output, TransportFault>>;

    fn listen_on(&mut self, id: ListenerId, address: Multiaddr) -> Result<(), TransportError<TransportFault>> {
        let Some(Address { socket, .. }) = Address::parse(&address) else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        let listening = self.listen(id, socket).map_err(|error| TransportError::Other(TransportFault::Listen(error)))?;
        for listen_addr in listening.addresses() {
            self.tell(TransportEvent::NewAddress { listener_id: id, listen_addr });
        }
        self.listening.push(listening);
        Ok(())
    }

    /// What it has accepted goes on.
    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let Some(place) = self.listening.iter().position(|listening| listening.id == id) else { return false };
        self.listening.remove(place);
        self.tell(TransportEvent::ListenerClosed { listener_id: id, reason: Ok(()) });
        true
    }

    /// An address without a certhash is none: a certificate that nothing vouches for before Noise is for tools that ask for
    /// it. Nor can a dialer be the listening side, which hole punching would need.
    fn dial(&mut self, address: Multiaddr, opts: DialOpts) -> Result<Self::Dial, TransportError<TransportFault>> {
        let target = Address::parse(&address).filter(Address::can_be_dialed);
        let (Some(target), Endpoint::Dialer) = (target, opts.role) else {
            return Err(TransportError::MultiaddrNotSupported(address));
        };
        let keypair = self.keypair.clone();
        Ok(async move {
            let Address { socket: remote, certhashes } = target;
            let (socket, second) = (any(remote)?, any(remote)?);
            let progress = Progress::default();
            let dial = Dial { socket, remote, ask: Ask::Both(second), certhashes, keypair: &keypair, progress };
            let dialed = dial.run(|_| ()).await?;
            Ok((dialed.peer, dialed.connection))
        }
        .boxed())
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Event> {
        let this = self.get_mut();
        if let Some(event) = this.events.pop_front() {
            return Poll::Ready(event);
        }
        for place in 0..this.listening.len() {
            let listening = &mut this.listening[place];
            let Poll::Ready(arrival) = listening.next.poll_unpin(cx) else { continue };
            let Some(arrival) = arrival else {
                let Listening { id, .. } = this.listening.remove(place);
                return Poll::Ready(TransportEvent::ListenerClosed { listener_id: id, reason: Ok(()) });
            };
            listening.next = next(&listening.listener);
            let event = listening.incoming(arrival);
            // Those after it are asked first the next time.
            this.listening.rotate_left(place + 1);
            return Poll::Ready(event);
        }
        this.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A socket of the remote's family on any port.
fn any(remote: SocketAddr) -> Result<UdpSocket, DialError> {
    let any: IpAddr = if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    Ok(UdpSocket::bind((any, 0)).map_err(SocketFault::from)?)
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}
