//! Decides on one address after the other.

use std::{
    net::{IpAddr, Ipv4Addr},
    rc::Rc,
};

use libp2p_identity::PeerId;
use litemap::LiteMap;
use multiaddr::{Multiaddr, Protocol, multihash::Multihash};

use super::{
    ADDRESS_LIMIT, Answered, Candidate, Capabilities, DNSADDR_DEPTH, Host, Loaded, Lookup, Parsed, Planned, Record, Records,
    Route, Step,
    nat64::{self, Prefix},
    parse,
    route::is_host_name,
};
use crate::{
    model::{Cause, Direction, Fact, Family, Options, Scope, Source, Transport, WebrtcVersions, WhyCode, ip_of, is_local_name},
    order::set,
};

/// The code of SHA-256 in a multihash.
const SHA2_256: u64 = 0x12;

/// What makes two dials the same. Over TCP and QUIC the name on the way is nothing that the peer would see.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    transport: Transport,
    /// IP address; the name where only the platform knows more.
    host: String,
    zone: Option<String>,
    port: u16,
    /// What a WebSocket asks for: name and path.
    asked: Option<(Option<String>, String)>,
    /// The version of webrtc-direct.
    version: Option<String>,
    /// The certificates that the other side may show: an address with a stale one says nothing of one with the current one.
    certhashes: Vec<Vec<u8>>,
    /// Through a relay: how it is reached, which it is, and who is behind it.
    circuit: Option<(Transport, Option<PeerId>, Option<PeerId>)>,
}

/// Plans one address after the other. Holds what a plan has to remember: numbers given, addresses seen.
#[derive(Debug)]
pub struct Planner {
    options: Options,
    capabilities: Capabilities,
    peer: Option<PeerId>,
    learned: Option<PeerId>,
    scopes: LiteMap<Scope, ()>,
    seen: LiteMap<Place, ()>,
    announced: LiteMap<String, ()>,
    planned: u32,
    looked_up: usize,
    overflowed: bool,
}

impl Planner {
    /// A plan for a target, which names a peer or none.
    #[must_use]
    pub fn new(options: Options, capabilities: Capabilities, peer: Option<PeerId>) -> Self {
        Self {
            options,
            capabilities,
            peer,
            learned: None,
            scopes: LiteMap::new(),
            seen: LiteMap::new(),
            announced: LiteMap::new(),
            planned: 0,
            looked_up: 0,
            overflowed: false,
        }
    }

    /// The peer that was learned, where none was named: announced addresses have to lead to it. Other addresses of the target
    /// may lead to others.
    pub fn learned(&mut self, peer: PeerId) {
        self.learned.get_or_insert(peer);
    }

    /// Decides on an address.
    pub fn step(&mut self, candidate: Candidate) -> Step {
        // Every connection of a peer announces the same; a name among it may not have been looked up yet.
        let announced = candidate.source == Source::Announced && candidate.names.is_empty();
        if announced && self.announced.insert(candidate.address.to_string(), ()).is_some() {
            return Step::Drop;
        }
        let route = match parse(&candidate.remote) {
            Ok(Parsed::Route(route)) => route,
            Ok(Parsed::Dnsaddr { .. }) if self.capabilities.hides_names => {
                return self.leave(&candidate, None, WhyCode::NotInThisRuntime);
            }
            Ok(Parsed::Dnsaddr { lookup, .. }) if !lookup.is_of_a_host() => {
                return self.fail(&candidate, Some(unsupported(candidate.remote.iter().next())));
            }
            Ok(Parsed::Dnsaddr { lookup, .. }) => return self.look_up(candidate, lookup),
            Err(cause) => return self.fail(&candidate, Some(cause)),
        };
        if let Some(why) = self.left_out(&route) {
            return self.leave(&candidate, Some(&route), why);
        }
        if let Some(cause) = self.of_no_use(&candidate, &route) {
            return self.fail(&candidate, Some(cause));
        }
        if route.carrier() == Transport::WebrtcDirect {
            // Browsers look up no name for it.
            if self.capabilities.hides_names && matches!(route.host, Host::Name(_)) {
                return self.leave(&candidate, Some(&route), WhyCode::NotInThisRuntime);
            }
            if self.options.webrtc == Some(WebrtcVersions::Both) && candidate.version.is_none() {
                let one = |version| Candidate { version: Some(version), ..candidate.clone() };
                return Step::Split(vec![one(WebrtcVersions::V1), one(WebrtcVersions::V2)]);
            }
        }
        match route.host.clone() {
            Host::Name(_) if self.capabilities.hides_names => self.named(&candidate, route),
            Host::Name(lookup) => self.look_up(candidate, lookup),
            Host::Ip(ip, zone) => self.concrete(&candidate, route, ip, zone),
        }
    }

