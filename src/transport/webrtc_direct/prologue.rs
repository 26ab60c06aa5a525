//! What binds the Noise handshake to the DTLS connection below it (libp2p specs, webrtc/webrtc-direct.md, "Connection
//! Security").

use super::certhash::Fingerprint;

const PREFIX: &[u8] = b"libp2p-webrtc-noise:";

/// The prologue for the handshake on data channel 0. The server initiates that handshake.
pub fn prologue(client: &Fingerprint, server: &Fingerprint) -> Vec<u8> {
    let mut bytes = PREFIX.to_vec();
    bytes.extend(client.multihash().to_bytes());
    bytes.extend(server.multihash().to_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn fingerprint(text: &str) -> Fingerprint {
        Fingerprint::new(hex(text).try_into().unwrap())
    }

    /// The test vector of the specification.
    #[test]
    fn it_is_that_of_the_specification() {
        let client = fingerprint("3e79af40d6059617a0d83b83a52ce73b0c1f37a72c6043ad2969e2351bdca870");
        let server = fingerprint("30fc9f469c207419dfdd0aab5f27a86c973c94e40548db9375cca2e915973b99");
        let expected = "6c69627032702d7765627274632d6e6f6973653a12203e79af40d6059617a0d83b83a52ce73b0c1f37a72c6043ad2969e2351bdca870122030fc9f469c207419dfdd0aab5f27a86c973c94e40548db9375cca2e915973b99";
        assert_eq!(prologue(&client, &server), hex(expected));
    }
}
