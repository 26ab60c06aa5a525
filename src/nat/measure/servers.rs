//! STUN servers that serve as further vantage points: looked up while the others are being reached.

use std::{net::SocketAddr, pin::pin, time::Duration};

use futures::future::{Either, join_all, select};

use crate::{
    engine::{LookedUp, Notes, Runtime as _},
    model::{Cause, Found, NatFound, VantageKind, VantageSeen},
    native::Native,
    plan::{Lookup, Record, Records},
};

/// How long a look-up may take: a server is one vantage point more, and no reason to wait.
const PATIENCE: Duration = Duration::from_secs(2);
/// Addresses of a server that are asked: one of each family.
const ADDRESSES: usize = 2;

/// A STUN server, as the user named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// A name or an IP address.
    pub host: String,
    /// Its UDP port.
    pub port: u16,
}

/// The sockets of the servers. One whose name leads nowhere is told, and is a vantage point less.
pub(super) async fn sockets(native: &Native, notes: &Notes, named: &[Server]) -> Vec<SocketAddr> {
    join_all(named.iter().map(|server| server.sockets(native, notes))).await.concat()
}

impl Server {
    async fn sockets(&self, native: &Native, notes: &Notes) -> Vec<SocketAddr> {
        if let Ok(ip) = self.host.parse() {
            return vec![SocketAddr::new(ip, self.port)];
        }
        let asked = native.look_up(Lookup { name: self.host.clone(), records: Records::Any });
        let answer = match select(pin!(asked), native.sleep(PATIENCE)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => LookedUp { records: Err(Cause::TimedOut.into()), found: Found::default() },
        };
        match answer.records {
            Ok(records) => self.of_each_family(&records),
            Err(fault) => {
                notes.found(NatFound::Vantage(self.unknown(fault.cause)));
                Vec::new()
            }
        }
    }

    fn of_each_family(&self, records: &[Record]) -> Vec<SocketAddr> {
        let mut sockets: Vec<SocketAddr> = Vec::new();
        for record in records {
            if let Record::Ip(ip) = record
                && !sockets.iter().any(|known| known.is_ipv4() == ip.is_ipv4())
            {
                sockets.push(SocketAddr::new(*ip, self.port));
            }
        }
        sockets.truncate(ADDRESSES);
        sockets
    }

    fn unknown(&self, cause: Cause) -> VantageSeen {
        VantageSeen {
            vantage: format!("{}:{}", self.host, self.port),
            kind: VantageKind::Stun,
            address: format!("/dns/{}/udp/{}", self.host, self.port),
            observed: None,
            offers: Vec::new(),
            cause: Some(cause),
        }
    }
}
