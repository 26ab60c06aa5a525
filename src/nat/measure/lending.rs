//! A runtime whose probes keep the connection they made, for the tests to ask over.

use std::{net::IpAddr, pin::pin, rc::Rc, time::Duration};

use futures::{
    channel::{mpsc::UnboundedSender, oneshot},
    future::{LocalBoxFuture, Shared, select},
};

use crate::{
    engine::{Ctx, Fault, LookedUp, Runtime},
    model::{Fact, Options, RuntimeKind, Stamp},
    native::Native,
    plan::{Capabilities, Lookup, Planned},
    probe,
    session::Opener,
};

/// A connection that stands.
#[derive(Clone, Debug)]
pub(super) struct Lent {
    /// Who is at its other end.
    pub(super) peer: String,
    /// Where.
    pub(super) ip: IpAddr,
    pub(super) opener: Opener,
}

/// Tests are done: ends with them.
pub(super) type Ended = Shared<oneshot::Receiver<()>>;

/// [`Native`], but for its probes.
pub(super) struct Lending {
    native: Native,
    lent: UnboundedSender<Lent>,
    ended: Ended,
}

impl Lending {
    pub(super) fn new(native: Native, lent: UnboundedSender<Lent>, ended: Ended) -> Self {
        Self { native, lent, ended }
    }
}

impl Runtime for Lending {
    fn kind(&self) -> RuntimeKind {
        self.native.kind()
    }

    fn now(&self) -> Duration {
        self.native.now()
    }

    fn utc(&self) -> Stamp {
        self.native.utc()
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        self.native.sleep(span)
    }

    fn capabilities(&self) -> Capabilities {
        self.native.capabilities()
    }

    fn local_network(&self) -> Option<Fact> {
        self.native.local_network()
    }

    fn look_up(&self, lookup: Lookup) -> LocalBoxFuture<'static, LookedUp> {
        self.native.look_up(lookup)
    }

    fn probe(&self, ctx: Ctx, planned: Rc<Planned>, options: Rc<Options>) -> LocalBoxFuture<'static, Result<(), Fault>> {
        let (native, lent, ended) = (self.native.clone(), self.lent.clone(), self.ended.clone());
        Box::pin(async move {
            // Behind a relay, or at an address that is not known, nobody is a vantage point.
            let ip = match planned.ip {
                Some(ip) if planned.route.circuit.is_none() => ip.to_canonical(),
                _ => return native.probe(ctx, planned, options).await,
            };
            probe::lend(native.machine(), &ctx, &planned, &options, async |session, peer| {
                let lending = Lent { peer: peer.to_base58(), ip, opener: session.opener() };
                if lent.unbounded_send(lending).is_ok() {
                    select(pin!(session.serve()), ended).await;
                }
            })
            .await
        })
    }
}
