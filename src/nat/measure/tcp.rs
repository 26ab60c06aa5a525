//! A TCP port under test: it is listened on, and connections are opened from it.

use std::{cell::RefCell, io, net::SocketAddr, pin::pin, time::Duration};

use futures::{
    FutureExt as _, StreamExt as _,
    future::{Either, pending, select},
    select_biased,
    stream::FuturesUnordered,
};
use libp2p_identity::Keypair;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{
    asked::{self, Dialed, Done},
    listener::{Guest, Guests},
    nat64::Way,
    order::{How, Packets, Target, UnderTest},
    udp::seen_at,
    vantage::Vantage,
};
use crate::{
    engine::Runtime as _,
    fault::Fault,
    model::{Cause, Layer4, Outcome, Security, StageName, Tested, WhyCode},
    nat::dialback::By,
    native::{Native, port},
    probe::errors,
    session::{BoxedStream, Session, Us, multiplex_outbound, secure_outbound},
    transport::{paced::paced, websocket},
};

/// The time for a connection and identify.
const ASK: Duration = Duration::from_millis(2500);
/// The time for a dial from outside over a short line: a SYN that is lost is sent again after a second.
const DIAL: Duration = Duration::from_millis(1500);
/// How long a connection to the own outside address is waited for: it goes no further than the NAT.
const HAIRPIN: Duration = Duration::from_millis(500);
/// Dialers that the system keeps until they are looked at.
const BACKLOG: i32 = 64;

/// A TCP port under test.
pub(super) struct Tcp<'a> {
    native: &'a Native,
    keypair: &'a Keypair,
    listener: TcpListener,
    local: SocketAddr,
    /// Connections from the port, kept until the tests are done: a NAT forgets the mapping of one that was closed.
    held: RefCell<Vec<Session>>,
    guests: Guests,
    way: Way,
}

impl<'a> Tcp<'a> {
    pub(super) fn bind(native: &'a Native, keypair: &'a Keypair, local: SocketAddr, way: Way) -> io::Result<Self> {
        let socket = shared(local)?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into())?;
        let local = listener.local_addr()?;
        Ok(Self { native, keypair, listener, local, held: RefCell::default(), guests: Guests::new(way), way })
    }

    /// Serves who comes, for as long as it is polled.
    pub(super) async fn pump(&self) {
        let mut guests = FuturesUnordered::new();
        loop {
            let mut arrival = pin!(self.listener.accept().fuse());
            select_biased! {
                arrival = arrival => match arrival {
                    // One too many is let go unheard.
                    Ok((stream, remote)) => if let Some(place) = self.guests.place(remote.ip()) {
                        guests.push(self.guests.tcp(self.native, self.keypair, (stream, remote), place));
                    },
                    // A dialer that was gone before it was looked at.
                    Err(_) => self.native.sleep(Duration::from_millis(10)).await,
                },
                () = guests.select_next_some() => {}
            }
        }
    }

    /// A connection from the very port that is listened on, or none.
    async fn connect(&self, to: SocketAddr) -> Result<TcpStream, Fault> {
        let fault = |error: io::Error| errors::of_connect_to(&error, to);
        let socket = shared(self.local).map_err(fault)?;
        // Closing resets: a connection that lingers would keep the port from the next run.
        socket.set_linger(Some(Duration::ZERO)).map_err(fault)?;
        let stream = TcpSocket::from_std_stream(socket.into()).connect(to).await.map_err(fault)?;
        let port = stream.local_addr().map_err(fault)?.port();
        if port != self.local.port() {
            return Err(Cause::LocalFault { errno: None }.into());
        }
        // Flights of a handshake are small and wait for each other; without it the answer is only slower.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    async fn identify(&self, target: &Target) -> Result<SocketAddr, Fault> {
        let mut stream: BoxedStream = Box::new(paced(self.connect(self.way.towards(target.to)).await?));
        if target.how == How::Ws {
            let upgraded = websocket::connect(stream, &target.to.to_string(), "/").await;
            stream = Box::new(upgraded.map_err(|error| Fault::new(Cause::NotHttp { speaks: None }, &error))?.0);
        }
        let secured = secure_outbound(stream, self.keypair, Security::Noise).await?;
        let multiplexed = multiplex_outbound(secured.stream).await?;
        let us = Us { key: self.keypair.public(), listen: Vec::new(), observed: None };
        let session = Session::new(multiplexed, self.native.clock(), us, |_| ()).identify_ahead();
        let identified = session.run(session.identify()).await?;
        self.held.borrow_mut().push(session);
        seen_at(&identified)
    }
}

