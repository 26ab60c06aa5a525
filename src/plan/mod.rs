//! Target, options and what this runtime can do become attempts, and what is left out and why. Pure.

mod announced;
pub mod nat64;
mod planner;
mod route;
mod space;
#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, Ipv4Addr},
    rc::Rc,
};

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

pub use announced::{ANNOUNCED_LIMIT, extend};
pub use planner::Planner;
pub use route::{Circuit, Host, Lookup, Parsed, Records, Route, parse};
pub use space::{Guard, Permitted, Space};

use crate::model::{Fact, Family, Source, Transport, WebrtcVersions, WhyCode};

/// How deep `/dnsaddr` records may be nested: bootstrap lists of the large networks use two.
pub const DNSADDR_DEPTH: usize = 4;
/// How many addresses may come from look-ups in one run.
pub const ADDRESS_LIMIT: usize = 100;

/// What this runtime and this machine can do.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    /// The transports that it can dial.
    pub transports: Vec<Transport>,
    /// Why it cannot dial the others: [`WhyCode::NotYetDialable`] or [`WhyCode::NotInThisRuntime`].
    pub otherwise: Option<WhyCode>,
    /// The address families with an address; null where the runtime cannot tell.
    pub families: Option<Vec<Family>>,
    /// Whether the platform looks names up by itself and shows nothing of it, as a browser does: a name is dialed as it is, and
    /// what is more than a name's addresses cannot be asked for.
    pub hides_names: bool,
    /// Whether the platform compares certificates itself, so that it has to know them before it dials: a browser learns none.
    pub needs_certhash: bool,
    /// Whether it cannot name the link of a link-local address: URLs and ICE candidates have no zone (WHATWG URL, section 3.5).
    pub no_zones: bool,
    /// Where it was loaded from, if it is a page.
    pub loaded: Loaded,
}

/// Where a page was loaded from, which decides what its browser permits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loaded {
    /// From this machine; or this is no page.
    #[default]
    Here,
    /// Over HTTPS: it may not open an insecure WebSocket to another machine.
    Securely,
    /// Over plain HTTP from another machine: there browsers have no WebTransport.
    Insecurely,
}

/// An address to be planned, and how it came up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The address as it was offered.
    pub address: Multiaddr,
    /// Where it came from.
    pub source: Source,
    /// The look-ups that led here, outermost first.
    pub names: Vec<Lookup>,
    /// The address to go on with, in which names are replaced as far as they are known.
    pub remote: Multiaddr,
    /// The version of webrtc-direct to dial in, where it is one of several attempts.
    pub version: Option<WebrtcVersions>,
    /// The IPv4 address that `remote` stands for, where a translator leads there.
    pub translated: Option<Ipv4Addr>,
}

impl Candidate {
    /// An address that was named or announced.
    #[must_use]
    pub fn new(address: Multiaddr, source: Source) -> Self {
        Self { remote: address.clone(), address, source, names: Vec::new(), version: None, translated: None }
    }
}

/// A dial to make: one concrete address.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The number of the attempt.
    pub id: u32,
    /// How to dial it. Its host is the one of the address: a name here keeps SNI and the HTTP host.
    pub route: Route,
    /// The address to connect to; none where the platform looks the name up itself.
    pub ip: Option<IpAddr>,
    /// The zone of a link-local address.
    pub zone: Option<String>,
    /// The peer that has to be there: the address names it, or the target does.
    pub expected: Option<PeerId>,
    /// The one version of webrtc-direct to dial in; null for whichever answers.
    pub version: Option<WebrtcVersions>,
}

impl Planned {
    /// The host to connect to: its address, or its name where only the platform knows more.
    #[must_use]
    pub fn host(&self) -> String {
        match (&self.ip, &self.route.host) {
            (Some(ip), _) | (None, Host::Ip(ip, _)) => ip.to_string(),
            (None, Host::Name(lookup)) => lookup.name.clone(),
        }
    }
}

/// What becomes of a candidate.
#[derive(Debug)]
pub enum Step {
    /// Look a name up, and then hand the answer to [`Planner::answered`].
    LookUp(Candidate, Lookup),
    /// Plan these instead: the same address in each version of its protocol.
    Split(Vec<Candidate>),
    /// Dial it.
    Dial(Fact, Rc<Planned>),
    /// Left out, as the fact says.
    Leave(Fact),
    /// It failed without a dial.
    Fail(Fact, u32),
    /// It needs no mention: the same address is tried already.
    Drop,
}

/// The records that a look-up gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An A or AAAA record.
    Ip(IpAddr),
    /// The address of a `dnsaddr=` TXT record.
    Address(Multiaddr),
}

/// What a look-up led to.
#[derive(Debug, Default)]
pub struct Answered {
    /// Addresses to go on with.
    pub candidates: Vec<Candidate>,
    /// Entries for other peers than the one named.
    pub others: Vec<Candidate>,
    /// Whether there were more than [`ADDRESS_LIMIT`].
    pub over_limit: bool,
}
