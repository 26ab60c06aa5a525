//! What is dialed once, and what is too much.

use super::*;
use crate::model::{Cause, Fact, Options, Source, Transport, WhyCode};

const PEER: &str = "12D3KooWEg1fQZuNprwGSVZzNB43PaieLeoh7t8e2fKqBL2aT4MZ";

fn planner() -> Planner {
    let transports = vec![Transport::Tcp, Transport::Ws];
    Planner::new(Options::default(), Capabilities { transports, ..Capabilities::default() }, None)
}

fn candidate(address: &str, source: Source) -> Candidate {
    Candidate::new(address.parse().expect(address), source)
}

/// What a step is, and why an address is left out.
fn told(step: &Step) -> String {
    match step {
        Step::LookUp(..) => "look up".into(),
        Step::Dial(..) => "dial".into(),
        Step::Drop => "drop".into(),
        Step::Leave(Fact::AttemptPlanned { why: Some(why), .. }) => why.code.code().into(),
        Step::Fail(Fact::AttemptPlanned { cause: Some(cause), .. }, _) => cause.code().into(),
        other => panic!("{other:?}"),
    }
}

/// The step after the look-up of the name that an address begins with.
fn resolved(planner: &mut Planner, address: &str, ip: &str) -> String {
    let Step::LookUp(candidate, lookup) = planner.step(candidate(address, Source::Target)) else {
        panic!("{address} has a name")
    };
    let records = [Record::Ip(ip.parse().expect(ip))];
    let mut answered = planner.answered(&candidate, &lookup, &records);
    told(&planner.step(answered.candidates.remove(0)))
}

#[test]
fn one_place_is_dialed_once_by_whatever_name() {
    let mut planner = planner();
    assert_eq!(told(&planner.step(candidate("/ip4/8.8.8.8/tcp/1", Source::Target))), "dial");
    assert_eq!(resolved(&mut planner, "/dns4/node.example.org/tcp/1", "8.8.8.8"), "duplicate");
    assert_eq!(told(&planner.step(candidate("/ip4/8.8.8.8/tcp/2", Source::Target))), "dial");
}

#[test]
fn websockets_differ_by_name_and_path() {
    let mut planner = planner();
    for address in ["/ip4/8.8.8.8/tcp/1/ws", "/ip4/8.8.8.8/tcp/1/x-parity-ws/%2Fa", "/ip4/8.8.8.8/tcp/1/x-parity-ws/%2Fb"] {
        assert_eq!(told(&planner.step(candidate(address, Source::Target))), "dial", "{address}");
    }
    assert_eq!(resolved(&mut planner, "/dns4/node.example.org/tcp/1/ws", "8.8.8.8"), "dial");
    assert_eq!(told(&planner.step(candidate("/ip4/8.8.8.8/tcp/1/ws", Source::Target))), "duplicate");
}

/// What a page cannot dial is known before it does.
#[test]
fn a_page_is_told_what_it_cannot_dial() {
    const HASH: &str = "/certhash/uEiCmjjV31dRNVy27CCU4SU3UpQcFBFsXxqEtFx03VrJ6Jg";
    let page = |secure: bool| {
        let mut transports = vec![Transport::Ws, Transport::Wss, Transport::WebrtcDirect];
        transports.extend(secure.then_some(Transport::Webtransport));
        let otherwise = Some(WhyCode::NotInThisRuntime);
        let (hides_names, needs_certhash) = (true, true);
        let loaded = if secure { Loaded::Here } else { Loaded::Insecurely };
        let capabilities = Capabilities { transports, otherwise, hides_names, needs_certhash, loaded, ..Capabilities::default() };
        // Which a browser cannot do.
        Planner::new(Options { learn_certhash: true, ..Options::default() }, capabilities, None)
    };
    let table = [
        ("/ip4/8.8.8.8/udp/1/webrtc-direct", HASH, "dial", "dial"),
        ("/ip4/8.8.8.8/udp/1/webrtc-direct", "", "certhash-missing", "certhash-missing"),
        ("/dns4/node.example.org/udp/1/webrtc-direct", HASH, "not-in-this-runtime", "not-in-this-runtime"),
        ("/dns4/node.example.org/tcp/1/wss", "", "dial", "dial"),
        ("/ip4/8.8.8.8/udp/1/quic-v1/webtransport", HASH, "dial", "needs-secure-context"),
        ("/ip4/8.8.8.8/udp/1/quic-v1/webtransport", "", "certhash-missing", "needs-secure-context"),
        ("/ip4/8.8.8.8/tcp/1", "", "not-in-this-runtime", "not-in-this-runtime"),
    ];
    for (address, hash, secure, insecure) in table {
        let step = |page: &mut Planner| told(&page.step(candidate(&format!("{address}{hash}"), Source::Target)));
        assert_eq!((step(&mut page(true)), step(&mut page(false))), (secure.into(), insecure.into()), "{address}{hash}");
    }
}