/// A socket on a port that others of this program have too.
fn shared(local: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(local), Type::STREAM, Some(Protocol::TCP))?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    port::share(&socket)?;
    socket.set_nonblocking(true)?;
    socket.bind(&local.into())?;
    Ok(socket)
}

impl UnderTest for Tcp<'_> {
    const LAYER: Layer4 = Layer4::Tcp;
    const MAY_BE_LOST: bool = false;

    fn port(&self) -> u16 {
        self.local.port()
    }

    fn guests(&self) -> &Guests {
        &self.guests
    }

    async fn ask(&self, target: &Target) -> Result<SocketAddr, Fault> {
        match select(pin!(self.identify(target)), self.native.sleep(ASK)).await {
            Either::Left((mapped, _)) => mapped,
            Either::Right(_) => Err(Cause::TimedOut.into()),
        }
    }

    async fn packets(&self, helper: &Vantage, by: By, to: SocketAddr) -> Packets {
        let layers = format!("/tcp/{}", to.port());
        match asked::dial(self.native, &helper.opener, layers, helper.dials_within(DIAL), by).await {
            Done::Did(Dialed { vantage, from, outcome, stages }) => {
                // Who came to another address of this port proved nothing about this one.
                let connected = stages.iter().any(|stage| stage.stage == StageName::Connect && stage.outcome.passed());
                let proved = self.guests.find(|guest| connected && guest.peer.as_ref() == Some(&vantage));
                // Only who was seen here has come; whoever came and broke off later came through all the same.
                let came = proved.clone().or_else(|| self.guests.find(|guest| Some(guest.remote) == from));
                let outcome = match outcome {
                    Outcome::Passed if proved.is_none() => Outcome::unknown(WhyCode::VantagesDisagree),
                    outcome => outcome,
                };
                let arrived = if came.is_some() { Outcome::Passed } else { outcome.clone() };
                let from = came.map(|guest| guest.remote).or(from);
                Packets { vantage, from, arrived, dial: Some((outcome, stages)), message: None }
            }
            Done::Nothing(why, message) => {
                let outcome = Outcome::unknown(why);
                let dial = Some((outcome.clone(), Vec::new()));
                Packets { vantage: helper.name.clone(), from: None, arrived: outcome, dial, message }
            }
        }
    }

    async fn handshake(&self, _: &Vantage, _: By, _: SocketAddr) -> Option<Packets> {
        // A dial was made already.
        None
    }

    async fn hairpin(&self, to: SocketAddr) -> Tested {
        let towards = self.way.towards(to);
        let socket = if towards.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let Ok(socket) = socket else { return Tested::Unknown };
        let own = async {
            let stream = socket.connect(towards).await.ok()?;
            let (local, us) = (stream.local_addr().ok(), self.keypair.public().to_peer_id().to_base58());
            // Another machine may answer there: only who arrives here is this one. A router may put its own address on what it sends
            // back, so that the key alone tells.
            let is_us =
                |guest: &Guest| guest.remote.ip() == to.ip() || Some(guest.remote) == local || guest.peer.as_ref() == Some(&us);
            let secured = async {
                let _held = secure_outbound(paced(stream), self.keypair, Security::Noise).await;
                pending::<()>().await;
            };
            select(pin!(self.guests.until(is_us)), pin!(secured)).await;
            Some(())
        };
        match select(pin!(own), self.native.sleep(HAIRPIN)).await {
            Either::Left((Some(()), _)) => Tested::Passed,
            Either::Left((None, _)) | Either::Right(_) => Tested::Failed,
        }
    }
}
