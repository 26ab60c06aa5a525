//! The session descriptions of a browser (RFC 8866; RFC 8841 for data channels). There is no signalling: the dialer writes the
//! server's answer itself, from the address (libp2p specs, webrtc/webrtc-direct.md, "Connection Establishment").

use std::fmt;
use std::net::SocketAddr;

use super::certhash::Fingerprint;
use super::framing::MAX_MESSAGE;

/// The port of SCTP inside DTLS; every implementation has this one.
const SCTP_PORT: u16 = 5000;

/// The offer as version 1 wants it: our ufrag and password are the server's.
pub fn with_credentials(offer: &str, ufrag: &str) -> String {
    let mut changed = String::with_capacity(offer.len() + 2 * ufrag.len());
    for line in offer.split_inclusive('\n') {
        let own = ["a=ice-ufrag:", "a=ice-pwd:"].into_iter().find(|name| line.starts_with(name));
        match own {
            Some(name) => changed.extend([name, ufrag, "\r\n"]),
            None => changed.push_str(line),
        }
    }
    changed
}

/// The ICE password of a description.
pub fn password(description: &str) -> Option<&str> {
    attribute(description, "ice-pwd")
}

/// The SHA-256 of the certificate that a description promises.
pub fn fingerprint(description: &str) -> Option<Fingerprint> {
    let (hash, digits) = attribute(description, "fingerprint")?.split_once(' ')?;
    if !hash.eq_ignore_ascii_case("sha-256") {
        return None;
    }
    let bytes: Option<Vec<u8>> = digits.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    Some(Fingerprint::new(bytes?.try_into().ok()?))
}

/// The first value of an attribute.
fn attribute<'a>(description: &'a str, name: &str) -> Option<&'a str> {
    description.lines().find_map(|line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The server's answer to an offer. Displayed as a session description.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Where the server is.
    pub remote: SocketAddr,
    /// Its ufrag, which is its password too.
    pub ufrag: &'a str,
    /// The certificate that it has to show. Of several, browsers look at all of them or at the last alone.
    pub fingerprint: &'a Fingerprint,
    /// The offer.
    pub offer: &'a str,
}

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ip, port) = (self.remote.ip(), self.remote.port());
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let mid = attribute(self.offer, "mid").unwrap_or("0");
        write!(f, "v=0\r\no=- 0 0 IN {family} {ip}\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n")?;
        write!(f, "m=application {port} UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN {family} {ip}\r\na=mid:{mid}\r\n")?;
        write!(f, "a=ice-options:ice2\r\na=ice-ufrag:{0}\r\na=ice-pwd:{0}\r\n", self.ufrag)?;
        write!(f, "a=fingerprint:sha-256 {}\r\n", Colons(self.fingerprint))?;
        write!(f, "a=setup:passive\r\na=sctp-port:{SCTP_PORT}\r\na=max-message-size:{MAX_MESSAGE}\r\n")?;
        write!(f, "a=candidate:1 1 UDP 1 {ip} {port} typ host\r\na=end-of-candidates\r\n")
    }
}

/// A fingerprint as descriptions have it: `AB:CD:…`.
struct Colons<'a>(&'a Fingerprint);

impl fmt::Display for Colons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.digest().iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As browsers write it, shortened.
    const OFFER: &str = "v=0\r\no=- 5 2 IN IP4 127.0.0.1\r\na=group:BUNDLE data\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
        a=ice-ufrag:ZJX6\r\na=ice-pwd:s3iaR5kNdSin3uYNj4pDTAgZ\r\na=ice-options:trickle\r\n\
        a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:FF\r\n\
        a=setup:actpass\r\na=mid:data\r\n";

    fn digest() -> [u8; 32] {
        std::array::from_fn(|at| if at == 31 { 255 } else { u8::try_from(at).unwrap() })
    }

    #[test]
    fn an_offer_tells_what_is_needed_of_it() {
        assert_eq!(password(OFFER), Some("s3iaR5kNdSin3uYNj4pDTAgZ"));
        assert_eq!(fingerprint(OFFER), Some(Fingerprint::new(digest())));
    }

    #[test]
    fn what_an_offer_does_not_tell_is_none() {
        for text in [
            "",
            "a=fingerprint:sha-256 00:01\r\n",
            "a=fingerprint:sha-512 00\r\n",
            "a=fingerprint:sha-256 x\r\n",
            "a=ice-pwd\r\n",
        ] {
            assert_eq!((password(text), fingerprint(text)), (None, None), "{text}");
        }
    }

    #[test]
    fn version_1_changes_the_credentials_alone() {
        let changed = with_credentials(OFFER, "libp2p+webrtc+v1/abc");
        let differing: Vec<_> = changed.lines().zip(OFFER.lines()).filter(|(new, old)| new != old).map(|(new, _)| new).collect();
        assert_eq!(differing, ["a=ice-ufrag:libp2p+webrtc+v1/abc", "a=ice-pwd:libp2p+webrtc+v1/abc"]);
        assert_eq!(changed.lines().count(), OFFER.lines().count());
    }

    #[test]
    fn an_answer_is_made_of_the_address() {
        let fingerprint = Fingerprint::new(digest());
        let remote = "[2001:db8::1]:4001".parse().unwrap();
        let answer = Answer { remote, ufrag: "libp2p+webrtc+v2/secret", fingerprint: &fingerprint, offer: OFFER }.to_string();
        for line in [
            "m=application 4001 UDP/DTLS/SCTP webrtc-datachannel",
            "c=IN IP6 2001:db8::1",
            "a=mid:data",
            "a=ice-ufrag:libp2p+webrtc+v2/secret",
            "a=ice-pwd:libp2p+webrtc+v2/secret",
            "a=max-message-size:16384",
            "a=candidate:1 1 UDP 1 2001:db8::1 4001 typ host",
        ] {
            assert!(answer.lines().any(|found| found == line), "{line}\n{answer}");
        }
        // And reads as the offer does.
        assert_eq!(password(&answer), Some("libp2p+webrtc+v2/secret"));
        assert_eq!(super::fingerprint(&answer), Some(fingerprint));
        assert!(answer.lines().all(|line| line.len() > 2 && line.as_bytes()[1] == b'='), "{answer}");
    }
}
