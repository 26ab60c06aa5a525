//! ICE credentials as the two versions of the protocol make them, and as a server reads them off a check.

use is::IceCreds;

pub(super) use super::super::version::Version;
use super::super::version::random;

/// RFC 8839, section 5.4.
const UFRAG: std::ops::RangeInclusive<usize> = 4..=256;
const PASSWORD: std::ops::RangeInclusive<usize> = 22..=256;

/// Both sides' credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) version: Version,
    pub(super) server: IceCreds,
    pub(super) client: IceCreds,
}

impl Credentials {
    /// Fresh ones to dial with.
    pub(super) fn dial(version: Version) -> Self {
        let password = random();
        let server = same(version.server_ufrag(&password));
        let client = match version {
            Version::V1 => server.clone(),
            Version::V2 => IceCreds { ufrag: random(), pass: password },
        };
        Self { version, server, client }
    }

    /// Those of a dialer, from the USERNAME of its check; none if they are of no known version or against RFC 8839.
    pub(super) fn of_username(username: &str) -> Option<Self> {
        let (server, client) = username.split_once(':')?;
        if !is_ice(server, UFRAG) || !is_ice(client, UFRAG) {
            return None;
        }
        let server = same(server.to_owned());
        if let Some(password) = server.ufrag.strip_prefix(Version::V2.prefix()) {
            if !is_ice(password, PASSWORD) {
                return None;
            }
            let client = IceCreds { ufrag: client.to_owned(), pass: password.to_owned() };
            return Some(Self { version: Version::V2, server, client });
        }
        server.ufrag.starts_with(Version::V1.prefix()).then(|| Self {
            version: Version::V1,
            server,
            client: same(client.to_owned()),
        })
    }
}

fn same(ufrag: String) -> IceCreds {
    IceCreds { pass: ufrag.clone(), ufrag }
}

fn is_ice(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_learns_what_a_dialer_made() {
        for version in [Version::V1, Version::V2] {
            let dialed = Credentials::dial(version);
            let username = format!("{}:{}", dialed.server.ufrag, dialed.client.ufrag);
            assert!(username.len() <= 128, "{}", username.len());
            assert_eq!(Credentials::of_username(&username), Some(dialed));
        }
        assert_ne!(Credentials::dial(Version::V2), Credentials::dial(Version::V2));
    }

    #[test]
    fn others_are_turned_away() {
        let long = "x".repeat(300);
        let table = [
            "libp2p+webrtc+v1/abc",
            "libp2p+webrtc+v3/abcdefghijklmnopqrstuvwxyz:abcd",
            "abcdefghijkl:abcdefghijkl",
            "libp2p+webrtc+v2/short:abcd",
            "libp2p+webrtc+v1/abc:a b c",
            "libp2p+webrtc+v1/abc:abc",
            &format!("libp2p+webrtc+v1/{long}:abcd"),
            &format!("libp2p+webrtc+v1/abcd:{long}"),
            "",
            ":",
        ];
        for username in table {
            assert_eq!(Credentials::of_username(username), None, "{username}");
        }
    }
}
