//! What gateways do and say: ports that they map, IPv6 firewalls that they open.

use std::net::IpAddr;

use super::{
    family::{LAYERS, Measured},
    observed::{Observed, socket},
};
use crate::{
    model::{Cause, Family, Layer4, PortMapping, Remedy, RemedyCode},
    order::set,
};

/// Ports of a family that a gateway gives, and that somebody outside came in through.
pub(super) struct Proven<'a> {
    mappings: Vec<&'a PortMapping>,
}

impl<'a> Proven<'a> {
    /// Those of a family; none where nobody came in.
    pub(super) fn of(seen: &'a Observed, family: Family) -> Option<Self> {
        let fits = |mapping: &&PortMapping| mapping.family == family && mapping.verified == Some(true);
        let mappings: Vec<_> = seen.port_mappings.iter().filter(fits).collect();
        (!mappings.is_empty()).then_some(Self { mappings })
    }

    /// The protocols that the gateway was asked in.
    pub(super) fn names(&self) -> String {
        names(self.mappings.iter().copied())
    }

    /// The protocols whose ports let nobody in all the same.
    pub(super) fn shut(&self) -> Vec<Layer4> {
        let blocked = self.mappings.iter().flat_map(|mapping| &mapping.blocked);
        set(blocked.filter_map(|address| Some(socket(address)?.0)))
    }

    /// What more there is to know of them: the address to announce, where the gateway tells another.
    fn to_announce(&self, outside: Option<IpAddr>) -> Option<String> {
        let outside = outside?;
        let externals = || self.mappings.iter().filter_map(|mapping| mapping.external.as_ref()?.parse::<IpAddr>().ok());
        let other = externals().find(|ip| *ip != outside)?;
        let text = format!(
            "Have the node announce {outside} with the port that is mapped: the router tells {other}, which is not what peers see."
        );
        Some(text)
    }
}

/// Ports that are given to whoever asks, of all families: nothing else helps as surely.
pub(super) fn proven<'a>(seen: &Observed, families: impl Iterator<Item = &'a Measured>) -> Option<Remedy> {
    let [four, six] = [Family::Ipv4, Family::Ipv6].map(|family| Proven::of(seen, family));
    let mut texts = Vec::new();
    if let Some(six) = &six {
        let (names, came) = (six.names(), came(six));
        texts.push(format!("The router opens its IPv6 firewall by {names}, and {came}."));
    }
    if let Some(four) = &four {
        let names = four.names();
        texts.push(match &six {
            Some(_) => format!("It maps ports of IPv4 by {names} too."),
            None => format!("The router maps ports by {names}, and {}.", came(four)),
        });
        let outside = families.filter(|measured| measured.family == Family::Ipv4).find_map(|measured| measured.outside);
        texts.extend(four.to_announce(outside));
    }
    (!texts.is_empty()).then(|| Remedy::new(RemedyCode::UseUpnp, texts.join(" ")))
}

/// Who came in, and what is to be done about it.
fn came(proven: &Proven<'_>) -> String {
    let shut = proven.shut();
    let Some(closed) = shut.first() else {
        return "a dial from outside came through: turn that on in the node".into();
    };
    let over = LAYERS.into_iter().find(|layer| !shut.contains(layer)).map_or_else(String::new, |open| format!(" over {open}"));
    format!(
        "a dial from outside came through{over}, but none over {closed}: turn that on in the node, and see what keeps {closed} out, such as the firewall of this machine"
    )
}

fn names<'a>(mappings: impl Iterator<Item = &'a PortMapping>) -> String {
    mappings.map(|mapping| mapping.protocol.name()).collect::<Vec<_>>().join(", ")
}

/// The protocols by which a family's ports are given that fit.
fn by(seen: &Observed, family: Family, fits: impl Fn(&PortMapping) -> bool) -> Option<String> {
    let fits = |mapping: &&PortMapping| mapping.family == family && fits(mapping);
    Some(names(seen.port_mappings.iter().filter(fits))).filter(|names| !names.is_empty())
}

