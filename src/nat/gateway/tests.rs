//! What gateways send, taken apart.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::Url;

use super::{description, http, ssdp};
use crate::model::Cause;

const HOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 168, 7, 1)), 1900);

fn at() -> Url {
    Url::parse("http://192.168.7.1:5000/rootDesc.xml").unwrap()
}

/// A description with a service of this kind, asked there.
fn described(kind: &str, control: &str, before: &str) -> String {
    format!(
        "\n<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\">{before}<device><deviceList><device><serviceList>\
         <service><serviceType>urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1</serviceType><controlURL>/x</controlURL></service>\
         <service><serviceType>{kind}</serviceType><controlURL>{control}</controlURL></service>\
         </serviceList></device></deviceList></device></root>\0"
    )
}

#[test]
fn services_that_map_ports_are_found_by_their_place() {
    let ip = "urn:schemas-upnp-org:service:WANIPConnection:2";
    let found = |kind: &str, control: &str, before: &str| {
        description::services(&described(kind, control, before), &at(), HOST, &description::MAPS)
    };
    for (control, before, url) in [
        ("/ctl/IPConn", "", "http://192.168.7.1:5000/ctl/IPConn"),
        ("ctl", "", "http://192.168.7.1:5000/ctl"),
        ("http://192.168.7.1:49152/c", "", "http://192.168.7.1:49152/c"),
        ("/c", "<URLBase>http://192.168.7.1:80/</URLBase>", "http://192.168.7.1/c"),
    ] {
        let services = found(ip, control, before).unwrap();
        assert_eq!((services.len(), services[0].control.as_str(), services[0].kind.as_str()), (1, url, ip));
    }
    // PPP counts, and IP comes before it.
    assert_eq!(found("urn:schemas-upnp-org:service:WANPPPConnection:1", "/c", "").unwrap().len(), 1);
    for (kind, control, before) in [
        ("urn:schemas-upnp-org:service:WANIPConnection:", "/c", ""),
        ("urn:schemas-upnp-org:service:WANIPConnection:1\"#x", "/c", ""),
        ("urn:schemas-upnp-org:service:Layer3Forwarding:1", "/c", ""),
        (ip, "http://11.22.33.1/c", ""),
        (ip, "https://192.168.7.1/c", ""),
        (ip, "http://router.example/c", ""),
        (ip, "/c", "<URLBase>http://11.22.33.1/</URLBase>"),
    ] {
        assert_eq!(found(kind, control, before).unwrap_err().cause, Cause::Malformed, "{kind} {control} {before}");
    }
}

#[test]
fn documents_are_bounded() {
    let cause = |text: &str| description::parse(text).map(drop).unwrap_err().cause;
    let many = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
    assert!(description::parse(&many(2000)).is_ok());
    assert_eq!(cause(&many(5000)), Cause::TooLarge);
    // As deep as an answer can be.
    let deep = format!("{}{}", "<a>".repeat(9000), "</a>".repeat(9000));
    assert_eq!(cause(&deep), Cause::TooLarge);
    for text in ["", "x", "<a>", "<!DOCTYPE a [<!ENTITY e \"eeee\">]><a>&e;</a>", "<a>&e;</a>"] {
        assert_eq!(cause(text), Cause::Malformed, "{text}");
    }
}

#[test]
fn a_device_speaks_for_itself_alone() {
    let answer = |location: &str| {
        let text = format!("HTTP/1.1 200 OK\r\nST: x\r\nlocation: {location}\r\n\r\n");
        ssdp::location(text.as_bytes(), HOST, |_| false)
    };
    let (url, to) = answer("http://192.168.7.1:5000/rootDesc.xml").unwrap().unwrap();
    assert_eq!((url, to.to_string()), (at(), "192.168.7.1:5000".into()));
    for elsewhere in [
        "http://11.22.33.1:5000/x",
        "http://192.168.7.2/x",
        "https://192.168.7.1/",
        "http://u@192.168.7.1/",
        "http://r.example/",
        "/x",
    ] {
        assert_eq!(answer(elsewhere).unwrap().unwrap_err().cause, Cause::Malformed, "{elsewhere}");
    }
    for noise in [
        "",
        "NOTIFY * HTTP/1.1\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nLOCATION: http://192.168.7.1/\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    ] {
        assert_eq!(ssdp::location(noise.as_bytes(), HOST, |_| true), None, "{noise}");
    }
    assert_eq!(http::at(&Url::parse("http://192.168.7.1/").unwrap(), HOST.ip()).unwrap().port(), 80);
}

/// Over IPv6 a router answers from one of its addresses and may name another one on the same link.
#[test]
fn a_router_has_several_addresses_of_ipv6() {
    let router: SocketAddr = "[fe80::1%2]:1900".parse().unwrap();
    let near = |ip: IpAddr| ip.to_string().starts_with("2a11:22:40:");
    let answer = |location: &str| {
        let text = format!("HTTP/1.1 200 OK\r\nlocation: {location}\r\n\r\n");
        ssdp::location(text.as_bytes(), router, near).unwrap().map(|(_, at)| at.to_string()).map_err(|fault| fault.cause)
    };
    assert_eq!(answer("http://[fe80::1]:5000/x"), Ok("[fe80::1%2]:5000".into()));
    assert_eq!(answer("http://[2a11:22:40::1]:5000/x"), Ok("[2a11:22:40::1]:5000".into()));
    for elsewhere in ["http://[2a11:22:33::1]/", "http://[fe80::2]/", "http://192.168.7.1/", "http://[::1]/"] {
        assert_eq!(answer(elsewhere), Err(Cause::Malformed), "{elsewhere}");
    }
}
