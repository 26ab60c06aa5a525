//! Who may ask. A page of somebody else must not read this one: neither across origins, nor by a name of its own that it
//! lets lead to this machine (DNS rebinding).

use std::net::IpAddr;

use hyper::{HeaderMap, header};
use multiaddr::{Multiaddr, Protocol};

use super::super::Certificate;

/// The names that this machine is known to have: those of its certificate and of the addresses that it announces.
pub(super) fn names(tls: Option<&Certificate>, addresses: &[Multiaddr]) -> Vec<String> {
    let announced = addresses.iter().flat_map(Multiaddr::iter).filter_map(|part| match part {
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    let certified = tls.into_iter().flat_map(|tls| &tls.names).map(|name| name.to_ascii_lowercase());
    announced.chain(certified).collect()
}

/// Whether the `Host` of a request is this machine. An IP address is always right: nobody's DNS gives one out.
pub(super) fn is_own(headers: &HeaderMap, names: &[String]) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(Ok(host)), None) = (hosts.next().map(|host| host.to_str()), hosts.next()) else { return false };
    let name = without_port(host).to_ascii_lowercase();
    name.parse::<IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || names.iter().any(|own| *own == name || own.strip_prefix("*.").is_some_and(|domain| is_below(&name, domain)))
}

/// Whether a browser says that another site asks. Programs that are no browsers say nothing.
pub(super) fn from_elsewhere(headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).map(|value| value.as_bytes().to_ascii_lowercase());
    let site = said("sec-fetch-site").is_some_and(|site| site != b"same-origin" && site != b"none");
    let own = headers.get(header::HOST).map(|host| host.as_bytes().to_ascii_lowercase()).unwrap_or_default();
    let is_own = |origin: &[u8]| ["http://", "https://"].iter().any(|scheme| origin == [scheme.as_bytes(), &own].concat());
    site || said("origin").is_some_and(|origin| !is_own(&origin))
}

fn is_below(name: &str, domain: &str) -> bool {
    name.split_once('.').is_some_and(|(_, rest)| rest == domain)
}

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(ip, _)| ip),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let names = ["node.example.org".to_owned(), "*.wild.example".to_owned()];
        let own = |host: &str| is_own(&headers(&[("host", host)]), &names);
        for host in
            ["127.0.0.1:4014", "192.168.1.5", "[::1]:4014", "localhost:1", "LOCALHOST", "Node.Example.org:443", "a.wild.example"]
        {
            assert!(own(host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:4014",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "a.b.wild.example",
            "wild.example",
            "",
        ] {
            assert!(!own(host), "{host}");
        }
        assert!(!is_own(&headers(&[]), &names));
        assert!(!is_own(&headers(&[("host", "127.0.0.1"), ("host", "127.0.0.1")]), &names));
    }

    #[test]
    fn other_sites_are_told_apart() {
        let elsewhere = |pairs: &[(&'static str, &str)]| from_elsewhere(&headers(pairs));
        assert!(!elsewhere(&[("host", "127.0.0.1:1")]));
        assert!(!elsewhere(&[("host", "127.0.0.1:1"), ("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:1")]));
        assert!(!elsewhere(&[("host", "127.0.0.1:1"), ("sec-fetch-site", "none")]));
        for site in ["cross-site", "same-site"] {
            assert!(elsewhere(&[("host", "127.0.0.1:1"), ("sec-fetch-site", site)]), "{site}");
        }
        for origin in ["null", "http://evil.example", "http://127.0.0.1:2"] {
            assert!(elsewhere(&[("host", "127.0.0.1:1"), ("origin", origin)]), "{origin}");
        }
    }
}
