//! One SCTP association (RFC 9260) over DTLS (RFC 8261), on `sctp-proto`.

mod bundle;
mod chunks;
mod intake;
mod resets;
mod streams;

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use sctp_proto::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload, ServerConfig,
    StreamEvent, Transmit,
};

pub(super) use sctp_proto::PayloadProtocolIdentifier as Ppi;

use self::intake::Intake;
use self::resets::Resets;
use super::ack::Acknowledging;
use super::config;
use super::error::Ended;
use super::packet;
use super::window::Window;
#[cfg(any(test, feature = "fuzz"))]
pub(super) use chunks::checksum;

/// SCTP runs in a tunnel: it knows no addresses.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), sctp_proto::DEFAULT_SCTP_PORT);

/// Streams with those that were closed here and that the peer has yet to close: one that never does would have all there are.
const MOST_STREAMS: usize = 4 * config::MAX_CHANNELS;

/// An association, from before it is there.
pub(super) struct Sctp {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    acknowledging: Acknowledging,
    window: Window,
    intake: Intake,
    resets: Resets,
    /// The peer broke the rules.
    broken: bool,
    /// The handshake is done.
    complete: bool,
    now: Instant,
    /// Something was done since packets were last asked for, so that there may be some.
    stirred: bool,
}

fn packets(transmit: Transmit) -> Vec<Bytes> {
    match transmit.payload {
        Payload::RawEncode(packets) => packets,
        Payload::PartialDecode(_) => Vec::new(),
    }
}

/// What happened.
pub(super) enum Seen {
    Up,
    Lost,
    /// The peer does what nobody does who keeps to the rules.
    Broken,
    Opened(u16),
    Readable(u16),
    Writable(u16),
    Closed(u16),
}

/// A message that came on a channel.
pub(super) enum Message {
    Dcep(Vec<u8>),
    Data(Vec<u8>),
}

impl Sctp {
    /// The side that begins.
    pub(super) fn client(now: Instant) -> Result<Self, Ended> {
        let mut sctp = Self::server(now);
        let mut config = ClientConfig::new();
        config.transport = config::sctp();
        let association = sctp.endpoint.connect(config, NOWHERE).map_err(|_| Ended::Association)?;
        // Pion begins as well: it is told by our INIT alone.
        sctp.endpoint.reject_new_associations();
        sctp.association = Some(association);
        Ok(sctp)
    }

    /// The side that waits.
    pub(super) fn server(now: Instant) -> Self {
        let mut config = ServerConfig::new();
        config.transport = config::sctp();
        // Also for the side that begins: without it the endpoint would panic when the other side begins as well.
        let mut ours = EndpointConfig::new();
        ours.max_payload_size(config::SCTP_PAYLOAD);
        let endpoint = Endpoint::new(Arc::new(ours), Some(Arc::new(config)));
        Self {
            endpoint,
            association: None,
            acknowledging: Acknowledging::default(),
            window: Window::default(),
            intake: Intake::default(),
            resets: Resets::default(),
            broken: false,
            complete: false,
            now,
            stirred: true,
        }
    }

    /// Takes a packet. Whether what it calls for should leave before the next is taken.
    pub(super) fn handle(&mut self, now: Instant, packet: Bytes) -> bool {
        (self.stirred, self.now) = (true, now);
        if self.intake.is_filling()
            && let Some((_, association)) = &self.association
        {
            let ids: HashSet<u16> = association.stream_ids().into_iter().collect();
            self.intake.forget(|id| !ids.contains(&id));
        }
        let packet = match chunks::sift(packet, &mut self.intake) {
            Ok(Some(packet)) if !self.broken => packet,
            sifted => {
                self.broken |= sifted.is_err();
                return self.broken;
            }
        };
        // An INIT that was repeated and overtaken: `sctp-proto` would end the association that it has led to.
        if self.complete && packet::asks(&packet) {
            return false;
        }
        self.complete |= packet::completes(&packet);
        self.acknowledging.received(&packet);
        self.window.received(&packet);
        if resets::is_in(&packet) {
            self.broken |= self.resets.came(&packet, &self.streams());
        }
        self.give(now, packet);
        self.broken || self.acknowledging.is_urgent()
    }

    /// Has the association take a packet.
    fn give(&mut self, now: Instant, packet: Bytes) {
        match self.endpoint.handle(now, NOWHERE, None, None, packet) {
            Some((handle, DatagramEvent::NewAssociation(association))) => {
                // There is one for each connection: more of them would be memory for the asking.
                self.endpoint.reject_new_associations();
                self.association.get_or_insert((handle, association));
            }
            Some((handle, DatagramEvent::AssociationEvent(event))) => {
                if let Some((_, association)) = self.association.as_mut().filter(|(own, _)| *own == handle) {
                    association.handle_event(event);
                }
            }
            None => {}
        }
    }

    /// Streams that it keeps anything of.
    pub(super) fn streams(&self) -> Vec<u16> {
        self.association.as_ref().map(|(_, association)| association.stream_ids()).unwrap_or_default()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Some((_, association)) = &mut self.association
            && association.poll_timeout().is_some_and(|at| at <= now)
        {
            self.stirred = true;
            association.handle_timeout(now);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.association.as_ref()?.1.poll_timeout()
    }

    /// Whether there may be packets to send.
    pub(super) fn is_stirred(&self) -> bool {
        self.stirred
    }

    /// All packets to send now. It is asked once for what happened: asked again it would repeat what was lost beyond its
    /// congestion window, and it looks at all that is under way each time.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Vec<Bytes> {
        if !std::mem::take(&mut self.stirred) {
            return Vec::new();
        }
        let mut all = Vec::new();
        while let Some(transmit) = self.endpoint.poll_transmit() {
            all.extend(packets(transmit));
        }
        all.extend(
            self.association
                .as_mut()
                .and_then(|(_, association)| association.poll_transmit(now))
                .map(packets)
                .unwrap_or_default(),
        );
        for packet in &all {
            self.acknowledging.sent(packet);
            self.window.sent(packet);
            self.intake.sent(packet);
            self.resets.sent(packet);
        }
        bundle::bundle(all)
    }

    pub(super) fn poll(&mut self) -> Option<Seen> {
        if self.broken {
            return self.association.take().map(|_| Seen::Broken);
        }
        let (handle, association) = self.association.as_mut()?;
        while let Some(event) = association.poll_endpoint_event() {
            if let Some(event) = self.endpoint.handle_event(*handle, event) {
                association.handle_event(event);
            }
        }
        loop {
            return Some(match association.poll()? {
                Event::Connected => Seen::Up,
                Event::HandshakeFailed { .. } | Event::AssociationLost { .. } => Seen::Lost,
                Event::Stream(StreamEvent::Opened { id }) => {
                    // The queue of them is of no use here, and would grow.
                    while association.accept_stream().is_some() {}
                    if association.stream_ids().len() > MOST_STREAMS {
                        self.broken = true;
                        return self.poll();
                    }
                    Seen::Opened(id)
                }
                Event::Stream(StreamEvent::Readable { id }) => Seen::Readable(id),
                Event::Stream(StreamEvent::Writable { id } | StreamEvent::BufferedAmountLow { id }) => Seen::Writable(id),
                Event::Stream(StreamEvent::Finished { id }) => Seen::Closed(id),
                _ => continue,
            });
        }
    }

    /// Ends the association, as far as there is one.
    pub(super) fn shutdown(&mut self) {
        self.stirred = true;
        if let Some((_, association)) = &mut self.association {
            let _ = association.shutdown();
        }
    }
}

#[cfg(test)]
mod tests;