    /// Why an address cannot lead to a peer from here, whatever is there.
    fn of_no_use(&self, candidate: &Candidate, route: &Route) -> Option<Cause> {
        if route.port == 0 {
            // Whoever listens there was given another one.
            return Some(unsupported(candidate.remote.iter().find(|part| matches!(part, Protocol::Tcp(_) | Protocol::Udp(_)))));
        }
        if self.capabilities.loaded == Loaded::Securely && route.carrier() == Transport::Ws && !is_this_machine(&route.host) {
            return Some(Cause::MixedContent);
        }
        if route.circuit.is_some() && route.peer.is_none() && self.meant(candidate).is_none() {
            // Whom should the relay connect us to?
            return Some(Cause::UnsupportedAddress { part: "/p2p-circuit".into() });
        }
        if let Some(part) = self.no_name(route) {
            return Some(Cause::UnsupportedAddress { part });
        }
        if !route.certhashes.is_empty() && !route.certhashes.iter().any(is_sha256) {
            // Certificates are compared by SHA-256 alone.
            return Some(Cause::UnsupportedAddress { part: "/certhash".into() });
        }
        self.lacks_certhash(route).then_some(Cause::CerthashMissing)
    }

    /// The part whose name is none.
    fn no_name(&self, route: &Route) -> Option<String> {
        if let Some(sni) = route.sni.as_ref().filter(|sni| !is_host_name(sni)) {
            return Some(format!("/sni/{sni}"));
        }
        let Host::Name(lookup) = &route.host else { return None };
        // An IP address is asked for in vain, and then told as what it is.
        let asked = !self.capabilities.hides_names && lookup.name.parse::<IpAddr>().is_ok();
        (!asked && !lookup.is_of_a_host()).then(|| lookup.to_string())
    }

    /// What a look-up led to.
    pub fn answered(&mut self, candidate: &Candidate, lookup: &Lookup, records: &[Record]) -> Answered {
        if nat64::concerns(candidate, lookup) {
            return Answered { candidates: translated(candidate, records).into_iter().collect(), ..Answered::default() };
        }
        let mut names = candidate.names.clone();
        names.push(lookup.clone());
        let rest: Vec<Protocol<'_>> = candidate.remote.iter().skip(1).collect();
        // The records behind a relay's name lead to the relay.
        let at = rest.iter().position(|part| *part == Protocol::P2pCircuit).unwrap_or(rest.len());
        let (suffix, circuit) = if lookup.records == Records::Dnsaddr { rest.split_at(at) } else { (&rest[..], &[][..]) };
        let mut answered = Answered::default();
        for record in records {
            if self.looked_up == ADDRESS_LIMIT {
                answered.over_limit = true;
                break;
            }
            self.looked_up += 1;
            let next = |remote| Candidate { remote, names: names.clone(), ..candidate.clone() };
            match record {
                Record::Ip(ip) => {
                    let remote = std::iter::once(Protocol::from(*ip)).chain(suffix.iter().cloned()).collect();
                    answered.candidates.push(next(remote));
                }
                Record::Address(address) if ends_with(address, suffix) => {
                    answered.candidates.push(next(address.iter().chain(circuit.iter().cloned()).collect()));
                }
                Record::Address(address) => answered.others.push(next(address.clone())),
            }
        }
        answered
    }

    /// Leaves an address out for a reason that its looks do not tell.
    pub fn leave_out(&mut self, candidate: &Candidate, why: WhyCode) -> Step {
        let route = match parse(&candidate.remote) {
            Ok(Parsed::Route(route)) => Some(route),
            Ok(Parsed::Dnsaddr { .. }) | Err(_) => None,
        };
        self.leave(candidate, route.as_ref(), why)
    }

