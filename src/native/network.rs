//! What the own network has.

use std::{
    iter,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket},
    path::Path,
};

use super::tunnel;
use crate::{
    model::{Fact, Family, LocalAddress, Scope},
    nat::gateway::{
        Here,
        pinhole::{self, Door},
    },
};

/// Addresses far away, only to ask the system for the route there: connecting a UDP socket sends nothing.
const FAR: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)), IpAddr::V6(Ipv6Addr::new(0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111))];

/// The families of this machine and the address that each sends from. A family counts when it has a route to the internet or
/// an address on some link; what cannot be asked counts as absent.
#[must_use]
pub fn families() -> Vec<(Family, IpAddr)> {
    let [v4, v6] = FAR.map(source_towards);
    let mut interfaces = None;
    let mut or_interface = |routed: Option<IpAddr>, v4: bool| {
        routed.or_else(|| {
            let addresses = interfaces.get_or_insert_with(on_links);
            addresses.iter().copied().find(|ip| ip.is_ipv4() == v4)
        })
    };
    let v4 = or_interface(v4, true).map(|ip| (Family::Ipv4, ip));
    let v6 = or_interface(v6, false).map(|ip| (Family::Ipv6, ip));
    v4.into_iter().chain(v6).collect()
}

/// The families as an event.
#[must_use]
pub fn fact(families: &[(Family, IpAddr)]) -> Fact {
    let (families, sources): (Vec<Family>, Vec<IpAddr>) = families.iter().copied().unzip();
    let sources = sources.into_iter().map(LocalAddress::new).collect();
    Fact::LocalNetwork { families, sources, udp_receive_buffer: udp_receive_buffer() }
}

/// The address that the system would send from; none where there is no route.
pub(crate) fn source_of(far: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if far.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(far, 443)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The address that the system would send from to the outside.
fn source_towards(far: IpAddr) -> Option<IpAddr> {
    source_of(far).filter(|ip| !ip.is_unspecified() && !ip.is_loopback())
}

/// Own addresses, with what the system tells of the interface of each.
pub(crate) fn described(ips: impl IntoIterator<Item = IpAddr>) -> Vec<LocalAddress> {
    let interfaces = netdev::get_interfaces();
    let described = |ip: IpAddr| {
        let mut own = LocalAddress::new(ip);
        for interface in &interfaces {
            let v4 = interface.ipv4.iter().map(|net| (IpAddr::V4(net.addr()), net.prefix_len(), false));
            let flags = interface.ipv6_addr_flags.iter().map(|flags| flags.temporary).chain(iter::repeat(false));
            let v6 = interface.ipv6.iter().zip(flags);
            let v6 = v6.map(|(net, temporary)| (IpAddr::V6(net.addr()), net.prefix_len(), temporary));
            if let Some((_, prefix, temporary)) = v4.chain(v6).find(|(known, ..)| *known == ip) {
                (own.prefix, own.temporary, own.tunnel) = (Some(prefix), temporary, tunnel::is_one(interface));
            }
        }
        own
    };
    ips.into_iter().map(described).collect()
}

/// The addresses of this machine that reach further than itself; link-local IPv6 is everywhere and tells nothing.
#[must_use]
pub fn on_links() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let ips = interfaces.into_iter().map(|interface| interface.ip());
    ips.filter(|ip| !ip.is_loopback() && Scope::of_ip(*ip) != Scope::LinkLocal).collect()
}

/// All addresses of this machine.
pub(crate) fn own() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.into_iter().map(|interface| interface.ip()).collect()
}

/// The own IPv4 address towards the outside and the router there; none where no router leads out.
pub(crate) fn here() -> Option<Here> {
    let own = source_towards(FAR[0])?;
    let gateway = *netdev::get_default_gateway().ok()?.ipv4.first()?;
    let IpAddr::V4(own) = own else { return None };
    Some(Here { own, gateway })
}

/// The own IPv6 address towards the outside and the router there; none where no router leads out.
pub(crate) fn door() -> Option<Door> {
    let IpAddr::V6(own) = source_towards(FAR[1])? else { return None };
    let interfaces = netdev::get_interfaces();
    let interface = interfaces.iter().find(|interface| interface.ipv6.iter().any(|net| net.addr() == own))?;
    let router = *interface.gateway.as_ref()?.ipv6.first()?;
    let zone = if Scope::of_ip(router.into()) == Scope::LinkLocal { interface.index } else { 0 };
    Some(Door { own, router: SocketAddrV6::new(router, pinhole::PORT, 0, zone), link: interface.index })
}

/// Whether an address is on a network that this machine has an address of.
pub(crate) fn is_on_link(ip: Ipv4Addr) -> bool {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    interfaces.into_iter().any(|interface| match interface.addr {
        if_addrs::IfAddr::V4(own) => {
            let mask = own.netmask.to_bits();
            ip.to_bits() & mask == own.ip.to_bits() & mask && mask.count_ones() < 32
        }
        if_addrs::IfAddr::V6(_) => false,
    })
}

/// The index of a link-local zone, by the name or number of its interface.
#[must_use]
pub fn zone_index(zone: &str) -> Option<u32> {
    let of_addresses = || {
        let interfaces = if_addrs::get_if_addrs().ok()?;
        interfaces.into_iter().find(|interface| interface.name == zone)?.index
    };
    // The former leave out what has link-local addresses alone.
    let of_all = || Some(netdev::get_interfaces().into_iter().find(|interface| interface.name == zone)?.index);
    zone.parse().ok().or_else(of_addresses).or_else(of_all)
}

/// The most that a UDP socket may buffer, in bytes, where the system has such a file (Linux).
#[must_use]
pub fn udp_receive_buffer() -> Option<u64> {
    let text = std::fs::read_to_string(Path::new("/proc/sys/net/core/rmem_max")).ok()?;
    text.trim().parse().ok()
}
