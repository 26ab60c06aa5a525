//! From a cause to advice.

use crate::model::{Attempt, Cause, HintCode, StageName};

use super::{
    super::{
        addresses,
        fault::{Fault, lacks_interface},
        libp2p_webrtc,
        verdict::NO_APPLICATION_PROTOCOL,
        words::{host, port, quoted},
    },
    Hints, dial,
};

impl Hints<'_> {
    /// One arm for each cause, so that a new one is not forgotten.
    pub(super) fn of_fault(&mut self, fault: &Fault<'_>) {
        match fault.cause {
            _ if fault.at_relay() && !fault.cause.is_ours() => {
                self.say(HintCode::NameRelay, fault, "Check the relay's address, or use another relay of the peer.");
            }
            Cause::TimedOut => self.of_silence(fault),
            Cause::Closed | Cause::Reset => self.of_drop(fault),
            Cause::Refused
            | Cause::UdpSilent
            | Cause::Unreachable { .. }
            | Cause::ForbiddenLocally
            | Cause::LocalFault { .. }
            | Cause::DialFailed
            | Cause::NoGateway
            | Cause::GatewayRefused { .. } => self.of_network(fault),
            Cause::NotLibp2p { speaks } => self.of_other_service(fault, speaks.as_deref()),
            Cause::QuicFailed { .. }
            | Cause::DtlsFailed { .. }
            | Cause::ChannelFailed { .. }
            | Cause::HandshakeFailed { .. }
            | Cause::UnsupportedKey { .. }
            | Cause::NoCommonProtocol { .. }
            | Cause::ProtocolNotSupported
            | Cause::Malformed
            | Cause::TooLarge
            | Cause::WebsocketFailed { .. } => self.of_handshake(fault),
            Cause::WrongPeer { actual } => self.of_wrong_peer(fault, actual),
            Cause::UnsupportedAddress { .. } | Cause::NeedsRelay | Cause::CerthashMissing | Cause::CertHashMismatch { .. } => {
                self.of_address(fault);
            }
            Cause::NameNotFound
            | Cause::NameHasNoAddress { .. }
            | Cause::NameLookupFailed { .. }
            | Cause::DnsaddrTooDeep
            | Cause::TooManyAddresses => self.of_name(fault),
            Cause::CertificateExpired { .. }
            | Cause::CertificateNotYetValid { .. }
            | Cause::CertificateWrongName { .. }
            | Cause::CertificateUntrusted { .. }
            | Cause::TlsFailed { .. } => self.of_certificate(fault),
            Cause::NotTls { speaks } | Cause::NotHttp { speaks } => self.of_other_form(fault, speaks.as_deref()),
            Cause::HttpStatus { status, location } => self.of_http(fault, *status, location.as_deref()),
            Cause::Interrupted => self.of_interruption(fault.attempt),
            Cause::Opaque | Cause::PermissionNeeded | Cause::IceCredentialsRefused | Cause::MixedContent => {
                self.of_browser(fault);
            }
            Cause::RelayNoReservation
            | Cause::RelayTargetFailed
            | Cause::RelayRefused { .. }
            | Cause::RelayDenied
            | Cause::RelayLimit => self.of_relay(fault),
            Cause::Unrecognised(_) => {}
        }
    }

    /// What follows the connection breaks: whoever answers does not follow the protocol, or not one of ours.
    fn of_handshake(&mut self, fault: &Fault<'_>) {
        let (host, port) = (host(fault.attempt), port(fault.attempt));
        match fault.cause {
            Cause::QuicFailed { alert: Some(NO_APPLICATION_PROTOCOL) } => {
                self.say(HintCode::CheckPort, fault, format!("Check which service has {port} of {host}."));
            }
            Cause::DtlsFailed { .. } | Cause::ChannelFailed { .. } if libp2p_webrtc::is_met(fault.attempt) => {
                self.say(HintCode::UpdatePeer, fault, libp2p_webrtc::BREAKS);
            }
            Cause::QuicFailed { .. } | Cause::DtlsFailed { .. } | Cause::ChannelFailed { .. } => {
                let text = "See what the peer's log says about this handshake; an old version may be the reason.";
                self.say(HintCode::UpdatePeer, fault, text);
            }
            Cause::HandshakeFailed { .. } => {
                let text = format!("Check which service has {port} of {host}, and what stands in between.");
                self.say(HintCode::CheckPort, fault, text);
            }
            Cause::UnsupportedKey { .. } => {
                self.say(HintCode::UpdatePeer, fault, "Give the node an Ed25519 key, which every implementation knows.");
            }
            Cause::NoCommonProtocol { .. } => {
                let text = if fault.step() == Some(StageName::Multiplex) {
                    "Update the peer, or switch on /yamux/1.0.0 there: mplex alone is what current peers no longer speak."
                } else {
                    "Update the peer, or switch on /noise or /tls/1.0.0 there."
                };
                self.say(HintCode::UpdatePeer, fault, text);
            }
            Cause::WebsocketFailed { .. } => {
                let text = "Check that a libp2p node, not another WebSocket service, stands behind this address.";
                self.say(HintCode::ConfigureProxy, fault, text);
            }
            _ => self.say(HintCode::UpdatePeer, fault, "Update the other side: it does not follow the protocol."),
        }
    }

    fn of_wrong_peer(&mut self, fault: &Fault<'_>, actual: &str) {
        let address = addresses::of_peer(fault.attempt, actual);
        let at = address.clone().unwrap_or_else(|| format!("/p2p/{}", quoted(actual)));
        let text = format!("If that is the node you mean, dial {at}.");
        self.add_address(HintCode::UseActualPeer, fault.attempt.id, text, address);
    }

    fn of_relay(&mut self, fault: &Fault<'_>) {
        match fault.cause {
            Cause::RelayNoReservation | Cause::RelayTargetFailed => {
                let text = "Ask the peer for the relay that it is connected to now, and use that relay's address.";
                self.say(HintCode::NameRelay, fault, text);
            }
            _ => self.say(HintCode::CheckLimits, fault, "Look at the relay's limits and access rules, or use another relay."),
        }
    }

    fn of_silence(&mut self, fault: &Fault<'_>) {
        if matches!(fault.step(), Some(StageName::Channel | StageName::Secure)) && libp2p_webrtc::is_met(fault.attempt) {
            return self.say(HintCode::UpdatePeer, fault, libp2p_webrtc::BREAKS);
        }
        if let Some(version) = fault.answers_in() {
            return self.of_version(fault, version);
        }
        match fault.step() {
            Some(StageName::Hop) => self.of_relay(fault),
            Some(StageName::Resolve) => self.of_name(fault),
            Some(StageName::Connect) if fault.is_half_answered() => {
                let (host, port) = (host(fault.attempt), port(fault.attempt));
                let text =
                    format!("Check which service has {port} of {host}, and that the address is the one that the node tells.");
                self.say(HintCode::CheckPort, fault, text);
            }
            Some(StageName::Connect | StageName::Direct) | None if fault.over_udp() => self.of_udp(fault),
            Some(StageName::Connect | StageName::Direct) | None => {
                let (host, port) = (host(fault.attempt), port(fault.attempt));
                self.say(
                    HintCode::CheckFirewall,
                    fault,
                    format!("Check firewalls, cloud rules and port forwards for {port} of {host}, and that the machine is on."),
                );
            }
            Some(StageName::Dtls) => {
                let text = "Its short answers come through: look for a firewall that lets STUN pass and not DTLS, or for a path that \
                            loses packets of some 700 to 1,300 bytes; then at the node's load.";
                self.say(HintCode::CheckUdp, fault, text);
                if libp2p_webrtc::may_be_met(fault.attempt) {
                    self.say(HintCode::UpdatePeer, fault, libp2p_webrtc::SILENT);
                }
            }
            _ => self.say(
                HintCode::CheckLimits,
                fault,
                "Look at the node's load, and whether something else than libp2p waits on the port.",
            ),
        }
    }

    /// One version of webrtc-direct is spoken, and the other was asked for.
    fn of_version(&mut self, fault: &Fault<'_>, version: &str) {
        // Another attempt may have done so already, and come no further.
        let place = fault.attempt.remote.as_ref();
        let beside = |other: &&Attempt| other.id != fault.attempt.id && other.remote.as_ref() == place;
        if self.report.attempts.iter().filter(beside).any(|other| other.outcome.passed() || is_answered(other)) {
            return;
        }
        let text = format!("Dial it in version {version}: by default p2p-probe goes on in whichever is answered.");
        let command = dial("", &self.report.target.input);
        if let Some(hint) = self.add(HintCode::UseOtherVersion, &[fault.attempt.id], text) {
            hint.command = command;
        }
    }

    fn of_drop(&mut self, fault: &Fault<'_>) {
        if matches!(fault.step(), Some(StageName::Channel | StageName::Secure)) && libp2p_webrtc::is_met(fault.attempt) {
            return self.say(HintCode::UpdatePeer, fault, libp2p_webrtc::BREAKS);
        }
        match fault.step() {
            Some(StageName::Resolve) => self.of_name(fault),
            Some(StageName::Tls | StageName::Upgrade | StageName::Secure) => {
                self.say(
                    HintCode::CheckBackend,
                    fault,
                    "If a proxy, load balancer or container stands in front, check that the node behind it runs.",
                );
                self.say(HintCode::CheckLimits, fault, "Look at the node's connection limits and block lists.");
            }
            _ => self.say(HintCode::CheckLimits, fault, "Look at the node's connection limits and block lists, and at its log."),
        }
    }

    fn of_udp(&mut self, fault: &Fault<'_>) {
        // One version of webrtc-direct that is silent where the other answers is no matter of firewalls.
        let same_place = |other: &&Attempt| other.remote.is_some() && other.remote == fault.attempt.remote;
        if self.report.attempts.iter().filter(same_place).any(|other| other.outcome.passed()) {
            return;
        }
        let (host, port) = (host(fault.attempt), port(fault.attempt));
        let text = format!(
            "Check that {port} of {host} is open in firewall, cloud rules and container (-p …/udp): each treats UDP apart from TCP."
        );
        self.say(HintCode::CheckUdp, fault, text);
    }

    fn of_network(&mut self, fault: &Fault<'_>) {
        let (host, port) = (host(fault.attempt), port(fault.attempt));
        match fault.cause {
            Cause::UdpSilent => self.of_udp(fault),
            Cause::Refused if fault.over_udp() => {
                let text = format!("Check that the node listens on {port}, and that a container publishes it for UDP as well.");
                self.say(HintCode::CheckListening, fault, text);
            }
            Cause::Refused => {
                let text =
                    format!("Check that the node runs, listens on {port} of {host}, and that a container publishes the port.");
                self.say(HintCode::CheckListening, fault, text);
            }
            Cause::Unreachable { what } if what != "network" => {
                let text = format!("Check that the machine is on and still has the address {host}.");
                self.say(HintCode::CheckListening, fault, text);
            }
            Cause::ForbiddenLocally => {
                self.say(HintCode::CheckLocalNetwork, fault, "Let p2p-probe through this machine's firewall or sandbox.");
            }
            Cause::LocalFault { .. } if lacks_interface(fault.attempt) => {
                let text = format!(
                    "{host} is an address of one network segment: name the interface that leads there, as in /ip6zone/eth0/ip6/{host}/…."
                );
                self.say(HintCode::GiveAddress, fault, text);
            }
            // No call of the system failed: the words say what is missing, and where.
            Cause::LocalFault { errno: None } if fault.words().is_some() => {
                let text = format!("It is for this machine to mend: {}.", quoted(fault.words().unwrap_or_default()));
                self.say(HintCode::CheckLocalNetwork, fault, text);
            }
            Cause::LocalFault { .. } => {
                let text = "Check this machine: the bind address, free ports, and the limit on open files.";
                self.say(HintCode::CheckLocalNetwork, fault, text);
            }
            Cause::DialFailed | Cause::NoGateway | Cause::GatewayRefused { .. } => {
                let text = "Allow UPnP or NAT-PMP on the router, or forward the port by hand.";
                self.say(HintCode::CheckLocalNetwork, fault, text);
            }
            _ => self.say(HintCode::CheckLocalNetwork, fault, "Check this machine's network: its default route and its uplink."),
        }
    }
}

/// Whether the machine answered at all.
fn is_answered(attempt: &Attempt) -> bool {
    attempt.stage(StageName::Connect).is_some_and(|stage| stage.outcome.passed())
}
