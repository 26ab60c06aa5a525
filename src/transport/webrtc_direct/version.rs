//! The versions of the protocol, and the ICE ufrags that carry them. There is no signalling: the server learns the client's
//! credentials from the USERNAME of its first check, `<server ufrag>:<client ufrag>`.
//!
//! | | server's ufrag and password | client's ufrag | client's password |
//! |---|---|---|---|
//! | v1 | `libp2p+webrtc+v1/<random>` | the same | the same |
//! | v2 | `libp2p+webrtc+v2/<client's password>` | its own | its own |

use std::fmt;

/// Random characters of a ufrag or password: 190 bits, and the USERNAME stays below the 128 bytes that `is` writes.
const RANDOM: usize = 32;

/// The version of the protocol. Browsers are about to refuse what version 1 does to their ICE credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// The dialer changes its own ICE credentials.
    V1,
    /// The dialer keeps them and tells its password in the server's.
    V2,
}

impl Version {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::V1 => Self::V2,
            Self::V2 => Self::V1,
        }
    }

    /// What the server's ufrag begins with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::V1 => "libp2p+webrtc+v1/",
            Self::V2 => "libp2p+webrtc+v2/",
        }
    }

    /// The server's ufrag, which is its password too: of the client's password in version 2, of a random text in version 1.
    pub fn server_ufrag(self, rest: &str) -> String {
        format!("{}{rest}", self.prefix())
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

/// A fresh ufrag or password. Letters and digits alone: not every implementation takes the other two ice-chars.
pub fn random() -> String {
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