    /// An attempt that failed without a dial: with `cause`, or with what its look-up says.
    pub fn fail(&mut self, candidate: &Candidate, cause: Option<Cause>) -> Step {
        let id = self.number();
        let transport = match parse(&candidate.remote) {
            Ok(Parsed::Route(route)) => Some(route.transport),
            Ok(Parsed::Dnsaddr { .. }) | Err(_) => None,
        };
        // Of a name's records the one that cannot be dialed is told.
        let concrete = (!candidate.names.is_empty() && ip_of(&candidate.remote).is_some()).then_some(&candidate.remote);
        Step::Fail(fact(id, candidate, concrete, transport, None, cause), id)
    }

    /// The attempt for the addresses beyond [`ADDRESS_LIMIT`]. It fails once; what else is too much is left out.
    pub fn overflow(&mut self, candidate: &Candidate) -> Step {
        if std::mem::replace(&mut self.overflowed, true) {
            return self.leave_out(candidate, WhyCode::OverLimit);
        }
        self.fail(candidate, Some(Cause::TooManyAddresses))
    }

    /// Looks a name up, unless that exceeds what is allowed: nested too deep, or in a circle.
    fn look_up(&mut self, candidate: Candidate, lookup: Lookup) -> Step {
        let nested = candidate.names.iter().filter(|name| name.records == Records::Dnsaddr).count();
        if candidate.names.contains(&lookup) || (lookup.records == Records::Dnsaddr && nested >= DNSADDR_DEPTH) {
            return self.fail(&candidate, Some(Cause::DnsaddrTooDeep));
        }
        Step::LookUp(candidate, lookup)
    }

    /// Why a transport is left out: the user did not ask for it, or it cannot be dialed here.
    fn left_out(&self, route: &Route) -> Option<WhyCode> {
        if self.options.transports.as_ref().is_some_and(|asked| !asked.contains(&route.transport)) {
            return Some(WhyCode::ByOption);
        }
        let on_link = matches!(route.host, Host::Ip(_, Some(_))) && self.capabilities.no_zones;
        let known = [route.transport, route.carrier()].iter().all(|part| self.capabilities.transports.contains(part));
        let dialable = known && !on_link;
        if !dialable && self.capabilities.loaded == Loaded::Insecurely && route.carrier() == Transport::Webtransport {
            return Some(WhyCode::NeedsSecureContext);
        }
        (!dialable).then(|| self.capabilities.otherwise.clone().unwrap_or(WhyCode::NotYetDialable))
    }

    /// Whether the certificate has to be known, and is not.
    fn lacks_certhash(&self, route: &Route) -> bool {
        let needed = match route.carrier() {
            Transport::WebrtcDirect => self.capabilities.needs_certhash || !self.options.learn_certhash,
            Transport::Webtransport => self.capabilities.needs_certhash,
            _ => false,
        };
        needed && route.certhashes.is_empty()
    }

    /// An address of which everything is known.
    fn concrete(&mut self, candidate: &Candidate, route: Route, ip: IpAddr, zone: Option<String>) -> Step {
        if candidate.source == Source::Announced && !self.options.announced {
            return self.leave(candidate, Some(&route), WhyCode::ByOption);
        }
        if !is_of_a_host(ip) {
            return match self.not_named(candidate, ip) {
                Some(why) => self.leave(candidate, Some(&route), why),
                None => self.fail(candidate, Some(unsupported(Some(ip.into())))),
            };
        }
        if let Some(why) = self.not_from_here(ip, zone.is_some()).or_else(|| self.not_named(candidate, ip)) {
            if why == WhyCode::NoLocalFamily && self.may_be_translated(ip) {
                return Step::LookUp(candidate.clone(), nat64::lookup());
            }
            return self.leave(candidate, Some(&route), why);
        }
        if let Some(step) = self.again(candidate, &route, ip.to_string(), zone.clone()) {
            return step;
        }
        if matches!(candidate.source, Source::Target | Source::Own) {
            self.scopes.insert(Scope::of_ip(ip), ());
        }
        let route = Route { host: host_of(candidate, &route), ..route };
        self.dial(candidate, route, Some(ip), zone)
    }

    /// A name that only the platform looks up. What it leads to is not known, so its family and scope are nothing to go by.
    fn named(&mut self, candidate: &Candidate, route: Route) -> Step {
        let Host::Name(lookup) = &route.host else { return Step::Drop };
        let family = match lookup.records {
            Records::V4 => Some(Family::Ipv4),
            Records::V6 => Some(Family::Ipv6),
            Records::Any | Records::Dnsaddr => None,
        };
        let other_family = self.options.family.is_some_and(|asked| family.is_some_and(|family| family != asked));
        if other_family || (candidate.source == Source::Announced && !self.options.announced) {
            return self.leave(candidate, Some(&route), WhyCode::ByOption);
        }
        let name = lookup.to_string();
        self.again(candidate, &route, name, None).unwrap_or_else(|| self.dial(candidate, route, None, None))
    }

