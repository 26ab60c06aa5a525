//! What would help.

use crate::model::{Advice, code::codes};

codes! {
    /// The code of a remedy: what lets peers reach this machine, in the network that was measured.
    RemedyCode, "remedy", {
        /// Nothing is needed: peers can dial this machine. Announce the address that the report names, if the node does not by itself.
        AnnounceAddress = "announce-address", "announce this address";
        /// The machine has a public address and its firewall, or one on the way, drops what comes in: open the node's ports,
        /// TCP and UDP each by itself.
        OpenFirewall = "open-firewall", "open the firewall";
        /// Forward the node's ports in the router, TCP and UDP each by itself, and announce the outside address.
        ForwardPort = "forward-port", "forward the port in the router";
        /// The router maps ports by UPnP, NAT-PMP or PCP: turn that on in the node.
        UseUpnp = "use-upnp", "let the node map its port";
        /// The router answers port mapping requests with a refusal: allow them in the router, or forward the port by hand.
        AllowUpnp = "allow-upnp", "allow port mapping in the router";
        /// Peers can reach this machine over IPv6: have the node listen there, and open the firewall for it.
        UseIpv6 = "use-ipv6", "use IPv6";
        /// Let peers come through a relay (circuit relay v2): give the node relays to reserve a slot with.
        UseRelay = "use-relay", "use a relay";
        /// With a relay to begin with, hole punching (DCUtR) should lead to direct connections here: turn it on in the node.
        UseHolePunching = "use-hole-punching", "use hole punching";
        /// UDP does not get out, so QUIC, WebTransport and webrtc-direct do not work: allow it, or use TCP and WebSocket.
        AllowUdp = "allow-udp", "allow UDP";
        /// The network gives addresses of the carrier: ask the provider for a public address, or use IPv6 or a relay.
        AskProvider = "ask-provider", "ask the provider for a public address";
        /// Two NATs stand one behind the other: a port has to be forwarded in both, or the inner router set to be a bridge.
        BridgeRouter = "bridge-router", "remove one of the two NATs";
        /// The default route is a tunnel, as of a VPN, and a NAT is at its other end: forward the port there, or send the node's traffic
        /// past the tunnel.
        LeaveTunnel = "leave-tunnel", "forward at the tunnel's other end, or leave it";
        /// The outside port is not the one listened on and differs from peer to peer: what peers observe is ephemeral, do not announce it.
        DoNotAnnounce = "do-not-announce", "do not announce the observed address";
        /// Name more vantage points: `--via` with another host, best another `p2p-probe listen`.
        AddVantage = "add-vantage", "name another vantage point";
        /// The network has IPv6 alone and translates: literal IPv4 addresses do not work here, names do.
        UseNames = "use-names", "use names instead of IPv4 addresses";
        /// Let UDP sockets buffer more, or QUIC loses packets under load.
        RaiseUdpBuffer = "raise-udp-buffer", "raise the UDP receive buffer";
        /// Something is wrong with the node that was checked: start it, or correct its port.
        CheckNode = "check-node", "check that the node listens";
    }
}

/// What would help.
pub type Remedy = Advice<RemedyCode>;
