//! The helper's side of [`nat::dialback`](crate::nat::dialback): what a dialer may have sent to itself, and no further.

mod allowance;
mod datagrams;
mod dial;
mod partner;
mod reach;
#[cfg(test)]
mod tests;

use std::{
    cell::RefCell,
    net::{IpAddr, SocketAddr},
    pin::pin,
    rc::Rc,
    time::Duration,
};

use futures::{
    AsyncWriteExt as _,
    future::{Either, OptionFuture, join, select},
};
use libp2p_core::muxing::SubstreamBox;
use libp2p_identity::{Keypair, PeerId};
use multiaddr::Multiaddr;

use crate::{
    model::{Cause, Scope},
    nat::dialback::{Answer, By, Errand, MAX_REQUEST, PROTOCOL, Refusal, Request, Ticket, What, seconds},
    native::{self, Native},
    session::{Fault, Service, frame},
    target,
};
use allowance::Allowance;
pub(super) use allowance::Place;
pub(super) use dial::route;
pub(super) use partner::names_a_peer;
pub(super) use reach::Reach;

/// How long an asker may take to say what it wants, and to hear the answer: a request fits one packet.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest that anything may take: a dial that is not through by then is not through.
const LONGEST: Duration = Duration::from_secs(5);

/// What helps dialers of a node to be dialed.
pub(super) struct Dialback {
    pub(super) native: Native,
    pub(super) identity: Keypair,
    partner: Option<Multiaddr>,
    reach: Reach,
    /// UDP ports that answer STUN.
    stun: Vec<u16>,
    allowance: Rc<RefCell<Allowance>>,
}

/// Who asks, as its connection shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    /// Its address.
    pub(super) remote: SocketAddr,
    /// The address of ours that it dialed.
    pub(super) local: IpAddr,
    /// Who it proved to be.
    pub(super) peer: PeerId,
}

/// What is to be done, and towards which address.
#[derive(Clone, Copy, Debug)]
struct Towards {
    ip: IpAddr,
    /// The own address to do it from.
    from: Option<IpAddr>,
}

impl Dialback {
    pub(super) fn new(native: Native, identity: Keypair, partner: Option<Multiaddr>, reach: Reach, stun: Vec<u16>) -> Rc<Self> {
        Rc::new(Self { native, identity, partner, reach, stun, allowance: Rc::default() })
    }

    /// The protocol, as it is served to one dialer.
    pub(super) fn service(self: &Rc<Self>, asker: Asker) -> Service {
        let this = Rc::clone(self);
        Service::new(PROTOCOL, move |stream| {
            let this = Rc::clone(&this);
            async move { this.serve(asker, stream).await }
        })
    }

    /// Answers one request. How the stream fails is the asker's business.
    async fn serve(&self, asker: Asker, mut stream: SubstreamBox) {
        let said = frame::read(&mut stream, MAX_REQUEST);
        let request = match select(pin!(said), pin!(native::sleep(PATIENCE))).await {
            Either::Left((Ok(Some(bytes)), _)) => serde_json::from_slice::<Request>(&bytes).ok(),
            Either::Left((Err(Fault { cause: Cause::Malformed | Cause::TooLarge, .. }), _)) => None,
            _ => return,
        };
        let (answer, rest) = match request {
            Some(request) => self.answer(asker, request).await.unwrap_or_else(|why| (Answer::Refused { why }, None)),
            None => (Answer::Refused { why: Refusal::Malformed }, None),
        };
        let mut message = Vec::new();
        // What is made of JSON values alone is always written.
        frame::put(&mut message, &serde_json::to_vec(&answer).unwrap_or_default());
        let told = async {
            if stream.write_all(&message).await.is_ok() {
                let _ = stream.close().await;
            }
        };
        let (told, patience) = (pin!(told), pin!(native::sleep(PATIENCE)));
        // Beside it: who does not read its answer is to hold no place and no socket that others need.
        join(select(told, patience), OptionFuture::from(rest.map(datagrams::Rest::send))).await;
    }

