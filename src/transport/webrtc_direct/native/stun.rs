//! STUN binding requests and answers (RFC 8489) as far as a listener's gate needs them: whoever does not get past it costs
//! nothing. Beyond the gate `is` reads them again. And checks that `is` does not make.

pub(super) mod made;

use is::{DefaultSha1HmacProvider, Sha1HmacProvider};

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const PRIORITY: u16 = 0x0024;
const FINGERPRINT: u16 = 0x8028;
/// What RFC 8489, section 14.7 changes a CRC by.
const FINGERPRINT_XOR: u32 = 0x5354_554e;
/// Type, length and HMAC-SHA1.
const INTEGRITY_LENGTH: usize = 4 + 20;

/// RFC 8839 allows ufrags of 256 characters: two and a colon.
const MAX_USERNAME: usize = 513;

/// Attributes of a message that is looked at: ICE uses six.
const MAX_ATTRIBUTES: usize = 24;

/// A binding request whose form is right. Whether it is to be believed [`Request::is_signed_by`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request<'a> {
    bytes: &'a [u8],
    pub(super) username: &'a str,
    /// Where the MESSAGE-INTEGRITY begins.
    signed: usize,
}

/// Whether a datagram is of the STUN class (RFC 7983).
pub(super) fn is_stun(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|byte| *byte <= 3)
}

impl<'a> Request<'a> {
    /// Reads a binding request with USERNAME, PRIORITY and MESSAGE-INTEGRITY; anything else is none.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.get(..HEADER)?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if header[..2] != [0, 1] || header[4..8] != COOKIE || length % 4 != 0 || bytes.len() != HEADER + length {
            return None;
        }
        let (mut username, mut priority, mut signed) = (None, false, None);
        for (kind, at, value) in (Attributes { bytes, at: HEADER }).take(MAX_ATTRIBUTES) {
            match kind {
                // What follows the integrity is not signed by it; of it the fingerprint alone counts.
                _ if signed.is_some() && kind != FINGERPRINT => {}
                USERNAME if username.is_none() && value.len() <= MAX_USERNAME => username = std::str::from_utf8(value).ok(),
                PRIORITY => priority = value.len() == 4,
                MESSAGE_INTEGRITY if value.len() == 20 => signed = Some(at),
                USERNAME | MESSAGE_INTEGRITY => return None,
                FINGERPRINT if at + 8 != bytes.len() || value != fingerprint(&bytes[..at]) => return None,
                _ => {}
            }
        }
        priority.then_some(())?;
        Some(Self { bytes, username: username?, signed: signed? })
    }

    /// Whether the request was signed with this password.
    pub(super) fn is_signed_by(&self, password: &str) -> bool {
        is_signed(self.bytes, self.signed, password)
    }
}

/// Whether the good answer to a check was signed with this password.
pub(super) fn is_answer_signed_by(bytes: &[u8], password: &str) -> bool {
    let signed = || (Attributes { bytes, at: HEADER }).take(MAX_ATTRIBUTES).find(|(kind, ..)| *kind == MESSAGE_INTEGRITY);
    bytes.starts_with(&[1, 1]) && signed().is_some_and(|(_, at, _)| is_signed(bytes, at, password))
}

fn is_signed(bytes: &[u8], at: usize, password: &str) -> bool {
    let Some(theirs) = bytes.get(at + 4..at + INTEGRITY_LENGTH) else { return false };
    let ours = integrity(&bytes[..at], password);
    // The same time for every difference, so that no byte can be guessed by it.
    ours.iter().zip(theirs).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

struct Attributes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let head = self.bytes.get(self.at..self.at + 4)?;
        let (kind, length) = (u16::from_be_bytes([head[0], head[1]]), usize::from(u16::from_be_bytes([head[2], head[3]])));
        let at = self.at;
        let value = self.bytes.get(at + 4..at + 4 + length)?;
        self.at = at + 4 + length.next_multiple_of(4);
        Some((kind, at, value))
    }
}

/// HMAC-SHA1 over what comes before, with a length that reaches to the end of the integrity itself.
fn integrity(before: &[u8], password: &str) -> [u8; 20] {
    let length = u16::try_from(before.len() + INTEGRITY_LENGTH - HEADER).unwrap_or(u16::MAX).to_be_bytes();
    DefaultSha1HmacProvider.sha1_hmac(password.as_bytes(), &[&before[..2], &length, &before[4..]])
}

/// CRC-32 (ISO 3309) of what comes before, changed so that it is never that of another protocol.
fn fingerprint(before: &[u8]) -> [u8; 4] {
    let crc = before.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    });
    (!crc ^ FINGERPRINT_XOR).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::made::request;
    use super::*;

    /// RFC 5769, section 2.1.
    const SAMPLE: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\x00\x06\x00\x09evtj:h6vY\x20\x20\x20\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\x80\x28\x00\x04\xe5\x7a\x3b\xcf";

    #[test]
    fn the_sample_of_the_rfc_is_read() {
        let request = Request::parse(SAMPLE).unwrap();
        assert_eq!(request.username, "evtj:h6vY");
        assert!(request.is_signed_by("VOkJxbRl1RmTxUk/WvJxBt"));
        assert!(!request.is_signed_by("VOkJxbRl1RmTxUk/WvJxBu"));
    }

    #[test]
    fn what_is_cut_or_changed_is_no_request() {
        let whole = request("server:client", "password");
        assert!(Request::parse(&whole).unwrap().is_signed_by("password"));
        for length in 0..whole.len() {
            assert_eq!(Request::parse(&whole[..length]), None, "{length}");
        }
        // All but the kind and length of the fingerprint, which nothing protects: without it the request is as good.
        let fingerprint = whole.len() - 8;
        for at in (0..fingerprint).chain(fingerprint + 4..whole.len()) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let believed = Request::parse(&changed).is_some_and(|request| request.is_signed_by("password"));
            assert!(!believed, "{at}");
        }
    }

    #[test]
    fn a_long_username_is_read_up_to_its_bound() {
        let name = |length: usize| format!("a:{}", "b".repeat(length - 2));
        assert!(Request::parse(&request(&name(MAX_USERNAME), "x")).is_some());
        assert!(Request::parse(&request(&name(MAX_USERNAME + 1), "x")).is_none());
    }

    #[test]
    fn noise_never_panics() {
        let whole = request("server:client", "password");
        let mut seed = 7_u64;
        for _ in 0..50_000 {
            let mut bytes = whole.clone();
            for _ in 0..4 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(seed >> 40).unwrap() % bytes.len();
                bytes[at] = seed.to_le_bytes()[2];
            }
            if let Some(request) = Request::parse(&bytes) {
                request.is_signed_by("password");
            }
        }
    }
}
