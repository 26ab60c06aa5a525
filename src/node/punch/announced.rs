//! What a peer announces is dialed before a hole is punched: who has an address of its own is reached without one.

use std::{cell::RefCell, time::Duration};

use futures::future::{join_all, pending};
use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::Puncher;
use crate::{
    engine::{Fault, Record},
    model::{Cause, Found, Security, StageName, Transport, WhyCode},
    nat::punch::{self, Hole},
    native::port,
    node::accept::{Arrived, Carrier, Reached},
    probe::{self, errors},
    session::{Clock, multiplex_outbound, secure_outbound},
    transport::paced::paced,
};

/// How long the peer may take, as go-libp2p has it.
const PATIENCE: Duration = Duration::from_secs(5);

impl Puncher {
    /// Dials what the peer announces, each address once. True when it is there without the relay.
    pub(super) async fn upgraded(&self, record: &Record, clock: &Clock, peer: PeerId, announced: &[Multiaddr]) -> bool {
        let (holes, left_out) = self.allowed(punch::announced(announced, &self.seen.borrow().told()), clock.now());
        if holes.is_empty() && left_out == 0 {
            return false;
        }
        record.enter(StageName::Direct);
        record.found(Found { addresses: u32::try_from(holes.len()).ok(), ..Found::default() });
        if holes.is_empty() {
            record.skip(WhyCode::OverLimit);
            return false;
        }
        let fault = RefCell::new(None);
        let dials = join_all(holes.iter().map(|hole| async {
            match self.reach(clock, *hole, peer).await {
                Ok(arrived) => {
                    self.let_in(arrived).await;
                    // It is on its way in.
                    pending::<()>().await;
                }
                Err(failed) => drop(fault.replace(Some(failed))),
            }
        }));
        let came = self.meet(peer, PATIENCE, dials).await;
        if let Some(from) = &came {
            record.found(Found { remote: Some(from.to_string()), ..Found::default() });
        } else {
            record.failed_but_continue(fault.take().unwrap_or_else(|| Cause::TimedOut.into()));
        }
        came.is_some()
    }

    /// A connection to the peer, of which we are the client.
    async fn reach(&self, clock: &Clock, hole: Hole, peer: PeerId) -> Result<Arrived, Fault> {
        let expect = |actual: PeerId| if actual == peer { Ok(()) } else { Err(Cause::WrongPeer { actual: actual.to_base58() }) };
        let remote = hole.at;
        let (local, carrier) = if hole.transport == Transport::Quic {
            let port = self.ports.quic_towards(remote.ip()).ok_or(Cause::LocalFault { errno: None })?;
            let dialed = port.dial(remote, &self.identity).await.map_err(|error| probe::quic::fault(&error))?;
            expect(dialed.peer)?;
            (dialed.local, Carrier::Dialed(Box::new(dialed)))
        } else {
            let local = self.ports.tcp_towards(remote.ip()).ok_or(Cause::LocalFault { errno: None })?;
            if !self.allowance.borrow_mut().dial(clock.now(), remote.ip()) {
                return Err(Fault::from(Cause::TimedOut).say("the host is not dialed: over the limit"));
            }
            let stream = port::connect(local, remote).await.map_err(|error| errors::of_connect_to(&error, remote))?;
            let local = stream.local_addr().unwrap_or(local);
            let secured = secure_outbound(paced(stream), &self.identity, Security::Noise).await?;
            expect(secured.peer)?;
            let connection = multiplex_outbound(secured.stream).await?;
            (local, Carrier::Reached(Box::new(Reached { peer, connection })))
        };
        Ok(Arrived { transport: hole.transport, local, remote, through: None, carrier })
    }
}
