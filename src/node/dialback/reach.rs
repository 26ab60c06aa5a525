//! Whom a helper may send to.

use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
    time::Duration,
};

use multiaddr::Multiaddr;

use crate::{model::Scope, nat::dialback::Refusal};

/// The addresses of this machine are looked up again after this time: they change, and strangers may ask without end.
const FRESH: Duration = Duration::from_secs(10);

/// How far a helper's addresses reach, and which addresses are its own.
#[derive(Debug)]
pub(in crate::node) struct Reach {
    /// Of what is listened on and announced.
    scopes: Vec<Scope>,
    /// Gives the addresses of this machine.
    look: fn() -> Vec<IpAddr>,
    own: RefCell<Vec<IpAddr>>,
    /// When they were looked up.
    looked: Cell<Option<Duration>>,
}

impl Reach {
    /// Of a helper with these addresses: bound ones, so that a wildcard is seen as such, and announced ones.
    pub(in crate::node) fn new(listening: &[Multiaddr], look: fn() -> Vec<IpAddr>) -> Self {
        let mut scopes: Vec<Scope> = listening.iter().map(Scope::of).collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self { scopes, look, own: RefCell::default(), looked: Cell::default() }
    }

    /// Whether an address may be sent to at the time `now`.
    pub(super) fn check(&self, ip: IpAddr, now: Duration) -> Result<(), Refusal> {
        let scope = Scope::of_ip(ip);
        if matches!(scope, Scope::Unspecified | Scope::Multicast) || is_broadcast(ip) {
            return Err(Refusal::PrivateAddress);
        }
        // Behind a proxy on this machine every stranger has the machine's own address, and dials would scan its ports.
        let own = match scope {
            Scope::Loopback => self.scopes != [Scope::Loopback],
            _ => self.is_own(ip, now),
        };
        match () {
            () if own => Err(Refusal::OwnAddress),
            () if scope == Scope::Public || self.scopes.contains(&scope) => Ok(()),
            () => Err(Refusal::PrivateAddress),
        }
    }

    fn is_own(&self, ip: IpAddr, now: Duration) -> bool {
        if self.looked.get().is_none_or(|looked| now.saturating_sub(looked) >= FRESH) {
            self.own.replace((self.look)());
            self.looked.set(Some(now));
        }
        self.own.borrow().contains(&ip)
    }
}

/// The one address that means every machine of a link.
fn is_broadcast(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.is_broadcast())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    /// A server with a bridge for containers.
    fn own() -> Vec<IpAddr> {
        ["127.0.0.1", "172.17.0.1", "11.22.33.1", "2606:4700::1"].map(|ip| ip.parse().unwrap()).into()
    }

    fn checked(listening: &[&str], ip: &str) -> Result<(), Refusal> {
        let listening: Vec<Multiaddr> = listening.iter().map(|address| address.parse().unwrap()).collect();
        Reach::new(&listening, own).check(ip.parse().unwrap(), NOW)
    }

    const EVERYWHERE: [&str; 4] =
        ["/ip4/0.0.0.0/tcp/4011", "/ip4/127.0.0.1/tcp/4011", "/ip4/172.17.0.1/tcp/4011", "/ip6/::/udp/4011/quic-v1"];

    #[test]
    fn a_proxy_on_the_machine_leads_nobody_into_it() {
        for ip in ["127.0.0.1", "127.8.8.8", "::1", "172.17.0.1", "11.22.33.1", "2606:4700::1"] {
            assert_eq!(checked(&EVERYWHERE, ip), Err(Refusal::OwnAddress), "{ip}");
        }
        for ip in ["172.17.0.3", "11.22.33.2", "2606:4700::2"] {
            assert_eq!(checked(&EVERYWHERE, ip), Ok(()), "{ip}");
        }
    }

    #[test]
    fn loopback_is_for_those_who_listen_nowhere_else() {
        let alone = ["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/2"];
        for ip in ["127.0.0.1", "::1"] {
            assert_eq!(checked(&alone, ip), Ok(()));
            // Reached through a proxy by the name that is announced.
            for more in ["/dns4/node.example.org/tcp/443/wss", "/ip4/192.168.1.9/tcp/1", "/ip4/0.0.0.0/tcp/1"] {
                assert_eq!(checked(&[&alone[..], &[more]].concat(), ip), Err(Refusal::OwnAddress), "{more}");
            }
        }
    }

    #[test]
    fn private_addresses_are_for_those_who_listen_on_one() {
        let [public, at_home] = [["/ip4/11.22.33.1/tcp/1"], ["/ip4/192.168.1.9/tcp/1"]];
        for (ip, by_public, by_home) in [
            ("11.22.33.44", true, true),
            ("2606:4700::5", true, true),
            ("192.168.1.5", false, true),
            ("10.0.0.1", false, true),
            ("169.254.1.1", false, false),
            ("100.64.0.1", false, false),
            ("0.0.0.0", false, false),
            ("255.255.255.255", false, false),
            ("224.0.0.1", false, false),
            ("ff02::1", false, false),
            ("fe80::1", false, false),
        ] {
            let expected = [by_public, by_home].map(|allowed| if allowed { Ok(()) } else { Err(Refusal::PrivateAddress) });
            assert_eq!([checked(&public, ip), checked(&at_home, ip)], expected, "{ip}");
        }
    }

    #[test]
    fn addresses_that_change_are_noticed() {
        thread_local! { static LOOKED: Cell<u8> = const { Cell::new(0) }; }
        fn changing() -> Vec<IpAddr> {
            LOOKED.set(LOOKED.get() + 1);
            vec![IpAddr::from([11, 22, 33, LOOKED.get()])]
        }
        let reach = Reach::new(&["/ip4/0.0.0.0/tcp/1".parse().unwrap()], changing);
        let may = |last: u8, seconds| reach.check([11, 22, 33, last].into(), Duration::from_secs(seconds)).is_ok();
        assert_eq!([may(1, 0), may(2, 9)], [false, true]);
        assert_eq!([may(1, 10), may(2, 10)], [true, false]);
        assert_eq!(LOOKED.get(), 2);
    }
}
