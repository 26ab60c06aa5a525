//! Why something was skipped or could not be told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::codes;

codes! {
    /// The code of a reason.
    WhyCode, "why", {
        /// This runtime has no way to dial such an address: a page cannot open TCP or QUIC connections.
        /// Run the same dial from a terminal.
        NotInThisRuntime = "not-in-this-runtime", "not possible in this runtime";
        /// Browsers have WebTransport only in pages that were loaded over HTTPS, or from the machine itself (`127.0.0.1`,
        /// `localhost`). Open the page by HTTPS (`listen --tls-cert --tls-key`), or run the same dial from a terminal.
        NeedsSecureContext = "needs-secure-context", "needs a page loaded over HTTPS";
        /// The address is valid, but this version of p2p-probe cannot dial its transport yet.
        NotYetDialable = "not-yet-dialable", "this version cannot dial it yet";
        /// An option of this run left it out: `--transport`, `--family` or `--no-announced`.
        ByOption = "by-option", "left out by an option";
        /// The peer announces, or a public name leads to, an address of a private, link-local, CGNAT or loopback range.
        /// Such an address means another machine here than it means there, and hosters take dials to private ranges for
        /// a scan, so it is dialed only when the target itself is in such a range, or with `--private`. Of a vantage point: it is in the
        /// own network, so that what it sees tells nothing about the internet.
        PrivateScope = "private-scope", "a private address that you did not name";
        /// The same address was tried by another attempt of this run.
        Duplicate = "duplicate", "tried already";
        /// More than one run takes on: 100 addresses behind a `/dnsaddr`, 32 that a peer announces. Of a dialer: `listen` has as
        /// many connections as it serves, 256 in all and 32 from one IP address (an IPv6 /64 counts as one). Of a vantage point: it does no
        /// more dial-backs for this address in this minute, or for all together.
        OverLimit = "over-limit", "over the limit";
        /// The entry of a `/dnsaddr` belongs to another peer than the one that was named.
        OtherPeer = "other-peer", "belongs to another peer";
        /// This machine has no route for the address family, IPv4 or IPv6, so nothing can be said about the address.
        NoLocalFamily = "no-local-family", "this machine has no such address family";
        /// The run was interrupted before this ended.
        Interrupted = "interrupted", "interrupted";
        /// The time for the whole run (`--deadline`) was over before this ended.
        Deadline = "deadline", "the run's deadline came first";
        /// An earlier step ended before this could be tried.
        NotReached = "not-reached", "not reached";
        /// The peer does not offer it.
        NotOffered = "not-offered", "not offered";
        /// The question takes more vantage points than were given.
        TooFewVantages = "too-few-vantages", "too few vantage points";
        /// A vantage point answered (AutoNAT) that it does not dial the address, or that it could not tell: it does not speak the
        /// transport or the family, it is not sure of its own network, as a go-libp2p that was just started is not of UDP, or this machine
        /// has a private address for it. That says nothing of the address: ask another one.
        VantageRefuses = "vantage-refuses", "the vantage point did not test it";
        /// The vantage points contradict each other, or one says that it came and did not.
        VantagesDisagree = "vantages-disagree", "the vantage points disagree";
    }
}

/// The reason of an outcome `skipped` or `unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Why {
    /// The reason.
    pub code: WhyCode,
}

impl From<WhyCode> for Why {
    fn from(code: WhyCode) -> Self {
        Self { code }
    }
}