    /// What becomes of an address whose place was dialed before.
    fn again(&mut self, candidate: &Candidate, route: &Route, host: String, zone: Option<String>) -> Option<Step> {
        let asked =
            matches!(route.carrier(), Transport::Ws | Transport::Wss).then(|| (tls_name(candidate, route), route.path.clone()));
        let version = self.version(candidate, route).map(|version| version.to_string());
        let behind = || route.peer.or_else(|| self.meant(candidate));
        let circuit = route.circuit.as_ref().map(|circuit| (circuit.transport, circuit.relay, behind()));
        let certhashes = set(route.certhashes.iter().map(Multihash::to_bytes));
        let place = Place { transport: route.transport, host, zone, port: route.port, asked, version, certhashes, circuit };
        // Nothing is wrong with one that is new.
        self.seen.insert(place, ())?;
        Some(match candidate.source {
            Source::Announced if candidate.names.is_empty() => Step::Drop,
            _ => self.leave(candidate, Some(route), WhyCode::Duplicate),
        })
    }

    /// The version of webrtc-direct to dial in, where one was asked for.
    fn version(&self, candidate: &Candidate, route: &Route) -> Option<WebrtcVersions> {
        match route.carrier() {
            Transport::WebrtcDirect => candidate.version.or(self.options.webrtc),
            _ => None,
        }
    }

    fn dial(&mut self, candidate: &Candidate, route: Route, ip: Option<IpAddr>, zone: Option<String>) -> Step {
        let id = self.number();
        let expected = route.peer.or_else(|| self.meant(candidate));
        let version = self.version(candidate, &route);
        let mut fact = fact(id, candidate, Some(&candidate.remote), Some(route.transport), None, None);
        if let Fact::AttemptPlanned { version: told, .. } = &mut fact {
            *told = version.map(|version| version.to_string());
        }
        Step::Dial(fact, Rc::new(Planned { id, route, ip, zone, expected, version }))
    }

    /// The peer that an address has to lead to where it names none.
    fn meant(&self, candidate: &Candidate) -> Option<PeerId> {
        self.peer.or_else(|| self.learned.filter(|_| candidate.source == Source::Announced))
    }

    /// Whether the address is of a family that was not asked for, or that this machine does not have. What is on this machine or
    /// on a link of it needs no way out.
    fn not_from_here(&self, ip: IpAddr, on_link: bool) -> Option<WhyCode> {
        let family = if ip.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
        if self.options.family.is_some_and(|asked| asked != family) {
            return Some(WhyCode::ByOption);
        }
        let families = self.capabilities.families.as_ref()?;
        (!ip.is_loopback() && !on_link && !families.contains(&family)).then_some(WhyCode::NoLocalFamily)
    }

    /// Whether a translator may lead to an address of IPv4: it does so for public ones alone (RFC 6052, section 3.1).
    fn may_be_translated(&self, ip: IpAddr) -> bool {
        let families = self.capabilities.families.as_deref().unwrap_or_default();
        ip.is_ipv4() && Scope::of_ip(ip) == Scope::Public && families.contains(&Family::Ipv6)
    }

    /// Whether the address is private and the user named neither it nor another of its scope.
    fn not_named(&self, candidate: &Candidate, ip: IpAddr) -> Option<WhyCode> {
        let scope = Scope::of_ip(ip);
        let private = matches!(
            scope,
            Scope::Private | Scope::LinkLocal | Scope::Cgnat | Scope::Loopback | Scope::Unspecified | Scope::Multicast
        );
        if !private || self.options.private {
            return None;
        }
        let named = match candidate.source {
            Source::Announced => self.scopes.contains_key(&scope),
            Source::Target | Source::Own | Source::Relay => candidate.names.iter().all(|lookup| is_local_name(&lookup.name)),
        };
        (!named).then_some(WhyCode::PrivateScope)
    }

    fn leave(&mut self, candidate: &Candidate, route: Option<&Route>, why: WhyCode) -> Step {
        let id = self.number();
        let concrete = route.filter(|route| matches!(route.host, Host::Ip(..))).map(|_| &candidate.remote);
        Step::Leave(fact(id, candidate, concrete, route.map(|route| route.transport), Some(why), None))
    }

