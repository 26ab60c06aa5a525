//! Advice about the form of an address, its name, its certificate, and what serves it.

use std::net::IpAddr;

use crate::model::{Attempt, Cause, HintCode, Report, RuntimeKind, StageName, Transport};

use super::{
    super::{
        addresses::{self, Above},
        fault::{Fault, ip_of},
        verdict::Speech,
        words::{host, name, port, quoted},
    },
    Hints, dial,
};

const EXAMPLES: &str = "Give an address such as /ip4/203.0.113.7/tcp/4001 or /dns4/node.example.org/udp/4001/quic-v1.";

impl Hints<'_> {
    pub(super) fn of_other_service(&mut self, fault: &Fault<'_>, speaks: Option<&str>) {
        let (host, port) = (host(fault.attempt), port(fault.attempt));
        let form = match speaks.map(Speech::of) {
            Some(Speech::Http) => Some((Above::Ws, "a WebSocket address")),
            Some(Speech::Tls) => Some((Above::Wss, "a WebSocket address over TLS")),
            Some(Speech::Libp2p | Speech::Other) | None => None,
        };
        self.say(
            HintCode::CheckPort,
            fault,
            format!("Check which service has {port} of {host}, and on which port the node listens."),
        );
        if let Some((above, form)) = form {
            let address = addresses::over_tcp(fault.attempt, above, self.peer());
            self.add_address(
                HintCode::UseOtherTransport,
                fault.attempt.id,
                format!("If the node listens there behind a web server, use {form}."),
                address,
            );
        }
    }

    /// The address form that fits what answers where a WebSocket was promised.
    pub(super) fn of_other_form(&mut self, fault: &Fault<'_>, speaks: Option<&str>) {
        let (above, text) = match speaks.map(Speech::of) {
            Some(Speech::Libp2p) => {
                (Above::Nothing, "The port speaks libp2p over plain TCP: leave the WebSocket out of the address.")
            }
            Some(Speech::Http) => (Above::Ws, "If the node's WebSocket is served without TLS, use /ws instead of /wss."),
            Some(Speech::Tls) => (Above::Wss, "The port speaks TLS: use /wss instead of /ws."),
            Some(Speech::Other) | None => {
                let (host, port) = (host(fault.attempt), port(fault.attempt));
                return self.say(HintCode::CheckPort, fault, format!("Check which service has {port} of {host}."));
            }
        };
        let address = addresses::over_tcp(fault.attempt, above, self.peer());
        self.add_address(HintCode::UseOtherTransport, fault.attempt.id, text.into(), address);
    }

    pub(super) fn of_http(&mut self, fault: &Fault<'_>, status: u16, location: Option<&str>) {
        if let Some(location) = location {
            let address = addresses::of_url(location, self.peer());
            let text = format!("Dial where the redirect leads: {}.", quoted(location));
            self.add_address(HintCode::FollowRedirect, fault.attempt.id, text, address);
        } else if matches!(status, 502..=504) {
            self.say(
                HintCode::CheckBackend,
                fault,
                format!("HTTP {status} is the proxy's own answer: check that the node behind it runs."),
            );
        } else {
            self.say(HintCode::ConfigureProxy, fault, "Let the proxy pass the upgrade on (nginx: proxy_http_version 1.1 and the headers Upgrade and Connection), and check host name and path.");
        }
    }

    pub(super) fn of_certificate(&mut self, fault: &Fault<'_>) {
        let certificate = fault.stage.and_then(|stage| stage.found.certificate.as_ref());
        let auto = certificate.is_some_and(|found| found.names.iter().any(|name| name.ends_with(addresses::AUTO_TLS)));
        match fault.cause {
            Cause::CertificateExpired { .. } if auto => {
                self.say(HintCode::RenewCertificate, fault, "It is an AutoTLS certificate (*.libp2p.direct): check that the node still reaches the AutoTLS broker, then restart it.");
            }
            Cause::CertificateExpired { .. } => {
                self.say(
                    HintCode::RenewCertificate,
                    fault,
                    "Renew the certificate, have the server load it, and see why it was not renewed by itself.",
                );
            }
            Cause::CertificateNotYetValid { .. } => {
                self.say(
                    HintCode::CheckClock,
                    fault,
                    "Compare the clocks of this machine, of the server and of whoever made the certificate.",
                );
            }
            Cause::CertificateWrongName { names } => {
                let address = addresses::by_name(fault.attempt, names, self.peer());
                let text = address.as_ref().map_or_else(
                    || "Dial by a name that the certificate holds, or get a certificate for the name dialed.".into(),
                    |address| format!("If that name leads to this node, dial {address}."),
                );
                self.add_address(HintCode::DialByName, fault.attempt.id, text, address);
            }
            Cause::CertificateUntrusted { .. } => {
                self.say(HintCode::UseTrustedCertificate, fault, "Use a certificate of a public authority (AutoTLS, Let's Encrypt) and serve its whole chain; browsers refuse this one without a reason.");
            }
            Cause::TlsFailed { alert: Some(alert) } if alert.contains("unrecognized") => {
                self.say(
                    HintCode::DialByName,
                    fault,
                    "The server does not know the name asked for: dial by the name that it serves.",
                );
            }
            _ => self.say(
                HintCode::UpdatePeer,
                fault,
                "See what the server's log says about this handshake; an old TLS version may be the reason.",
            ),
        }
    }

    pub(super) fn of_address(&mut self, fault: &Fault<'_>) {
        let attempt = fault.attempt;
        match fault.cause {
            Cause::NeedsRelay => self.say(HintCode::NameRelay, fault, "Give the relay's own address before /p2p-circuit."),
            Cause::CertHashMismatch { actual } => {
                let address = addresses::of_certhash(attempt, actual, self.peer());
                self.add_address(
                    HintCode::UseActualCerthash,
                    attempt.id,
                    "Ask the peer for its current address. Of the certificate that is shown now it would be this one.".into(),
                    address,
                );
            }
            Cause::CerthashMissing => {
                let text = "Ask the peer for its whole address, with /certhash/…, or learn the certhash by dialing without it.";
                let command = dial("--learn-certhash ", &self.report.target.input);
                if let Some(hint) = self.add(HintCode::UseActualCerthash, &[attempt.id], text.into()) {
                    hint.command = command;
                }
            }
            Cause::UnsupportedAddress { part } if part.trim_start_matches('/') == "quic" => {
                let address = addresses::quic_v1_of(attempt, self.peer());
                self.add_address(HintCode::UseQuicV1, attempt.id, "Use /quic-v1: draft-29 /quic is retired.".into(), address);
            }
            Cause::UnsupportedAddress { part } => {
                let text = match part.trim_start_matches('/') {
                    "ip4" | "ip6" | "dns" | "dns4" | "dns6" => "Add the transport and port that the node listens on.",
                    "udp" => "Add what the node speaks there: /quic-v1, or /webrtc-direct.",
                    "tcp/0" | "udp/0" => "Use the port that the node was given: it prints or logs it when it starts.",
                    "ip4/0.0.0.0" | "ip6/::" => {
                        "For a node on this machine use its loopback address, else the address of its machine."
                    }
                    "certhash" => "Ask the peer for its whole address: its certhash begins with uEi.",
                    part if part.starts_with("dns") || part.starts_with("sni/") => {
                        "A host name has letters, digits and dashes, with dots between them; an IP address is named by /ip4 or /ip6."
                    }
                    _ => EXAMPLES,
                };
                let address = addresses::completed(attempt, part, self.peer());
                let address = address.or_else(|| addresses::of_ip(attempt, self.peer()));
                self.add_address(HintCode::GiveAddress, attempt.id, text.into(), address);
            }
            _ => self.say(HintCode::GiveAddress, fault, EXAMPLES),
        }
    }

    /// The whole address, where one without a certhash was dialed to learn it.
    pub(super) fn of_learned_certhash(&mut self, attempt: &Attempt) {
        let certificate = attempt.stage(StageName::Dtls).and_then(|stage| stage.found.certificate.as_ref());
        if let Some(certificate) = certificate.filter(|_| !attempt.address.contains("/certhash/")) {
            let shown = attempt.stage(StageName::Secure).and_then(|stage| stage.found.peer.as_deref());
            let address = addresses::certhash_of(&certificate.fingerprint)
                .and_then(|actual| addresses::of_certhash(attempt, &actual, self.peer().or(shown)));
            let text = "The address had no certhash; this is the whole one.".into();
            self.add_address(HintCode::UseActualCerthash, attempt.id, text, address);
        }
    }

    pub(super) fn of_name(&mut self, fault: &Fault<'_>) {
        let name = name(fault.attempt);
        match fault.cause {
            Cause::NameNotFound if name.parse::<IpAddr>().is_ok() => {
                let text = "Name an IP address by /ip4 or /ip6.".into();
                self.add_address(HintCode::CheckName, fault.attempt.id, text, addresses::of_ip(fault.attempt, self.peer()));
            }
            Cause::NameNotFound => self.say(HintCode::CheckName, fault, format!("Check the spelling of {name} and its zone.")),
            Cause::NameHasNoAddress { family } if family == "dnsaddr" => {
                self.say(
                    HintCode::CheckName,
                    fault,
                    format!("Add TXT records dnsaddr=/… at _dnsaddr.{name}, or use /dns/{name} with a transport."),
                );
            }
            Cause::NameHasNoAddress { .. } => {
                self.say(HintCode::CheckName, fault, format!("Add the record to {name}, or use /dns, which takes any family."));
            }
            Cause::DnsaddrTooDeep | Cause::TooManyAddresses => {
                self.say(
                    HintCode::CheckName,
                    fault,
                    format!("Mend the dnsaddr records of {name}: other clients stop there as well."),
                );
            }
            _ => self.say(
                HintCode::TryResolver,
                fault,
                "Ask another resolver (--resolver IP:PORT), and check the zone if that one fails as well.",
            ),
        }
    }

    pub(super) fn of_browser(&mut self, fault: &Fault<'_>) {
        let input = self.report.target.input.clone();
        let text = match fault.cause {
            Cause::MixedContent => "A page served over HTTPS may use /wss only; a terminal may use both.",
            Cause::PermissionNeeded => {
                "Let this site reach the local network in the browser's settings for it; only a page that came by HTTPS may ask. Or dial \
                 from a terminal."
            }
            Cause::IceCredentialsRefused if fault.attempt.version.as_deref() == Some("v1") => {
                "This browser needs webrtc-direct version 2; a terminal can test version 1 too."
            }
            Cause::IceCredentialsRefused => {
                "Version 2 of webrtc-direct was asked and not answered; version 1 could not be asked here. A terminal asks in both."
            }
            _ if shuns_loopback(self.report, fault) => {
                "Firefox does no WebRTC over loopback: dial the address that this machine has in its network, or from a terminal."
            }
            _ => "The browser hides the reason; a terminal tells it.",
        };
        if let Some(hint) = self.add(HintCode::UseTerminal, &[fault.attempt.id], text.into()) {
            hint.command = dial("", &input);
        }
    }
}

/// Whether it is Firefox that sent nothing: it gathers no ICE candidate on loopback (`media.peerconnection.ice.loopback`), so that
/// nothing is sent there and nothing more is told.
fn shuns_loopback(report: &Report, fault: &Fault<'_>) -> bool {
    let agent = report.tool.user_agent.as_deref().unwrap_or_default();
    let over = (fault.attempt.transport, fault.step()) == (Some(Transport::WebrtcDirect), Some(StageName::Connect));
    report.tool.runtime == RuntimeKind::Browser
        && agent.contains("Firefox/")
        && over
        && ip_of(fault.attempt).is_some_and(|ip| ip.is_loopback())
}
