//! What a report comes to, in words. The tables of codes; how they are chosen is in `diagnose`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::codes;

codes! {
    /// The code of a verdict. The order of the table is the rank among mixed failures: the first that applies is named,
    /// since the earlier ones say more about the target and leave less to guess.
    VerdictCode, "verdict", {
        /// Every address of the target that could be tried works.
        Reachable = "reachable", "reachable";
        /// Some of the target's addresses work, others fail.
        PartlyReachable = "partly-reachable", "partly reachable";
        /// A libp2p node answers, but as another peer than the one named.
        WrongPeer = "wrong-peer", "another peer answers";
        /// The certificate in the address is not the one that the peer shows: the address is stale.
        StaleCerthash = "stale-certhash", "the address is stale";
        /// The TLS certificate of the WebSocket address is not valid for it. Strict clients, browsers above all, cannot connect.
        CertificateProblem = "certificate-problem", "the certificate is not valid";
        /// The peer speaks libp2p but shares no security protocol or multiplexer with p2p-probe, or not the version of webrtc-direct
        /// that was asked for.
        NoCommonProtocol = "no-common-protocol", "no common protocol";
        /// Something answers, and it is not libp2p.
        NotLibp2p = "not-libp2p", "not libp2p";
        /// Something answers where a WebSocket is promised, but not with one: an HTTP server or proxy that does not let the
        /// upgrade through, or a port whose address has another form.
        UpgradeRefused = "upgrade-refused", "no WebSocket there";
        /// The connection is made, but the secure handshake fails.
        HandshakeFailed = "handshake-failed", "the handshake fails";
        /// The connection is accepted and then dropped before it can be used: a proxy or load balancer whose backend is down,
        /// a connection limit, or a block list.
        DroppedAfterAccept = "dropped-after-accept", "accepted, then dropped";
        /// The relay stands between and does not let the connection through.
        RelayProblem = "relay-problem", "the relay does not connect";
        /// Something accepts the connection, or answers at all, and then nothing comes that the connection could go on with.
        Stalled = "stalled", "answered, then silent";
        /// The machine answers that nothing listens there.
        Refused = "refused", "nothing listens there";
        /// Nothing answers over UDP, the only transport that was tried.
        UdpUnanswered = "udp-unanswered", "no answer over UDP";
        /// No packet comes back: filtered, or the machine is off.
        Unanswered = "unanswered", "no answer";
        /// The name does not lead to an address.
        NameProblem = "name-problem", "the name does not resolve";
        /// The own network has no way out, so nothing can be said about the target. A machine that lacks only the address
        /// family of the target is `inconclusive`.
        LocalNetworkDown = "local-network-down", "the own network is down";
        /// The address cannot be dialed by anyone, or not by p2p-probe.
        UnsupportedAddress = "unsupported-address", "the address cannot be dialed";
        /// Peers cannot dial this machine: a NAT keeps them out.
        BehindNat = "behind-nat", "behind a NAT";
        /// Peers cannot dial this machine: a NAT of the carrier keeps them out, in which the user cannot forward a port.
        BehindCgnat = "behind-cgnat", "behind a carrier's NAT";
        /// Peers cannot dial this machine: it stands behind two NATs.
        BehindDoubleNat = "behind-double-nat", "behind two NATs";
        /// This machine has a public address, and a firewall drops what peers send to it.
        Firewalled = "firewalled", "a firewall drops what comes in";
        /// UDP does not get out of the own network, and peers cannot dial this machine over TCP either.
        UdpBlocked = "udp-blocked", "UDP does not get out";
        /// None of the target's addresses works, for more than one reason or for one that no other verdict names.
        Unreachable = "unreachable", "not reachable";
        /// Nothing could be told: everything was skipped, hidden or interrupted, or the fault lies here. Also where some
        /// addresses give no answer and others could not be tried, since those may work.
        Inconclusive = "inconclusive", "could not be told";
    }
}