/// What no dial could reach is told before one, with the part that is to blame.
#[test]
fn what_is_of_no_use_anywhere_names_its_part() {
    const SHA_256: &str = "uEiCmjjV31dRNVy27CCU4SU3UpQcFBFsXxqEtFx03VrJ6Jg";
    let sha_512 = format!("uE0{}", "A".repeat(86));
    let transports = vec![Transport::Tcp, Transport::Ws, Transport::Wss, Transport::WebrtcDirect, Transport::Webtransport];
    let planner = |hides_names| {
        let capabilities = Capabilities { transports: transports.clone(), hides_names, ..Capabilities::default() };
        Planner::new(Options { learn_certhash: true, ..Options::default() }, capabilities, None)
    };
    let step = |address: &str, page| match planner(page).step(candidate(address, Source::Target)) {
        Step::Fail(Fact::AttemptPlanned { cause: Some(Cause::UnsupportedAddress { part }), .. }, _) => part,
        step => told(&step),
    };
    for (address, terminal, page) in [
        ("/dns4/a b/tcp/1/ws", "/dns4/a b", "/dns4/a b"),
        ("/dns/a@b/tcp/1", "/dns/a@b", "/dns/a@b"),
        ("/dnsaddr/a@b", "/dnsaddr/a@b", "not-in-this-runtime"),
        // Which is told as what it is, once it was asked for.
        ("/dns6/::1/tcp/1/ws", "look up", "/dns6/::1"),
        ("/ip4/1.2.3.4/tcp/1/tls/sni/*.a/ws", "/sni/*.a", "/sni/*.a"),
        ("/ip6zone/a/ip6/fe80::1/tcp/0", "/tcp/0", "/tcp/0"),
        (&format!("/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/{sha_512}"), "/certhash", "/certhash"),
        (&format!("/ip4/1.2.3.4/udp/1/quic-v1/webtransport/certhash/{sha_512}"), "/certhash", "/certhash"),
        (&format!("/ip4/1.2.3.4/udp/1/webrtc-direct/certhash/{sha_512}/certhash/{SHA_256}"), "dial", "dial"),
        ("/ip4/1.2.3.4/udp/1/webrtc-direct", "dial", "dial"),
    ] {
        assert_eq!(step(address, false), terminal, "{address}");
        assert_eq!(step(address, true), page, "{address} in a page");
    }
}

/// A URL has no place for the link of a link-local address.
#[test]
fn a_page_leaves_links_out() {
    const HASH: &str = "/certhash/uEiCmjjV31dRNVy27CCU4SU3UpQcFBFsXxqEtFx03VrJ6Jg";
    for no_zones in [false, true] {
        let transports = vec![Transport::Ws, Transport::Wss, Transport::WebrtcDirect, Transport::Webtransport];
        let otherwise = Some(WhyCode::NotInThisRuntime);
        let capabilities = Capabilities { transports, otherwise, no_zones, ..Capabilities::default() };
        let mut planner = Planner::new(Options::default(), capabilities, None);
        for layers in
            ["tcp/1/ws", "tcp/1/tls/ws", &format!("udp/1/webrtc-direct{HASH}"), &format!("udp/1/quic-v1/webtransport{HASH}")]
        {
            let mut step = |host: &str| told(&planner.step(candidate(&format!("{host}/{layers}"), Source::Target)));
            assert_eq!(step("/ip6zone/eth0/ip6/fe80::1"), if no_zones { "not-in-this-runtime" } else { "dial" }, "{layers}");
            assert_eq!(step("/ip6/fe80::2"), "dial", "{layers}");
        }
    }
}

