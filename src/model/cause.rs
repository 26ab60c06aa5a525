//! Why something failed: one closed table. The enum, its JSON form, the schema and the pages of `explain` are made
//! from it. A doc comment here is what a user reads: what it means, what usually makes it, what to do.

use std::collections::BTreeMap;

use super::{
    Page, StageName,
    StageName::{
        Channel, Connect, DcutrConnect, DcutrSync, Direct, Dtls, Hop, Identify, Multiplex, Ping, Resolve, Secure, Tls, Upgrade,
    },
    Stamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every stage: what may happen at any time.
const ANY: &[StageName] =
    &[Resolve, Connect, Tls, Dtls, Channel, Upgrade, Hop, DcutrConnect, DcutrSync, Direct, Secure, Multiplex, Identify, Ping];

macro_rules! causes {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident $( { $( $(#[$fmeta:meta])+ $field:ident : $ty:ty ),+ $(,)? } )? = $code:literal, $brief:literal, $stages:expr;
    )+) => {
        /// Why something failed. In JSON: `{"code": "…"}` and the fields of the code.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "code")]
        pub enum Cause {
            $( $(#[doc = $doc])+ #[serde(rename = $code)] $variant $( { $( $(#[$fmeta])+ $field: $ty ),+ } )?, )+
            /// A code that this version does not know, as it was read.
            #[serde(untagged)]
            Unrecognised(BTreeMap<String, serde_json::Value>),
        }

        impl Cause {
            /// The table, in the order of the path a dial takes.
            pub const PAGES: &'static [Page] = &[ $( Page {
                code: $code, family: "cause", brief: $brief, fields: &[ $( $( stringify!($field) ),+ )? ], stages: $stages, text: &[ $($doc),+ ],
            } ),+ ];

            /// The code as reports carry it.
            #[must_use]
            pub fn code(&self) -> &str {
                match self {
                    $( Self::$variant $( { $( $field: _ ),+ } )? => $code, )+
                    Self::Unrecognised(members) => members.get("code").and_then(serde_json::Value::as_str).unwrap_or("unrecognised"),
                }
            }

            /// The stages in which it may occur; none where it is known before a dial, or the code is not known.
            #[must_use]
            pub fn stages(&self) -> &'static [StageName] {
                match self {
                    $( Self::$variant $( { $( $field: _ ),+ } )? => $stages, )+
                    Self::Unrecognised(_) => &[],
                }
            }

            /// A few words for one line; the code itself where it is not known.
            #[must_use]
            pub fn brief(&self) -> &str {
                match self {
                    $( Self::$variant $( { $( $field: _ ),+ } )? => $brief, )+
                    Self::Unrecognised(_) => self.code(),
                }
            }
        }
    };
}

causes! {
    /// The step did not end within the time for one attempt (`--timeout`). The stage that carries it is the one that hung.
    /// At connect over TCP: a firewall drops the packets, or the machine is off; a closed port would refuse at once.
    /// At connect over UDP: something came back, but no answer that QUIC or webrtc-direct could go on with; where nothing came
    /// it is `udp-silent`.
    /// Later: the other side accepted and then fell silent, often because it is overloaded or waits for another protocol.
    TimedOut = "timed-out", "timed out", ANY;
    /// The other side closed the connection in this step, in an orderly way. Right after connect: a proxy or load balancer
    /// whose backend is down, a connection limit, or a list of blocked addresses. In secure: often a node that refuses this peer.
    Closed = "closed", "the other side closed the connection", ANY;
    /// The connection was reset in this step: a firewall that interferes, a crashed process, or a limit of the other side.
    Reset = "reset", "the connection was reset", ANY;
    /// The run was interrupted while this step went on; nothing can be said about the peer.
    Interrupted = "interrupted", "interrupted", ANY;

    /// The address has a part that p2p-probe cannot dial: a retired protocol such as draft-29 `/quic` or `/p2p-webrtc-star`,
    /// a transport outside libp2p's common ones such as `/onion3` or `/unix`, or no transport at all.
    /// For `/quic` use `/quic-v1`: current nodes listen on that. Or it leads to nobody: port 0 and `0.0.0.0` are for listening,
    /// and a multicast or broadcast address is not one machine's.
    UnsupportedAddress {
        /// The part that cannot be dialed: `/quic`, `/ip4/0.0.0.0`.
        part: String,
    } = "unsupported-address", "an address that cannot be dialed", &[];
    /// The address names a peer behind a relay without naming the relay's own address.
    NeedsRelay = "needs-relay", "the relay's address is missing", &[];
    /// The address has no `/certhash`, which webrtc-direct and WebTransport need to know the certificate.
    CerthashMissing = "certhash-missing", "no certhash in the address", &[];

    /// DNS answers that the name does not exist (NXDOMAIN). Check its spelling and its zone.
    NameNotFound = "name-not-found", "no such name", &[Resolve];
    /// The name exists, but has no record of the kind asked for: no A for `/dns4`, no AAAA for `/dns6`, no `dnsaddr=` TXT for `/dnsaddr`.
    NameHasNoAddress {
        /// What was asked for: `ipv4`, `ipv6`, `any`, `dnsaddr`.
        family: String,
    } = "name-has-no-address", "the name has no such address", &[Resolve];
    /// The look-up itself failed: the resolver answered with an error, or could not be reached. It says nothing about the peer.
    /// Try another resolver with `--resolver`.
    NameLookupFailed {
        /// The DNS response code, `SERVFAIL`; null when there was no usable answer.
        rcode: Option<String>,
    } = "name-lookup-failed", "the look-up failed", &[Resolve];
    /// A `/dnsaddr` led to another, more than four deep, or in a circle. Other clients stop as well: mend the records.
    DnsaddrTooDeep = "dnsaddr-too-deep", "dnsaddr records nested too deep", &[Resolve];
    /// A name led to more than 100 addresses; the rest was not looked at.
    TooManyAddresses = "too-many-addresses", "more than 100 addresses behind the name", &[Resolve];

    /// The machine answered that nothing listens on this port. The machine is up and the packet arrived: the node is not running,
    /// listens on another port or address, or its port is not published by its container. Some firewalls answer this way too.
    Refused = "refused", "connection refused", &[Connect, Direct];
    /// A router, or the own system, answered that there is no way there.
    Unreachable {
        /// `host` or `network`.
        what: String,
    } = "unreachable", "no route", &[Connect, Direct];
    /// The own system forbade the packet: a local firewall rule or a sandbox.
    ForbiddenLocally = "forbidden-locally", "forbidden by this machine", &[Connect, Direct];
    /// Not one datagram came back. UDP tells no difference between a firewall that drops, a wrong port and a machine that is off.
    /// If TCP works on the same host, UDP is most likely not open: check firewall, container (`-p 4001:4001/udp`) and cloud rules.
    UdpSilent = "udp-silent", "no answer over UDP", &[Connect, Direct];
    /// The QUIC handshake failed. TLS alert 120 means that the server does not speak libp2p there (no common ALPN).
    QuicFailed {
        /// The TLS alert number; null where the handshake failed otherwise.
        alert: Option<u8>,
    } = "quic-failed", "the QUIC handshake failed", &[Connect, Direct];
    /// Something else than libp2p answers on this port.
    NotLibp2p {
        /// What it speaks: `SSH`, `HTTP`, `TLS`, …; null where the bytes do not tell.
        speaks: Option<String>,
    } = "not-libp2p", "something else than libp2p answers", &[Connect, Secure, Multiplex, Direct];
    /// A libp2p node answers, but proves another peer ID than the address names: the node has a new identity, the address is stale,
    /// or another node has taken over the IP address and port.
    WrongPeer {
        /// The peer ID that answered.
        actual: String,
    } = "wrong-peer", "another peer answers", &[Connect, Secure, Direct];
    /// The peer's key is of a type that p2p-probe cannot verify.
    UnsupportedKey {
        /// The key type, as far as it can be told.
        kind: String,
    } = "unsupported-key", "a key type that is not supported", &[Connect, Secure, Direct];
    /// The own system could not do its part: no buffer, no free port, a bind address that it does not have. The peer is not to blame.
    LocalFault {
        /// The error number of the system; null where there is none.
        errno: Option<i32>,
    } = "local-fault", "this machine could not do it", ANY;

    /// The TLS certificate is past its date. Renew it; if a renewal runs on its own (AutoTLS, ACME), see why it stopped.
    CertificateExpired {
        /// When it ended; null where the platform does not tell.
        not_after: Option<Stamp>,
    } = "certificate-expired", "the certificate has expired", &[Tls];
    /// The TLS certificate begins in the future. Check the clocks of both machines.
    CertificateNotYetValid {
        /// When it begins; null where the platform does not tell.
        not_before: Option<Stamp>,
    } = "certificate-not-yet-valid", "the certificate is not yet valid", &[Tls];
    /// The TLS certificate is for other names than the one dialed. A `/wss` address with a literal IP needs a certificate with that IP
    /// in it, which is rare: use the name (`/dns4/…`) that the certificate holds.
    CertificateWrongName {
        /// The names that the certificate holds.
        names: Vec<String>,
    } = "certificate-wrong-name", "the certificate is for another name", &[Tls];
    /// No root that this machine trusts signed the TLS certificate: self-signed, a private authority, or an incomplete chain.
    /// Browsers refuse it without saying why.
    CertificateUntrusted {
        /// Who signed it.
        issuer: Option<String>,
    } = "certificate-untrusted", "the certificate is not trusted", &[Tls];
    /// The port does not speak TLS. If it is a plain WebSocket the address is `/ws`, not `/wss`.
    NotTls {
        /// What it speaks instead, null where the bytes do not tell.
        speaks: Option<String>,
    } = "not-tls", "the port does not speak TLS", &[Tls];
    /// The TLS handshake failed.
    TlsFailed {
        /// The TLS alert, by its name in RFC 8446; null where there was none.
        alert: Option<String>,
    } = "tls-failed", "the TLS handshake failed", &[Tls];

    /// An HTTP server answers the WebSocket upgrade with another status than 101: the proxy in front does not pass upgrades to the node
    /// (nginx: `proxy_http_version 1.1` and the `Upgrade` and `Connection` headers), or the path or the host name is another one.
    HttpStatus {
        /// The status.
        status: u16,
        /// Where a redirect leads; null without one.
        location: Option<String>,
    } = "http-status", "HTTP answers, but not with an upgrade", &[Upgrade];
    /// The port does not speak HTTP, so no WebSocket can begin. If it is plain libp2p over TCP, leave `/ws` out.
    NotHttp {
        /// What it speaks instead; null where the bytes do not tell.
        speaks: Option<String>,
    } = "not-http", "the port does not speak HTTP", &[Upgrade];
    /// The other side broke the WebSocket protocol (RFC 6455).
    WebsocketFailed {
        /// The rule broken.
        what: String,
    } = "websocket-failed", "broken WebSocket protocol", &[Upgrade, Secure, Multiplex];

    /// Both sides speak multistream-select, but the other side accepts none of the protocols offered for this step.
    /// In secure: neither `/noise` nor `/tls/1.0.0`. In multiplex: no `/yamux/1.0.0`; a node with mplex alone is too old.
    /// In direct: the peer names no address of a transport over which a hole could be punched.
    NoCommonProtocol {
        /// What we offered; null where it is not told.
        offered: Option<Vec<String>>,
    } = "no-common-protocol", "no common protocol", &[Secure, Multiplex, Direct];
    /// The cryptographic handshake broke: garbage or a forged message in the middle of it.
    HandshakeFailed {
        /// What broke.
        what: String,
        /// The number of the TLS alert that the other side sent (`/tls/1.0.0`); null where there was none.
        alert: Option<u8>,
    } = "handshake-failed", "the secure handshake failed", &[Connect, Secure, Multiplex, Direct];

    /// The server shows another certificate than the address promises: the certificate was rotated and the address is stale.
    CertHashMismatch {
        /// The certhash of the certificate shown, as multibase.
        actual: String,
    } = "cert-hash-mismatch", "another certificate than the address promises", &[Connect, Dtls];
    /// The DTLS handshake failed.
    DtlsFailed {
        /// The alert number; null where there was none.
        alert: Option<u8>,
    } = "dtls-failed", "the DTLS handshake failed", &[Dtls];
    /// The SCTP association or its first data channel did not come about.
    ChannelFailed {
        /// What failed.
        what: String,
    } = "channel-failed", "no data channel", &[Channel];

    /// The peer does not offer this protocol.
    ProtocolNotSupported = "protocol-not-supported", "the peer does not offer it", &[Hop, DcutrConnect, Identify, Ping];
    /// The peer's message cannot be read, or is not the one expected.
    Malformed = "malformed", "a malformed message", &[Hop, DcutrConnect, DcutrSync, Identify, Ping];
    /// The peer's message is larger than p2p-probe reads.
    TooLarge = "too-large", "a message too large", &[Hop, DcutrConnect, Identify];

    /// The browser hides why it failed. `p2p-probe dial` in a terminal tells more.
    Opaque = "opaque", "the browser hides the reason", ANY;
    /// A page loaded over HTTPS may not open an insecure WebSocket (`ws:`). Use a `/wss` address.
    MixedContent = "mixed-content", "an HTTPS page may not use ws:", &[Upgrade];
    /// The browser asks for permission before a page may reach the local network.
    PermissionNeeded = "permission-needed", "the browser wants permission", &[Connect, Upgrade];
    /// The browser refuses to change ICE credentials, which webrtc-direct version 1 needs: the peer has to offer version 2. Unless
    /// version 1 alone was wanted, version 2 was asked for and not answered, and version 1 could not be asked for here: the peer may
    /// speak that one alone, or answer nobody. `p2p-probe dial` in a terminal tells which.
    IceCredentialsRefused = "ice-credentials-refused", "the browser cannot ask in version 1 of WebRTC", &[Connect];

    /// The relay has no reservation of the target: it is not connected to this relay, or its reservation ran out.
    RelayNoReservation = "relay-no-reservation", "the target has no reservation at this relay", &[Hop];
    /// The relay refused. Status 200: it gives no slot, since it is full, for this address or in all, or was asked too often.
    RelayRefused {
        /// Its status code (circuit relay v2).
        status: u32,
    } = "relay-refused", "the relay refused", &[Hop];
    /// The relay does not permit this peer.
    RelayDenied = "relay-denied", "the relay denies this peer", &[Hop];
    /// A limit of the relay: it is full, for this peer or in all, or a connection through it has used up the time or the bytes
    /// that the relay allows each.
    RelayLimit = "relay-limit", "a limit of the relay is reached", &[Hop, Secure, Multiplex, Identify, DcutrConnect, DcutrSync, Ping];
    /// The relay could not open a connection to the target.
    RelayTargetFailed = "relay-target-failed", "the relay cannot reach the target", &[Hop];
    /// A vantage point dialed this machine and did not get through. AutoNAT does not say why: a NAT or a firewall on the way dropped or
    /// refused it, or nothing listens there.
    DialFailed = "dial-failed", "the dial from outside did not get through", &[];
    /// No gateway answers port mapping requests.
    NoGateway = "no-gateway", "no gateway answers", &[];
    /// The gateway refused to map a port.
    GatewayRefused {
        /// Its error code.
        error: u32,
    } = "gateway-refused", "the gateway refused", &[];
}

impl Cause {
    /// What `handshake-failed` tells of a Noise message that does not decrypt or is none.
    pub const UNREADABLE: &str = "a noise message that cannot be read";

    /// Whether the fault lies with this machine or this run, so that it says nothing about the peer.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::LocalFault { .. } | Self::ForbiddenLocally | Self::Interrupted | Self::Opaque)
    }
}
