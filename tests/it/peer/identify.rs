//! The identify answer, as the specification has it, whole, in pieces or broken.

use super::script::{Identifies, Identify};
use libp2p_identity::PublicKey;
use multiaddr::Multiaddr;
use prost::Message;

/// More than the 64 KiB that a reader has to take.
const TOO_LARGE: usize = 70_000;

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(bytes = "vec", optional, tag = "1")]
    public_key: Option<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    listen_addrs: Vec<Vec<u8>>,
    #[prost(string, repeated, tag = "3")]
    protocols: Vec<String>,
    #[prost(bytes = "vec", optional, tag = "4")]
    observed_addr: Option<Vec<u8>>,
    #[prost(string, optional, tag = "5")]
    protocol_version: Option<String>,
    #[prost(string, optional, tag = "6")]
    agent_version: Option<String>,
}

/// The bytes to send: one or more length-delimited messages.
pub fn answer(script: &Identify, key: &PublicKey, port: u16, observed: &Multiaddr) -> Vec<u8> {
    let whole = Answer {
        public_key: Some(key.encode_protobuf()),
        listen_addrs: announced(script, port),
        protocols: script.protocols.clone(),
        observed_addr: Some(observed.to_vec()),
        protocol_version: Some("scripted/0.1.0".into()),
        agent_version: Some(script.agent.clone()),
    };
    match script.does {
        Identifies::InPieces => pieces(whole),
        // A length of ten, then a field of a wire type that does not exist.
        Identifies::Malformed => [&[10][..], &[0xFF; 10]].concat(),
        Identifies::TooLarge => {
            let agent_version = Some("x".repeat(TOO_LARGE));
            Answer { agent_version, ..whole }.encode_length_delimited_to_vec()
        }
        _ => whole.encode_length_delimited_to_vec(),
    }
}

fn pieces(whole: Answer) -> Vec<u8> {
    let addresses = Answer { listen_addrs: whole.listen_addrs, ..Answer::default() };
    let protocols = Answer { protocols: whole.protocols, ..Answer::default() };
    let rest = Answer { listen_addrs: Vec::new(), protocols: Vec::new(), ..whole };
    [rest, addresses, protocols].iter().flat_map(Message::encode_length_delimited_to_vec).collect()
}

fn announced(script: &Identify, port: u16) -> Vec<Vec<u8>> {
    let named = script.announced.iter().map(|address| address.replace("{port}", &port.to_string()));
    let counted = (1..=script.announced_ports).map(|port| format!("/ip4/127.0.0.1/tcp/{port}"));
    let parse = |address: String| address.parse::<Multiaddr>().expect("a multiaddr").to_vec();
    named.chain(counted).map(parse).collect()
}