/// An address whose certhash is stale is dialed beside the one that the peer announces now.
#[test]
fn one_place_with_another_certhash_is_another_address() {
    let hashes = ["uEiCmjjV31dRNVy27CCU4SU3UpQcFBFsXxqEtFx03VrJ6Jg", "uEiAUDp0D0HEvP43E4dzXPUiG5qNBXqP8ASEWFtiCZdn-sw"];
    let [one, other] = hashes.map(|hash| format!("/certhash/{hash}"));
    let capabilities = Capabilities { transports: vec![Transport::WebrtcDirect], ..Capabilities::default() };
    let mut planner = Planner::new(Options::default(), capabilities, None);
    let table = [
        (&one, "dial"),
        (&other, "dial"),
        (&one, "duplicate"),
        (&format!("{one}{other}"), "dial"),
        (&format!("{other}{one}"), "duplicate"),
    ];
    for (hashes, expected) in table {
        let address = format!("/ip4/8.8.8.8/udp/1/webrtc-direct{hashes}");
        assert_eq!(told(&planner.step(candidate(&address, Source::Target))), expected, "{hashes}");
    }
}

#[test]
fn links_differ_by_zone() {
    let mut planner = planner();
    for address in ["/ip6zone/a/ip6/fe80::1/tcp/1", "/ip6zone/b/ip6/fe80::1/tcp/1"] {
        assert_eq!(told(&planner.step(candidate(address, Source::Target))), "dial", "{address}");
    }
}

/// A machine without a way out for IPv6 has link-local addresses all the same.
#[test]
fn a_link_needs_no_way_out() {
    let (transports, families) = (vec![Transport::Tcp], Some(vec![Family::Ipv4]));
    let mut planner = Planner::new(Options::default(), Capabilities { transports, families, ..Capabilities::default() }, None);
    for (address, expected) in
        [("/ip6zone/a/ip6/fe80::1/tcp/1", "dial"), ("/ip6/::1/tcp/1", "dial"), ("/ip6/2600::1/tcp/1", "no-local-family")]
    {
        assert_eq!(told(&planner.step(candidate(address, Source::Target))), expected, "{address}");
    }
}

/// Each connection of a peer announces its addresses, while the names among them are still looked up.
#[test]
fn what_several_connections_announce_is_planned_once() {
    let mut planner = planner();
    let address = format!("/dns4/node.example.org/tcp/1/p2p/{PEER}");
    assert_eq!(told(&planner.step(candidate(&address, Source::Announced))), "look up");
    assert_eq!(told(&planner.step(candidate(&address, Source::Announced))), "drop");
}

#[test]
fn too_many_addresses_are_one_failure() {
    let mut planner = planner();
    let many = candidate("/dnsaddr/node.example.org", Source::Target);
    assert_eq!(told(&planner.overflow(&many)), "too-many-addresses");
    assert_eq!(told(&planner.overflow(&many)), "over-limit");
}

/// A page: names are looked up unseen, TCP is not there.
fn page(over_https: bool) -> Planner {
    let capabilities = Capabilities {
        transports: vec![Transport::Ws, Transport::Wss],
        otherwise: Some(crate::model::WhyCode::NotInThisRuntime),
        hides_names: true,
        loaded: if over_https { Loaded::Securely } else { Loaded::Here },
        ..Capabilities::default()
    };
    Planner::new(Options::default(), capabilities, None)
}