/// What the router says of holes in its IPv6 firewall, where nobody is known to come through; none where it opens none.
pub(super) fn pinhole(seen: &Observed) -> Option<Remedy> {
    let granted = |verified| by(seen, Family::Ipv6, |mapping| mapping.outcome.passed() && mapping.verified == verified);
    if let Some(names) = granted(None) {
        let text = format!(
            "The router opens its IPv6 firewall by {names}: turn that on in the node. No dial through an opening was tested."
        );
        return Some(Remedy::new(RemedyCode::UseUpnp, text));
    }
    let names = granted(Some(false))?;
    let text = format!(
        "The router says by {names} that it opened its IPv6 firewall, but no dial from outside came through: another firewall is in the way, on this machine or beyond the router."
    );
    Some(Remedy::new(RemedyCode::OpenFirewall, text))
}

/// A gateway that is itself behind a NAT.
pub(super) fn bridge(seen: &Observed, best: &Measured) -> Remedy {
    let inner = seen.gateways().find(|ip| Some(*ip) != best.outside);
    let told = match (inner, best.outside) {
        (Some(inner), Some(outside)) => {
            format!("The router's outside address is {inner}, and peers see {outside}: it is itself behind a NAT")
        }
        _ => "The router is itself behind a NAT".into(),
    };
    let text = format!(
        "{told}. A forward or port mapping in it alone will not help: set it to be a bridge, or forward the port in both."
    );
    Remedy::new(RemedyCode::BridgeRouter, text)
}

/// A gateway with a public address that peers do not see.
pub(super) fn another_line(seen: &Observed, best: &Measured) -> Option<Remedy> {
    let outside = best.outside?;
    let other = seen.gateways().find(|ip| ip.is_ipv4() == outside.is_ipv4() && *ip != outside)?;
    let text = format!(
        "The router says that its outside address is {other}, and peers see {outside}: it sends over another line than that, or is itself behind a NAT. Forward the port on the line that peers see, or have the router send over the other one and announce {other}; behind another NAT forward it in both."
    );
    Some(Remedy::new(RemedyCode::ForwardPort, text))
}

/// What a gateway says about port mappings that nobody is known to come through; none where none answers.
pub(super) fn gateway(seen: &Observed, best: &Measured) -> Option<Remedy> {
    let by = |fits: &dyn Fn(&PortMapping) -> bool| by(seen, Family::Ipv4, fits);
    if let Some(names) = by(&|mapping| mapping.outcome.passed() && mapping.verified == Some(false)) {
        let text = format!(
            "The router maps ports by {names}, but no dial from outside came through: something beyond it keeps them out, so that a forward in it will not help. Ask the provider."
        );
        return Some(Remedy::new(RemedyCode::AskProvider, text));
    }
    if let Some(names) = by(&|mapping| mapping.outcome.passed()) {
        let text = format!("The router maps ports by {names}: turn that on in the node. No dial through a mapping was tested.");
        return Some(Remedy::new(RemedyCode::UseUpnp, text));
    }
    let refused = |mapping: &PortMapping| matches!(mapping.outcome.cause(), Some(Cause::GatewayRefused { .. }));
    // Not for lack of permission: it has no address of its own to map ports of.
    let unable = |mapping: &PortMapping| {
        mapping.external.is_none()
            && match mapping.outcome.cause() {
                Some(Cause::GatewayRefused { error }) => mapping.protocol.lacks_address(*error),
                _ => false,
            }
    };
    if let Some(names) = by(&|mapping| refused(mapping) && !unable(mapping)) {
        let text = format!("The router refuses to map a port by {names}: allow it there, or forward the port by hand.");
        return Some(Remedy::new(RemedyCode::AllowUpnp, text));
    }
    let names = by(&unable)?;
    let outside = best.outside.map_or_else(|| "that peers see".into(), |ip| ip.to_string());
    let text = format!(
        "The router answers by {names}, but has no outside address to map ports of. See there: only if its address is {outside} a port forwarded by hand will help, else it is itself behind a NAT."
    );
    Some(Remedy::new(RemedyCode::ForwardPort, text))
}
