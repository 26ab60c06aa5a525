//! ICE credentials, which carry the version of the protocol. There is no signalling: the server learns the client's from
//! the USERNAME of its first check, `<server ufrag>:<client ufrag>`.
//!
//! | | server's ufrag and password | client's ufrag | client's password |
//! |---|---|---|---|
//! | v1 | `libp2p+webrtc+v1/<random>` | the same | the same |
//! | v2 | `libp2p+webrtc+v2/<client's password>` | its own | its own |

use std::fmt;

use is::IceCreds;

/// Random characters of a ufrag or password: 190 bits, and the USERNAME stays below the 128 bytes that `is` writes.
const RANDOM: usize = 32;

/// RFC 8839, section 5.4.
const UFRAG: std::ops::RangeInclusive<usize> = 4..=256;
const PASSWORD: std::ops::RangeInclusive<usize> = 22..=256;

/// The version of the protocol. Browsers are about to refuse what version 1 does to their ICE credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// The dialer changes its own ICE credentials.
    V1,
    /// The dialer keeps them and tells its password in the server's.
    V2,
}

impl Version {
    pub(super) fn other(self) -> Self {
        match self {
            Self::V1 => Self::V2,
            Self::V2 => Self::V1,
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::V1 => "libp2p+webrtc+v1/",
            Self::V2 => "libp2p+webrtc+v2/",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        })
    }
}

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
        let server = same(format!("{}{password}", version.prefix()));
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

/// Letters and digits alone: not every implementation takes the other two ice-chars.
fn random() -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let letter = || loop {
        // Bytes beyond a multiple of the alphabet would make its first letters likelier.
        let byte = usize::from(rand::random::<u8>() >> 2);
        if let Some(letter) = ALPHABET.get(byte) {
            return char::from(*letter);
        }
    };
    std::iter::repeat_with(letter).take(RANDOM).collect()
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
