//! A UPnP device tells what it offers (UPnP Device Architecture 2.0, section 2.3).

use std::net::SocketAddr;

use roxmltree::{Document, Node, ParsingOptions};
use url::Url;

use super::http;
use crate::{fault::Fault, model::Cause};

/// The most elements, attributes and texts of a document. No entity is expanded: there is no DTD.
const MOST_NODES: u32 = 4096;
/// Services that are asked. A router has one of each kind, and seldom two.
const MOST_SERVICES: usize = 4;
/// The services that map ports, the commoner one first.
pub(super) const MAPS: [&str; 2] =
    ["urn:schemas-upnp-org:service:WANIPConnection:", "urn:schemas-upnp-org:service:WANPPPConnection:"];

/// The service that opens a firewall for IPv6.
pub(super) const OPENS: [&str; 1] = ["urn:schemas-upnp-org:service:WANIPv6FirewallControl:"];

/// A service of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// Its type with the version: what it is asked as.
    pub(super) kind: String,
    pub(super) control: Url,
    pub(super) at: SocketAddr,
}

/// A document of a gateway.
pub(super) fn parse(text: &str) -> Result<Document<'_>, Fault> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    // Some begin with a blank line or end with a NUL.
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0' || letter == '\u{feff}');
    Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => Cause::TooLarge.into(),
        error => Fault::new(Cause::Malformed, &error),
    })
}

/// The text of the first element with this name, whatever its namespace.
pub(super) fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.descendants().find(|node| node.is_element() && node.tag_name().name() == name)?.text().map(str::trim)
}

/// The services of a description that are of these kinds. What leads to another host is left out: a gateway speaks for itself.
pub(super) fn services(description: &str, location: &Url, host: SocketAddr, kinds: &[&str]) -> Result<Vec<Service>, Fault> {
    let document = parse(description)?;
    let root = document.root();
    let base = text(root, "URLBase").and_then(|base| Url::parse(base).ok()).unwrap_or_else(|| location.clone());
    let mut elsewhere = false;
    let mut found: Vec<(usize, Service)> = Vec::new();
    for node in root.descendants().filter(|node| node.tag_name().name() == "service") {
        let Some((rank, kind)) = text(node, "serviceType").and_then(|text| kind(text, kinds)) else { continue };
        let Some(control) = text(node, "controlURL").and_then(|path| base.join(path).ok()) else { continue };
        match http::at(&control, host.ip()).map(|at| beside(host, at.port())) {
            Some(at) => found.push((rank, Service { kind, control, at })),
            None => elsewhere = true,
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.truncate(MOST_SERVICES);
    match (found.is_empty(), elsewhere) {
        (false, _) => Ok(found.into_iter().map(|(_, service)| service).collect()),
        (true, true) => Err(Fault::new(Cause::Malformed, "its description leads to another host")),
        (true, false) => Err(Fault::new(Cause::Malformed, "its description names no such service")),
    }
}

/// Another port of a host; the zone of a link-local one stays.
pub(super) fn beside(mut host: SocketAddr, port: u16) -> SocketAddr {
    host.set_port(port);
    host
}

/// A type that is asked for, with a version and nothing else behind it: it goes into questions as it is.
fn kind(text: &str, kinds: &[&str]) -> Option<(usize, String)> {
    let digits = |version: &str| (1..=2).contains(&version.len()) && version.bytes().all(|byte| byte.is_ascii_digit());
    let rank = kinds.iter().position(|kind| text.strip_prefix(kind).is_some_and(digits))?;
    Some((rank, text.to_owned()))
}
