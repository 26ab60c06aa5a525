//! The own addresses.

use super::*;

#[test]
fn a_family_is_usable_when_something_came_back_over_it() {
    let local = |address: &str| LocalAddress::new(address.parse().unwrap());
    let mut seen = Seen::from(LAN);
    seen.observed.local_network(&[local("192.168.1.5"), local("2606:4700::50")], None);
    let usable = |seen: &Seen| seen.nat().local.usable.iter().map(|usable| usable.outcome).collect::<Vec<_>>();
    assert_eq!(usable(&seen), [Tested::Unknown, Tested::Unknown]);
    let seen = seen.maps(&[(A, M)]);
    let tried = seen.clone().add(&NatFound::Family { family: Family::Ipv6, usable: Tested::Failed });
    assert_eq!(usable(&tried), [Tested::Passed, Tested::Failed]);
    let mut tried = tried;
    tried.local = at("[2606:4700::50]:4001");
    assert_eq!(usable(&tried.maps(&[("[2606:4700::1]:1", "[2606:4700::50]:4001")])), [Tested::Passed, Tested::Passed]);
}
