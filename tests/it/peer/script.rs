//! What a scripted libp2p node does at each step. The default is a healthy one.

use super::rust_webrtc::Breaks;
use crate::certificate::WebCertificate;
use serde::Deserialize;
use std::net::Ipv4Addr;

#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Script {
    pub transport: Transport,
    /// Of a `wss` listener.
    pub certificate: WebCertificate,
    /// Of a `quic` listener.
    pub alpn: String,
    pub key: Key,
    /// Offered in multistream-select.
    pub security: Vec<String>,
    pub muxers: Vec<String>,
    /// Answers the noise handshake with a well-framed message of no meaning.
    pub noise_garbage: bool,
    /// Over webrtc-direct: hears checks of this version alone, `v1` or `v2`.
    pub speaks: Option<String>,
    /// Over webrtc-direct: answers DTLS with this alert.
    pub alert: Option<u8>,
    /// Over webrtc-direct: it is as listeners of libp2p-webrtc 0.10.0-alpha are, whose handshake breaks like this.
    pub as_libp2p_webrtc: Option<Breaks>,
    /// Sends a WebSocket text frame before anything else.
    pub text_frame: bool,
    /// Closes in order once this step is done.
    pub closes_after: Option<Step>,
    /// Does nothing more once this step is done.
    pub hangs_after: Option<Step>,
    pub identify: Identify,
    pub ping: Ping,
    /// It is a relay.
    pub hop: Option<Hop>,
    /// It answers AutoNAT, in the versions that its identify names.
    pub autonat: Option<Autonat>,
    /// Behind a relay: it begins to punch a hole to who dials it, and listens over TCP on a port of its own.
    pub punch: Option<Punch>,
    /// Opens streams without end on every connection, and sends on them.
    pub floods: bool,
    /// Where it listens over webrtc-direct: Firefox does none of it over loopback.
    pub ip: Ipv4Addr,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            transport: Transport::Tcp,
            certificate: WebCertificate::Valid,
            alpn: "libp2p".into(),
            key: Key::Ed25519,
            security: vec!["/noise".into(), "/tls/1.0.0".into()],
            muxers: vec!["/yamux/1.0.0".into()],
            noise_garbage: false,
            speaks: None,
            alert: None,
            as_libp2p_webrtc: None,
            text_frame: false,
            closes_after: None,
            hangs_after: None,
            identify: Identify::default(),
            ping: Ping::Echo,
            hop: None,
            autonat: None,
            punch: None,
            floods: false,
            ip: Ipv4Addr::LOCALHOST,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    Tcp,
    Ws,
    Wss,
    Quic,
    WebrtcDirect,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    Ed25519,
    Secp256k1,
    Ecdsa,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Over webrtc-direct: connectivity checks are answered.
    Connect,
    Dtls,
    Channel,
    Secure,
    Multiplex,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Identify {
    pub does: Identifies,
    pub agent: String,
    pub protocols: Vec<String>,
    /// `{port}` is its own, and `{certhash}` over webrtc-direct.
    pub announced: Vec<String>,
    /// Announces ports 1 to this number of 127.0.0.1 as well.
    pub announced_ports: u16,
}

impl Default for Identify {
    fn default() -> Self {
        Self {
            does: Identifies::Answer,
            agent: "scripted/1.0".into(),
            protocols: vec!["/ipfs/id/1.0.0".into(), "/ipfs/ping/1.0.0".into()],
            announced: Vec::new(),
            announced_ports: 0,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identifies {
    Answer,
    /// A valid answer in three messages, as go-libp2p sends a long one.
    InPieces,
    Missing,
    Hang,
    Malformed,
    /// Longer than any reader takes.
    TooLarge,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ping {
    Echo,
    Missing,
    Hang,
    WrongEcho,
}

/// A relay, and who is behind it.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hop {
    pub does: Hops,
    /// What it answers to CONNECT; 100 joins the dialer to the target.
    pub status: u32,
    /// The limits that it names: seconds and bytes.
    pub duration: Option<u32>,
    pub data: Option<u64>,
    pub target: Box<Script>,
}

impl Default for Hop {
    fn default() -> Self {
        Self { does: Hops::Answer, status: 100, duration: None, data: None, target: Box::default() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hops {
    Answer,
    /// Byte by byte.
    Drip,
    Hang,
    /// Ends the stream instead of an answer.
    Close,
    /// Ends the stream within its answer.
    CloseMidway,
    /// Ends the whole connection instead of an answer.
    Leave,
    Malformed,
    /// Answers with a message that is none of an answer.
    Misplaced,
    /// Answers with a message that has no status.
    WithoutStatus,
    TooLarge,
}

/// A server of AutoNAT. It dials TCP alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Autonat {
    pub does: Autonats,
    /// What it answers, and in version 2 how the dial went.
    pub status: u32,
    pub dial: u32,
    /// What it answers in version 1, where it speaks both.
    pub first: Option<u32>,
    /// What it says beside that, and the address that it names, in version 1.
    pub text: String,
    pub over: Option<String>,
    /// Bytes that it wants to be sent first.
    pub data: u64,
    pub dials: DialsBack,
}

impl Default for Autonat {
    fn default() -> Self {
        Self {
            does: Autonats::Answer,
            status: 200,
            dial: 200,
            first: None,
            text: String::new(),
            over: None,
            data: 0,
            dials: DialsBack::Number,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Autonats {
    Answer,
    Hang,
    /// Ends the stream instead of an answer.
    Close,
    /// Ends the whole connection instead of an answer.
    Leave,
    Malformed,
    /// Answers with a message that is none of an answer.
    Misplaced,
    /// Answers with a message of a gigabyte, without end.
    Flood,
    /// Wants one more byte again and again.
    Wishes,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DialsBack {
    /// It says that it did.
    Never,
    Number,
    /// Only when its answer has been read.
    Late,
    WrongNumber,
    /// Brings the number and never lets go.
    Holds,
    /// Only in version 1, which knows no number; in the other it says how that went and does not dial.
    InFirst,
    /// The last of the addresses, and answers for the first.
    Last,
}

/// Rounds of a hole punch.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Punch {
    pub rounds: Vec<Round>,
    /// Another peer listens where it says that it does.
    pub impostor: bool,
    /// Its own, known once it listens.
    #[serde(skip)]
    pub port: u16,
}

/// One round.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Round {
    pub does: Begins,
    /// Where it says that it is; `{port}` is its own port.
    pub addresses: Vec<String>,
    /// It names ports 1 to this number of 127.0.0.1 as well.
    pub ports: u16,
    /// How late its SYNC is, in milliseconds.
    pub late_ms: u64,
}

impl Default for Round {
    fn default() -> Self {
        Self { does: Begins::Sync, addresses: vec!["/ip4/127.0.0.1/tcp/{port}".into()], ports: 0, late_ms: 0 }
    }
}

/// How it begins a round.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Begins {
    /// As it should.
    Sync,
    /// Opens a stream and sends nothing.
    Hang,
    /// Sends CONNECT, and never SYNC.
    NeverSync,
    /// Sends SYNC instead of CONNECT.
    SyncFirst,
    Malformed,
    /// Ends the stream instead of SYNC.
    Close,
}
