//! Why two reports differ: one closed table.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::codes;

codes! {
    /// The code of a reason why two reports differ.
    ReasonCode, "difference", {
        /// One of the two runtimes has no way to dial such an address: a page cannot open TCP or QUIC connections.
        RuntimeCannot = "runtime-cannot", "not possible in that runtime";
        /// One of the two was made by a version that cannot dial it.
        VersionCannot = "version-cannot", "that version cannot dial it";
        /// One of the two was told to leave it out: `--transport`, `--family`, `--no-announced`, or a private address that
        /// was not named.
        LeftOut = "left-out", "left out there";
        /// One of the two machines has no route for the address family, so nothing is said about the target.
        NoFamily = "no-family", "that machine lacks the address family";
        /// One of the two runs ended before it was tried or told.
        CutShort = "cut-short", "that run ended before";
        /// The peer did not tell one of the two that it offers this, or did not get as far as telling.
        NotLearned = "not-learned", "not learned there";
        /// A browser hides why a connection failed. The same dial from a terminal on that machine tells.
        HiddenByBrowser = "hidden-by-browser", "the browser hides why";
        /// The browser forbids the dial by a rule of its own: an insecure address from a secure page, a permission that was not
        /// given, or ICE credentials it does not accept. The address may be fine.
        BrowserRule = "browser-rule", "the browser forbids it";
        /// That machine could not do its part, or its own firewall forbade the packet.
        OwnFault = "own-fault", "that machine's own fault";
        /// The same name led to other IP addresses there: DNS gives different answers, by place or by time.
        NameLeadsElsewhere = "name-leads-elsewhere", "the name leads elsewhere";
        /// The two dialed different addresses over this transport, so that the results are not about the same one.
        OtherAddresses = "other-addresses", "other addresses were dialed";
        /// From one of the two, no dial over UDP got an answer, while TCP did: its network, or one on the way, drops UDP.
        UdpFiltered = "udp-filtered", "UDP is dropped from there";
        /// The same address answers one of the two and not the other: a firewall, a missing route or another network stands
        /// between, or the target changed between the runs.
        PathDiffers = "path-differs", "the way there differs";
        /// The same certificate is accepted by one and not by the other: other trusted roots, or a clock that is wrong.
        TrustDiffers = "trust-differs", "the certificate is judged otherwise";
        /// The two saw different certificates: something between intercepts TLS, or it was renewed between the runs.
        OtherCertificate = "other-certificate", "another certificate is shown";
        /// Another peer, or something that is not libp2p, answers there: an intercepting proxy, another machine at a private
        /// address, or a change between the runs.
        OtherAnswers = "other-answers", "something else answers";
        /// The peer accepts one of the two and drops the other, after the connection is made: its limits, block lists or load.
        PeerDrops = "peer-drops", "the peer drops it";
        /// Both fail, and not for the same cause: what is wrong may be in two places.
        CausesDiffer = "causes-differ", "the causes differ";
        /// The reports do not tell why.
        NotExplained = "not-explained", "the reports do not tell why";
        /// The runs are more than an hour apart: the target may have changed between.
        ApartInTime = "apart-in-time", "made at different times";
        /// Addresses and peer IDs were replaced in one of the two, so that they cannot be matched.
        Redacted = "redacted", "addresses are replaced";
        /// Another peer answered at the same address.
        OtherPeer = "other-peer", "another peer answered";
        /// The peer told the two different versions of itself: it was updated between, or they are two machines.
        OtherAgent = "other-agent", "another version answered";
        /// One of the two was told to work in another way: another security protocol, or another version of webrtc-direct.
        OtherOptions = "other-options", "asked with other options";
    }
}

/// Why there is a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reason {
    /// The code.
    pub code: ReasonCode,
    /// One sentence; the reports are A and B in it.
    pub text: String,
}
