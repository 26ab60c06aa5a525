//! Vantage points on this side of whatever stands between this machine and the internet: they see what it is, and reach it, whatever
//! the internet sees and reaches.
//!
//! Those with an address of public scope alone are looked for: who asks at a private one asks about that network.

use std::{borrow::Cow, collections::BTreeSet, net::IpAddr};

use super::observed::{Observed, of, socket};
use crate::{
    model::{Family, Outcome, Scope, VantageSeen, WhyCode, ip_of},
    order::set,
};

/// What a near vantage point's dial is told with.
const NEAR: &str = "it is in the own network";

impl Observed {
    /// What those tell who are not near, and whether anybody is. Dials of the others stay, and show nothing.
    pub(super) fn without_near(&self, family: Family) -> (Cow<'_, Self>, bool) {
        let places = self.places(family);
        let ips: BTreeSet<IpAddr> = places.iter().map(|(_, ip)| *ip).collect();
        let near: BTreeSet<IpAddr> = ips.into_iter().filter(|ip| self.is_near(*ip)).collect();
        if near.is_empty() {
            return (Cow::Borrowed(self), false);
        }
        let mut afar = self.clone();
        // Of a partner nothing is known but where it came from.
        let is_near = |vantage: &str, from: Option<IpAddr>| match places.iter().find(|(name, _)| *name == vantage) {
            Some((_, place)) => near.contains(place),
            None => from.is_some_and(|from| near.contains(&from)),
        };
        afar.mappings.retain(|seen| !near.contains(&seen.to.ip()));
        afar.glimpses.retain(|glimpse| of(glimpse.mapped.ip()) != family || !is_near(&glimpse.vantage, None));
        afar.filterings.retain(|seen| of(seen.to.ip()) != family || !is_near(&seen.vantage, seen.from.map(|from| from.ip())));
        for seen in &mut afar.inbounds {
            let concerns = socket(&seen.address).is_some_and(|(_, to)| of(to.ip()) == family);
            if concerns && is_near(&seen.by.vantage, came_from(seen.by.from.as_deref())) {
                seen.by.outcome = Outcome::unknown(WhyCode::PrivateScope);
                seen.by.message = Some(NEAR.into());
            }
        }
        (Cow::Owned(afar), true)
    }

    /// The outside addresses that one and the same vantage point sees, where these are several: of the connection that it is asked over,
    /// and of the sockets under test.
    pub(super) fn several(&self, family: Family) -> Vec<IpAddr> {
        let asked = self.vantages.iter().filter_map(|seen| Some((seen.vantage.as_str(), place(seen.observed.as_ref()?)?)));
        let sent_to = self.mappings.iter().filter_map(|seen| Some((seen.vantage.as_str(), seen.mapped?.ip())));
        let outside = |ip: IpAddr| of(ip) == family && Scope::of_ip(ip) == Scope::Public;
        let told = set(asked.chain(sent_to).filter(|(_, ip)| outside(*ip)));
        let mut by_vantage = told.chunk_by(|(name, _), (other, _)| name == other);
        by_vantage.find(|told| told.len() > 1).into_iter().flatten().map(|(_, ip)| *ip).collect()
    }

    /// Where vantage points are, of one family.
    fn places(&self, family: Family) -> Vec<(&str, IpAddr)> {
        let asked = self.vantages.iter().filter_map(|seen| Some((seen.vantage.as_str(), place(&seen.address)?)));
        let sent_to = self.mappings.iter().map(|seen| (seen.vantage.as_str(), seen.to.ip()));
        let came = self.inbounds.iter().filter_map(|seen| Some((seen.by.vantage.as_str(), came_from(seen.by.from.as_deref())?)));
        asked.chain(sent_to).chain(came).filter(|(_, ip)| of(*ip) == family).collect()
    }

    /// Whether somebody there is on this machine, on its link, or behind the same NAT.
    fn is_near(&self, ip: IpAddr) -> bool {
        Scope::of_ip(ip) == Scope::Public && (self.owns(ip) || self.is_on_link(ip) || self.shares_nat(ip))
    }

    /// Whether an address is the one that this machine has outside, and who is there does not say otherwise: one that sees this
    /// machine at another public address is somebody else, whose address another one told for ours.
    fn shares_nat(&self, ip: IpAddr) -> bool {
        let told = || self.mappings.iter().filter_map(|seen| Some((seen.to.ip(), seen.mapped?.ip())));
        let seen = |seen: &VantageSeen| Some((place(&seen.address)?, place(seen.observed.as_ref()?)?));
        let all: Vec<(IpAddr, IpAddr)> = told().chain(self.vantages.iter().filter_map(seen)).collect();
        let otherwise = |(at, outside): &(IpAddr, IpAddr)| {
            *at == ip && *outside != ip && Scope::of_ip(*outside) == Scope::Public && !self.owns(*outside)
        };
        all.iter().any(|(_, outside)| *outside == ip) && !all.iter().any(otherwise)
    }
}

/// The IP address that a multiaddr begins with.
fn place(address: &str) -> Option<IpAddr> {
    ip_of(&address.parse().ok()?)
}

fn came_from(from: Option<&str>) -> Option<IpAddr> {
    place(from?)
}
