//! Questions to a service that maps ports (UPnP WANIPConnection:1 and :2) or opens a firewall (WANIPv6FirewallControl:1), and its
//! answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{
    description::{Service, parse, text},
    http::{self, Answer},
};
use crate::{fault::Fault, model::Cause};

/// The port is mapped for somebody else.
pub(super) const CONFLICT: u32 = 718;
/// The gateway maps a port only to the same number.
pub(super) const SAME_PORT: u32 = 724;
/// The gateway maps only for good.
pub(super) const PERMANENT: u32 = 725;
/// What a mapping is called in the router's list.
const NAME: &str = "p2p-probe test";
/// The most of a gateway's words that is told, in letters.
const LONGEST_WORDS: usize = 200;
/// An error of UPnP comes with this status.
const FAILED: u16 = 500;

/// A mapping that is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapping {
    pub(super) protocol: &'static str,
    pub(super) external: u16,
    pub(super) internal: (Ipv4Addr, u16),
    /// In seconds; zero is for good.
    pub(super) lease: u32,
}

/// The gateway's address on the other side; none where it has none.
pub(super) async fn external(own: IpAddr, service: &Service) -> Result<Option<Ipv4Addr>, Fault> {
    let told = ask(own, service, "GetExternalIPAddress", &[]).await?;
    let document = parse(&told)?;
    let address = text(document.root(), "NewExternalIPAddress").and_then(|text| text.parse::<Ipv4Addr>().ok());
    Ok(address.filter(|ip| !ip.is_unspecified()))
}

pub(super) async fn add(own: IpAddr, service: &Service, mapping: Mapping) -> Result<(), Fault> {
    let (client, port) = mapping.internal;
    let arguments = [
        ("NewRemoteHost", String::new()),
        ("NewExternalPort", mapping.external.to_string()),
        ("NewProtocol", mapping.protocol.into()),
        ("NewInternalPort", port.to_string()),
        ("NewInternalClient", client.to_string()),
        ("NewEnabled", "1".into()),
        ("NewPortMappingDescription", NAME.into()),
        ("NewLeaseDuration", mapping.lease.to_string()),
    ];
    ask(own, service, "AddPortMapping", &arguments).await.map(drop)
}

pub(super) async fn delete(own: IpAddr, service: &Service, protocol: &'static str, external: u16) -> Result<(), Fault> {
    let arguments =
        [("NewRemoteHost", String::new()), ("NewExternalPort", external.to_string()), ("NewProtocol", protocol.into())];
    ask(own, service, "DeletePortMapping", &arguments).await.map(drop)
}

/// Opens the firewall for everybody who sends to a port of this machine. Gives the number that the hole is closed by.
pub(super) async fn open(own: Ipv6Addr, service: &Service, protocol: u8, port: u16, lease: u32) -> Result<u16, Fault> {
    let arguments = [
        ("RemoteHost", String::new()),
        ("RemotePort", "0".into()),
        ("InternalClient", own.to_string()),
        ("InternalPort", port.to_string()),
        ("Protocol", protocol.to_string()),
        ("LeaseTime", lease.to_string()),
    ];
    let told = ask(own.into(), service, "AddPinhole", &arguments).await?;
    let number = text(parse(&told)?.root(), "UniqueID").and_then(|number| number.parse().ok());
    number.ok_or_else(|| Cause::Malformed.into())
}

pub(super) async fn close(own: Ipv6Addr, service: &Service, number: u16) -> Result<(), Fault> {
    ask(own.into(), service, "DeletePinhole", &[("UniqueID", number.to_string())]).await.map(drop)
}

/// The answer to an action, or what the gateway says against it.
async fn ask(own: IpAddr, service: &Service, action: &str, arguments: &[(&str, String)]) -> Result<String, Fault> {
    let header = format!("\"{}#{action}\"", service.kind);
    let body = envelope(&service.kind, action, arguments);
    let Answer { status, body } = http::post(own, service.at, &service.control, &header, body).await?;
    if status == FAILED
        && let Some(fault) = refusal(&body)
    {
        return Err(fault);
    }
    if !(200..300).contains(&status) {
        return Err(Cause::HttpStatus { status, location: None }.into());
    }
    let answered = parse(&body)?.root().descendants().any(|node| node.tag_name().name() == format!("{action}Response"));
    if answered { Ok(body) } else { Err(Cause::Malformed.into()) }
}

/// The error of UPnP in an answer.
fn refusal(body: &str) -> Option<Fault> {
    let document = parse(body).ok()?;
    let error = text(document.root(), "errorCode")?.parse().ok()?;
    let words: String = text(document.root(), "errorDescription").unwrap_or_default().chars().take(LONGEST_WORDS).collect();
    let fault = Fault::from(Cause::GatewayRefused { error });
    Some(if words.is_empty() { fault } else { fault.say(&words) })
}

/// What is asked, in SOAP 1.1. The arguments are numbers, addresses and words of our own: nothing is to be escaped.
fn envelope(kind: &str, action: &str, arguments: &[(&str, String)]) -> String {
    let arguments = arguments.iter().fold(String::new(), |all, (name, value)| all + &format!("<{name}>{value}</{name}>"));
    format!(
        "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>\
         <u:{action} xmlns:u=\"{kind}\">{arguments}</u:{action}></s:Body></s:Envelope>\r\n"
    )
}
