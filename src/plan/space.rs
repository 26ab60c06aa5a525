//! Address spaces of the web platform, and what a browser guards between them.

use std::net::IpAddr;

use crate::model::Scope;

/// How near an address is (WICG, Local Network Access, "IP address space"), the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    /// The machine itself.
    Loopback,
    /// A network around it.
    Local,
    /// All the rest.
    Public,
}

impl Space {
    /// The space of an IP address; none for a range that browsers do not agree about.
    #[must_use]
    pub fn of_ip(ip: IpAddr) -> Option<Self> {
        match Scope::of_ip(ip) {
            Scope::Loopback => Some(Self::Loopback),
            Scope::Private | Scope::LinkLocal | Scope::Cgnat => Some(Self::Local),
            Scope::Public | Scope::Documentation => Some(Self::Public),
            Scope::Unspecified | Scope::Multicast | Scope::Reserved | Scope::Nat64 | Scope::Dns | Scope::Relay => None,
        }
    }

    /// The space of the host of a page's URL; none for a name, which may lead anywhere.
    #[must_use]
    pub fn of_host(host: &str) -> Option<Self> {
        if host == "localhost" || host.ends_with(".localhost") {
            return Some(Self::Loopback);
        }
        host.trim_start_matches('[').trim_end_matches(']').parse().ok().and_then(Self::of_ip)
    }
}

/// What a browser says of a permission (W3C, Permissions, `PermissionState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "kebab-case")]
pub enum Permitted {
    /// It is given.
    Granted,
    /// The user would be asked, or is being asked.
    Prompt,
    /// It is refused: by the user, by a policy, or because the page did not come securely.
    Denied,
}

/// What the permission to reach a nearer space has to do with a failure whose reason the browser hides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    Open,
    /// Perhaps: where the page itself lies is not known, or the browser may not mind.
    Unknown,
    /// It is missing, so that nothing was let through.
    Shut,
}

impl Guard {
    /// Of a dial from a page to a target, with what the browser said of the permission before the dial and says now: none
    /// where it knows no such permission.
    #[must_use]
    pub fn of(page: Option<Space>, target: Option<Space>, before: Option<Permitted>, now: Option<Permitted>) -> Self {
        use Permitted::{Denied, Granted, Prompt};
        let (Some(target), Some(now)) = (target, now) else { return Self::Open };
        if target == Space::Public || now == Granted || page.is_some_and(|page| page <= target) {
            return Self::Open;
        }
        // Nobody is asked but for a dial from further away.
        let asked = before == Some(Prompt) && now == Denied;
        // From a local network to the machine itself Chromium 156 lets pages through, though the specification does not.
        if asked || page == Some(Space::Public) { Self::Shut } else { Self::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_pages() {
        for (host, space) in [
            ("127.0.0.1", Some(Space::Loopback)),
            ("[::1]", Some(Space::Loopback)),
            ("localhost", Some(Space::Loopback)),
            ("page.localhost", Some(Space::Loopback)),
            ("192.168.1.5", Some(Space::Local)),
            ("169.254.1.1", Some(Space::Local)),
            ("100.64.0.1", Some(Space::Local)),
            ("[fd00::1]", Some(Space::Local)),
            ("[fe80::1]", Some(Space::Local)),
            ("8.8.8.8", Some(Space::Public)),
            ("[2606:4700::1]", Some(Space::Public)),
            ("0.0.0.0", None),
            ("node.example.org", None),
            ("router.local", None),
            ("", None),
        ] {
            assert_eq!(Space::of_host(host), space, "{host}");
        }
    }

    #[test]
    fn a_permission_is_missing_only_where_that_is_certain() {
        use Permitted::{Denied, Granted, Prompt};
        use Space::{Local, Loopback, Public};
        for (page, target, before, now, guard) in [
            // From further away to nearer.
            (Some(Public), Some(Loopback), Some(Denied), Some(Denied), Guard::Shut),
            (Some(Public), Some(Local), Some(Prompt), Some(Prompt), Guard::Shut),
            (Some(Local), Some(Loopback), Some(Prompt), Some(Denied), Guard::Shut),
            (Some(Local), Some(Loopback), Some(Denied), Some(Denied), Guard::Unknown),
            (Some(Local), Some(Loopback), Some(Prompt), Some(Prompt), Guard::Unknown),
            (Some(Local), Some(Loopback), Some(Prompt), Some(Granted), Guard::Open),
            (Some(Public), Some(Loopback), Some(Granted), Some(Granted), Guard::Open),
            // Not asked for.
            (Some(Local), Some(Local), Some(Denied), Some(Denied), Guard::Open),
            (Some(Loopback), Some(Loopback), Some(Denied), Some(Denied), Guard::Open),
            (Some(Loopback), Some(Local), Some(Denied), Some(Denied), Guard::Open),
            (Some(Public), Some(Public), Some(Denied), Some(Denied), Guard::Open),
            (None, Some(Public), Some(Prompt), Some(Denied), Guard::Open),
            // A browser without it, and an address that says nothing.
            (Some(Public), Some(Loopback), None, None, Guard::Open),
            (Some(Public), None, Some(Denied), Some(Denied), Guard::Open),
            // A page from a name.
            (None, Some(Loopback), Some(Denied), Some(Denied), Guard::Unknown),
            (None, Some(Local), Some(Prompt), Some(Prompt), Guard::Unknown),
            (None, Some(Local), Some(Prompt), Some(Denied), Guard::Shut),
        ] {
            assert_eq!(Guard::of(page, target, before, now), guard, "{page:?} {target:?} {before:?} {now:?}");
        }
    }

    #[test]
    fn states_are_those_of_the_platform() {
        assert_eq!("prompt".parse(), Ok(Permitted::Prompt));
        assert_eq!("denied".parse(), Ok(Permitted::Denied));
        assert!("maybe".parse::<Permitted>().is_err());
    }
}