codes! {
    /// The code of a hint: what would help.
    HintCode, "hint", {
        /// Dial the peer that answers, if it is the node you mean.
        UseActualPeer = "use-actual-peer", "use the peer ID that answers";
        /// Start the node, or correct port and address: the machine is up, but nothing listens there.
        CheckListening = "check-listening", "check that the node listens there";
        /// Look for a firewall, cloud rule or missing port forward that drops the packets.
        CheckFirewall = "check-firewall", "check firewalls and port forwards";
        /// Open UDP as well as TCP: firewall, cloud rule and container port each treat them apart.
        CheckUdp = "check-udp", "check that UDP is open";
        /// Renew the certificate.
        RenewCertificate = "renew-certificate", "renew the certificate";
        /// Compare the clocks of both machines.
        CheckClock = "check-clock", "check the clocks";
        /// Dial by a name that the certificate holds, not by IP address or another name.
        DialByName = "dial-by-name", "dial by the certificate's name";
        /// Use a certificate that a public authority signed, with its whole chain.
        UseTrustedCertificate = "use-trusted-certificate", "use a trusted certificate";
        /// Configure the proxy in front to pass the WebSocket upgrade on.
        ConfigureProxy = "configure-proxy", "let the proxy pass upgrades";
        /// Follow the redirect: use the host, port and path that it names.
        FollowRedirect = "follow-redirect", "use the redirect's address";
        /// Use the address form that fits what answers: `/ws` instead of `/wss`, plain `/tcp` instead of `/ws`, or the other way round.
        UseOtherTransport = "use-other-transport", "use the address that fits";
        /// Dial in the version of webrtc-direct that the peer answers in: leave `--webrtc` out.
        UseOtherVersion = "use-other-version", "use the version that answers";
        /// Use `/quic-v1`: draft-29 `/quic` is retired.
        UseQuicV1 = "use-quic-v1", "use /quic-v1";
        /// Give an address with a transport and a port.
        GiveAddress = "give-address", "give an address to dial";
        /// Check whether another service has the port.
        CheckPort = "check-port", "another service has the port";
        /// Update the peer: it shares no current protocol.
        UpdatePeer = "update-peer", "update the peer";
        /// Look at the peer's connection limits, block lists and load.
        CheckLimits = "check-limits", "check the peer's limits and load";
        /// Look at the backend behind the proxy or load balancer.
        CheckBackend = "check-backend", "check the backend behind the proxy";
        /// Correct the name or its DNS records.
        CheckName = "check-name", "check the name and its records";
        /// Try another resolver.
        TryResolver = "try-resolver", "try another resolver";
        /// Mend the own network first.
        CheckLocalNetwork = "check-local-network", "check this machine's network";
        /// Use a name instead of a literal IPv4 address, so that IPv6-only networks can translate it.
        UseName = "use-name", "use a name instead of a literal address";
        /// Allow private addresses with `--private`.
        AllowPrivate = "allow-private", "allow private addresses";
        /// Set the addresses that the node announces to its public ones.
        AnnouncePublic = "announce-public", "set the node's public addresses";
        /// Give the run more time.
        MoreTime = "more-time", "give it more time";
        /// Ask again from a terminal, which sees more than a browser.
        UseTerminal = "use-terminal", "ask from a terminal";
        /// Use the certhash that the peer shows now.
        UseActualCerthash = "use-actual-certhash", "use the current certhash";
        /// Use the relay's full address.
        NameRelay = "name-relay", "name the relay";
    }
}

