//! The numbers of a QUIC connection, and quinn's configurations made of them.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, EndpointConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt};

/// The only version spoken: QUIC v1. quinn changes to no other during a handshake.
pub(super) const VERSION: u32 = 1;

/// Streams a peer may have open towards us at once. Identify, ping and a relay's work need a handful.
const MAX_INBOUND_STREAMS: u32 = 64;

/// Unread bytes held per stream: enough for 20 Mbit/s over a 100 ms line, which no probe needs.
const STREAM_WINDOW: u32 = 256 * 1024;

/// Unread bytes held per connection, so that 256 hostile dialers cost at most 128 MiB.
const CONNECTION_WINDOW: u32 = 2 * STREAM_WINDOW;

/// Unacknowledged bytes held per connection.
const SEND_WINDOW: u64 = 512 * 1024;

/// Silence after which a connection is lost. The same as go-libp2p's; the smaller of both ends counts.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// A dialer keeps its connection alive well within the idle time-out of any implementation. A listener does not:
/// whoever dialed may go away.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// First guess of the round trip. quinn's 333 ms would repeat a lost first packet only after a second; quic-go's guess
/// repeats it after 0.3 s.
const INITIAL_RTT: Duration = Duration::from_millis(100);

/// Handshakes that quinn queues before they are looked at. They are looked at in one turn of the loop.
const MAX_INCOMING: usize = 256;

/// Bytes that quinn holds of one dialer not yet looked at: a `ClientHello` in a few datagrams.
const INCOMING_BUFFER: u64 = 16 * 1024;

/// The same for all dialers.
const INCOMING_BUFFER_TOTAL: u64 = 1024 * 1024;

pub(super) fn endpoint() -> EndpointConfig {
    let mut config = EndpointConfig::default();
    config.supported_versions(vec![VERSION]);
    // The QUIC bit is what tells QUIC from STUN on one port (RFC 9443).
    config.grease_quic_bit(false);
    config
}

pub(super) fn client(crypto: QuicClientConfig) -> ClientConfig {
    let mut transport = transport();
    transport.keep_alive_interval(Some(KEEP_ALIVE));
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.version(VERSION).transport_config(Arc::new(transport));
    config
}

pub(super) fn server(crypto: QuicServerConfig) -> ServerConfig {
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config
        .transport_config(Arc::new(transport()))
        // A packet of a connection from another address is answered there, at once and by a full one: whoever has a connection
        // could send that to others, by forged sources. Dialers stay where they are.
        .migration(false)
        .max_incoming(MAX_INCOMING)
        .incoming_buffer_size(INCOMING_BUFFER)
        .incoming_buffer_size_total(INCOMING_BUFFER_TOTAL);
    config
}

fn transport() -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(MAX_INBOUND_STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(None)
        .initial_rtt(INITIAL_RTT)
        .max_idle_timeout(IdleTimeout::try_from(IDLE_TIMEOUT).ok());
    config
}