    async fn answer(&self, asker: Asker, request: Request) -> Result<(Answer, Option<datagrams::Rest>), Refusal> {
        let ip = asker.remote.ip().to_canonical();
        let towards = Towards { ip, from: Some(asker.local.to_canonical()) };
        match request {
            Request::Info => Ok((
                Answer::Info {
                    observed: SocketAddr::new(ip, asker.remote.port()),
                    partner: self.partner.as_ref().and_then(target::named_peer).map(PeerId::to_base58),
                    stun: self.stun.clone(),
                },
                None,
            )),
            Request::Datagrams { port, token, by: By::You } => self.act(towards, &What::Datagrams { port, token }).await,
            Request::Dial { layers, within_ms, by: By::You } => self.act(towards, &What::Dial { layers, within_ms }).await,
            Request::Datagrams { port, token, by: By::Partner } => self.ask_partner(ip, What::Datagrams { port, token }).await,
            Request::Dial { layers, within_ms, by: By::Partner } => self.ask_partner(ip, What::Dial { layers, within_ms }).await,
            Request::ForPartner { ticket } => {
                let errand = self.check(asker, &ticket)?;
                self.act(Towards { ip: errand.asker.to_canonical(), from: None }, &errand.what).await
            }
        }
    }

    /// Does it, as far as the rules allow.
    async fn act(&self, towards: Towards, what: &What) -> Result<(Answer, Option<datagrams::Rest>), Refusal> {
        self.may_send_to(towards.ip)?;
        let vantage = self.identity.public().to_peer_id().to_base58();
        match what {
            What::Datagrams { port, token } => {
                let place = allowance::admit(&self.allowance, self.native.elapsed(), towards.ip, *port)?;
                let (answer, rest) = datagrams::begin(towards, *port, *token, vantage, place).await?;
                Ok((answer, Some(rest)))
            }
            What::Dial { layers, within_ms } => {
                let (route, remote) = dial::route(towards.ip, layers)?;
                let _place = allowance::admit(&self.allowance, self.native.elapsed(), towards.ip, route.port)?;
                let within = Duration::from_millis(u64::from(*within_ms)).min(LONGEST);
                Ok((dial::dial(&self.native, &self.identity, towards, route, &remote, within).await, None))
            }
        }
    }

    /// Lets in a dial of somebody's port, or says why not.
    pub(super) fn admit(&self, ip: IpAddr, port: u16) -> Result<Place, Refusal> {
        self.may_send_to(ip)?;
        allowance::admit(&self.allowance, self.native.elapsed(), ip, port)
    }

    /// Whether an address is public, or of a kind that the node listens on itself, and none of its own.
    fn may_send_to(&self, ip: IpAddr) -> Result<(), Refusal> {
        self.reach.check(ip, self.native.elapsed())
    }

    /// The errand of a ticket, if the partner signed it and it leads to nobody of this machine.
    fn check(&self, asker: Asker, ticket: &Ticket) -> Result<Errand, Refusal> {
        let partner = self.partner.as_ref().and_then(target::named_peer).ok_or(Refusal::NoPartner)?;
        let us = self.identity.public().to_peer_id();
        let signed = ticket.check(&partner, &us, native::time_of_day()).ok().filter(|_| asker.peer == partner);
        let errand = signed.ok_or(Refusal::BadTicket)?;
        // A partner elsewhere has nobody to help on this very machine or link.
        let own = matches!(Scope::of_ip(errand.asker.to_canonical()), Scope::Loopback | Scope::LinkLocal);
        if own && !asker.remote.ip().to_canonical().is_loopback() { Err(Refusal::PrivateAddress) } else { Ok(errand) }
    }

    async fn ask_partner(&self, asker: IpAddr, what: What) -> Result<(Answer, Option<datagrams::Rest>), Refusal> {
        let address = self.partner.as_ref().ok_or(Refusal::NoPartner)?;
        let partner = target::named_peer(address).ok_or(Refusal::NoPartner)?.to_base58();
        // The rules of the one that is asked hold for what it passes on.
        self.may_send_to(asker)?;
        let port = match &what {
            What::Datagrams { port, .. } => *port,
            What::Dial { layers, .. } => dial::route(asker, layers)?.0.port,
        };
        let _place = allowance::admit(&self.allowance, self.native.elapsed(), asker, port)?;
        let errand = Errand { asker, partner, signed: seconds(native::time_of_day()), what };
        let ticket = Ticket::sign(&errand, &self.identity).map_err(|_| Refusal::LocalFault)?;
        let request = Request::ForPartner { ticket };
        let answering = pin!(partner::ask(&self.native, &self.identity, address, &request));
        match select(answering, pin!(native::sleep(2 * LONGEST))).await {
            Either::Left((answer, _)) => answer.map(|answer| (answer, None)),
            Either::Right(_) => Err(Refusal::PartnerSilent),
        }
    }
}