codes! {
    /// The code of a warning: something is wrong, though the verdict may be good.
    WarningCode, "warning", {
        /// The peer announces private, CGNAT, link-local or loopback addresses, which nobody outside can dial and which look like scans to hosters.
        AnnouncesPrivate = "announces-private", "announces private addresses";
        /// Addresses that the peer announces do not work from here.
        AnnouncesDead = "announces-dead", "announces addresses that do not work";
        /// The peer announces QUIC, and its UDP port is silent while TCP answers: other peers lose time on it or fall back to TCP without a word.
        UdpSilentTcpWorks = "udp-silent-tcp-works", "UDP silent while TCP works";
        /// The peer announces draft-29 `/quic`, which nothing dials any more.
        AnnouncesDraftQuic = "announces-draft-quic", "announces draft-29 QUIC";
        /// The peer announces more addresses than a run dials.
        AnnouncesTooMany = "announces-too-many", "announces very many addresses";
        /// The connection works, but the peer does not identify itself as it should.
        IdentifyFailed = "identify-failed", "identify fails";
        /// The connection works, but pings are not answered as they should.
        PingFailed = "ping-failed", "ping fails";
        /// The peer is reached through the relay, but no hole could be punched to it (DCUtR): the stage that fails says why. In
        /// `dcutr-connect`: the peer does not begin, because it knows no public address of its own yet or does not punch holes.
        /// In `direct`: packets do not get through; with a symmetric NAT on either side they most often cannot.
        HolePunchFailed = "hole-punch-failed", "no hole could be punched";
        /// The peer answers a second ping on a stream late, while a new stream is answered at once: its ping responder stalls, not the line.
        ResponderStalls = "responder-stalls", "the peer's ping responder stalls";
        /// The peer answers in version 1 of webrtc-direct and not in version 2. Version 1 has the page change ICE credentials, which browsers
        /// are about to refuse: update the peer.
        WebrtcV1Only = "webrtc-v1-only", "webrtc-direct version 1 alone";
        /// The peer is reached over webrtc-direct from here, and looks like libp2p-webrtc (rust-libp2p): its listeners take a dialer that
        /// asks from several addresses at once, as go-libp2p does on most machines, for several dialers, and mix up their handshakes.
        WebrtcMixesDialers = "webrtc-mixes-dialers", "webrtc-direct for dialers with one address";
        /// The certificate ends within two weeks.
        CertificateExpiresSoon = "certificate-expires-soon", "the certificate expires soon";
        /// Another peer answers on one of the addresses.
        OtherPeerAnswers = "other-peer-answers", "another peer answers on an address";
        /// Some addresses have a family, IPv4 or IPv6, that this machine does not have; nothing is known of them.
        FamilyMissing = "family-missing", "an address family is missing here";
        /// The system lets a UDP socket buffer little; QUIC loses packets under load. quic-go asks for 7,500,000 bytes.
        UdpBufferSmall = "udp-buffer-small", "the UDP receive buffer is small";
        /// Vantage points contradict each other about the outside address of this machine: one of them is wrong, lies, or is reached
        /// another way than the others.
        VantagesDisagree = "vantages-disagree", "the vantage points disagree";
        /// Something of the target could not be tried or told: the run ended before, or this machine could not do its part.
        Incomplete = "incomplete", "not everything was tried";
    }
}

/// What a report comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The code.
    pub code: VerdictCode,
    /// Whether the target can be reached; null when it could not be told.
    pub ok: Option<bool>,
    /// One sentence.
    pub summary: String,
    /// What would help, most useful first.
    pub hints: Vec<Hint>,
    /// What else is wrong.
    pub warnings: Vec<Warning>,
    /// The attempts that it rests on.
    pub evidence: Vec<u32>,
}

/// Advice of one kind, about some attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Advice<C> {
    /// The code.
    pub code: C,
    /// One sentence.
    pub text: String,
    /// The attempts it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<u32>,
    /// An address to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// A command to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// What would help.
pub type Hint = Advice<HintCode>;
/// What else is wrong.
pub type Warning = Advice<WarningCode>;

impl<C> Advice<C> {
    /// Advice in one sentence.
    pub fn new(code: C, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), attempts: Vec::new(), address: None, command: None }
    }

    /// About these attempts.
    #[must_use]
    pub fn about(mut self, attempts: impl IntoIterator<Item = u32>) -> Self {
        self.attempts = attempts.into_iter().collect();
        self
    }

    /// With an address to use.
    #[must_use]
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// With a command to run.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }
}