#[test]
fn a_page_leaves_names_to_its_browser_and_cannot_ask_for_dnsaddr() {
    let mut planner = page(false);
    let Step::Dial(Fact::AttemptPlanned { remote, names, .. }, dial) =
        planner.step(candidate("/dns4/a.example/tcp/443/wss", Source::Target))
    else {
        panic!("a name is dialed")
    };
    assert_eq!((remote.as_deref(), names.len()), (Some("/dns4/a.example/tcp/443/wss"), 0));
    assert_eq!((dial.ip, dial.host().as_str()), (None, "a.example"));
    for (address, expected) in [
        ("/dns4/a.example/tcp/443/tls/ws", "duplicate"),
        ("/dns6/a.example/tcp/443/wss", "dial"),
        ("/dns4/a.example/tcp/4001", "not-in-this-runtime"),
        ("/dnsaddr/a.example", "not-in-this-runtime"),
        ("/ip4/1.2.3.4/udp/1/quic-v1", "not-in-this-runtime"),
    ] {
        assert_eq!(told(&planner.step(candidate(address, Source::Target))), expected, "{address}");
    }
}

#[test]
fn a_page_over_https_speaks_without_tls_to_its_own_machine_alone() {
    for (address, over_https) in [
        ("/ip4/1.2.3.4/tcp/1/ws", "mixed-content"),
        ("/dns4/a.example/tcp/1/ws", "mixed-content"),
        ("/ip4/127.0.0.1/tcp/1/ws", "dial"),
        ("/ip6/::1/tcp/1/ws", "dial"),
        ("/dns4/localhost/tcp/1/ws", "dial"),
        ("/dns4/a.example/tcp/1/wss", "dial"),
    ] {
        assert_eq!(told(&page(true).step(candidate(address, Source::Target))), over_https, "{address}");
        assert_eq!(told(&page(false).step(candidate(address, Source::Target))), "dial", "{address}");
    }
}

/// A machine that has IPv6 alone reaches public addresses of IPv4 through a translator, where its name server shows one.
#[test]
fn ipv4_is_translated_where_there_is_ipv6_alone() {
    let having = |families: &[Family]| {
        let (transports, families) = (vec![Transport::Tcp, Transport::Wss], Some(families.to_vec()));
        Planner::new(
            Options { private: true, ..Options::default() },
            Capabilities { transports, families, ..Capabilities::default() },
            None,
        )
    };
    let records = [Record::Ip("64:ff9b::192.0.0.170".parse().unwrap())];
    let mut alone = having(&[Family::Ipv6]);
    let Step::LookUp(waiting, lookup) = alone.step(candidate("/ip4/8.8.8.8/tcp/1/wss", Source::Target)) else {
        panic!("no look-up")
    };
    assert_eq!(lookup.to_string(), "/dns6/ipv4only.arpa");
    let answered = alone.answered(&waiting, &lookup, &records).candidates.remove(0);
    let Step::Dial(Fact::AttemptPlanned { address, remote, names, .. }, planned) = alone.step(answered) else {
        panic!("no dial")
    };
    assert_eq!((address.as_str(), remote.as_deref()), ("/ip4/8.8.8.8/tcp/1/wss", Some("/ip6/64:ff9b::808:808/tcp/1/wss")));
    assert_eq!(names, ["/dns6/ipv4only.arpa"]);
    // A certificate is for the address as it was named.
    assert_eq!((planned.ip, &planned.route.host), ("64:ff9b::808:808".parse().ok(), &Host::Ip("8.8.8.8".parse().unwrap(), None)));
    // Behind a name the certificate is for that.
    let named = Candidate { names: vec![Lookup { name: "a.example".into(), records: Records::V4 }], ..waiting };
    let answered = alone.answered(&Candidate { remote: "/ip4/8.8.4.4/tcp/1/wss".parse().unwrap(), ..named }, &lookup, &records);
    let Step::Dial(_, planned) = alone.step(answered.candidates[0].clone()) else { panic!("no dial") };
    assert!(matches!(&planned.route.host, Host::Name(name) if name.name == "a.example"), "{planned:?}");
    // Where nothing translates, of what nothing translates, and where nothing has to be.
    let waiting = candidate("/ip4/8.8.8.8/tcp/2", Source::Target);
    assert!(alone.answered(&waiting, &lookup, &[]).candidates.is_empty());
    assert_eq!(told(&alone.step(candidate("/ip4/10.0.0.1/tcp/1", Source::Target))), "no-local-family");
    assert_eq!(told(&having(&[]).step(waiting.clone())), "no-local-family");
    assert_eq!(told(&having(&[Family::Ipv4, Family::Ipv6]).step(waiting)), "dial");
}