    fn number(&mut self) -> u32 {
        self.planned += 1;
        self.planned
    }
}

/// Whether an address can be one machine's. Systems that dial `0.0.0.0` mean themselves by it, and others nothing.
fn is_of_a_host(ip: IpAddr) -> bool {
    let broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    !broadcast && !matches!(Scope::of_ip(ip), Scope::Unspecified | Scope::Multicast)
}

/// The cause that names a part with its value.
fn unsupported(part: Option<Protocol<'_>>) -> Cause {
    Cause::UnsupportedAddress { part: part.map(|part| part.to_string()).unwrap_or_default() }
}

/// Whether a certificate can be compared with its hash. Asked here, since plans are made where no transport is built in, too.
fn is_sha256(certhash: &Multihash<64>) -> bool {
    certhash.code() == SHA2_256 && certhash.digest().len() == 32
}

/// Whether a host is this very machine, to which pages over HTTPS may speak without TLS (Secure Contexts, section 3.1).
fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Ip(ip, _) => ip.is_loopback(),
        Host::Name(lookup) => {
            let name = lookup.name.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// Whether an entry of a `/dnsaddr` leads where the address wants to go.
fn ends_with(address: &Multiaddr, suffix: &[Protocol<'_>]) -> bool {
    let parts: Vec<Protocol<'_>> = address.iter().collect();
    parts.ends_with(suffix)
}

/// What becomes of an address of IPv4 where the network translates; nothing where it does not.
fn translated(candidate: &Candidate, records: &[Record]) -> Option<Candidate> {
    let Some(Protocol::Ip4(ip)) = candidate.remote.iter().next() else { return None };
    let behind = Protocol::Ip6(Prefix::of(records)?.embed(ip));
    let remote = std::iter::once(behind).chain(candidate.remote.iter().skip(1)).collect();
    let names = candidate.names.iter().cloned().chain([nat64::lookup()]).collect();
    Some(Candidate { remote, names, translated: Some(ip), ..candidate.clone() })
}

/// The name that TLS and HTTP ask for: `/sni`, or the last name looked up.
fn tls_name(candidate: &Candidate, route: &Route) -> Option<String> {
    route.sni.clone().or_else(|| last_name(candidate).map(|lookup| lookup.name.clone()))
}

/// The last name on the way that stands for a host; `/dnsaddr` does not, nor what shows a translator.
fn last_name(candidate: &Candidate) -> Option<&Lookup> {
    let on_the_way = candidate.translated.map_or_else(Vec::new, |_| vec![nat64::lookup()]);
    candidate.names.iter().rev().find(|lookup| lookup.records != Records::Dnsaddr && !on_the_way.contains(lookup))
}

/// The host as the address names it: the name, where there is one.
fn host_of(candidate: &Candidate, route: &Route) -> Host {
    let ip = || candidate.translated.map_or_else(|| route.host.clone(), |ip| Host::Ip(ip.into(), None));
    last_name(candidate).map_or_else(ip, |lookup| Host::Name(lookup.clone()))
}

fn fact(
    attempt: u32,
    candidate: &Candidate,
    remote: Option<&Multiaddr>,
    transport: Option<Transport>,
    why: Option<WhyCode>,
    cause: Option<Cause>,
) -> Fact {
    Fact::AttemptPlanned {
        attempt,
        address: offered(&candidate.address),
        remote: remote.map(|remote| without_peer(remote).to_string()),
        names: candidate.names.iter().map(Lookup::to_string).collect(),
        transport,
        source: candidate.source,
        direction: Direction::Outbound,
        version: None,
        why: why.map(Into::into),
        cause,
    }
}

/// The address as it is shown: the peer stands elsewhere, unless there is nothing else or a relay leads to it.
fn offered(address: &Multiaddr) -> String {
    let bare = without_peer(address);
    let whole = bare.is_empty() || bare.iter().any(|part| part == Protocol::P2pCircuit);
    if whole { address.to_string() } else { bare.to_string() }
}

/// The address without a `/p2p/…` at its end.
fn without_peer(address: &Multiaddr) -> Multiaddr {
    let mut address = address.clone();
    if matches!(address.iter().last(), Some(Protocol::P2p(_))) {
        address.pop();
    }
    address
}
