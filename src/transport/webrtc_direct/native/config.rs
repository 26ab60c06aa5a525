//! The numbers of a connection, and why they are what they are.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub(super) use super::super::bounds::{FLUSH, LINGER, MAX_CHANNELS, MAX_WAITING, UNSENT};
use super::super::framing::MAX_MESSAGE;
use super::provider;

/// First repetition of a connectivity check (RFC 8445 leaves it to the agent, at least 500 ms is for many checks at once).
pub(super) const STUN_RTO: Duration = Duration::from_millis(250);

/// Repetitions of a DTLS flight start here: it holds the round trip to any place on Earth.
const DTLS_RTO: Duration = Duration::from_millis(350);

/// Repetitions of one DTLS flight.
const DTLS_RETRIES: usize = 8;

/// The most that a DTLS handshake takes; the caller's own limits are shorter.
const DTLS_HANDSHAKE: Duration = Duration::from_secs(30);

/// Datagrams that are held while parts of a dialer's hello are missing: with keys against quantum computers it takes two.
pub(super) const HELLO_PARTS: usize = 4;

/// Packets that DTLS holds to be sent: they are taken at once.
const DTLS_QUEUE: usize = 64;

/// Longest DTLS record with its packet: what a path with the least MTU of IPv6 (1,280) carries, less IPv6 and UDP.
const DTLS_MTU: u32 = 1232;

/// What DTLS 1.2 adds to a packet: header, explicit nonce and tag; version 1.3 adds less.
const DTLS_OVERHEAD: u32 = 13 + 8 + 16;

/// Headers of an SCTP packet with one DATA chunk (RFC 9260, sections 3.1 and 3.3.1).
const SCTP_HEADERS: u32 = 12 + 16;

/// Bytes of a message in one packet of SCTP, such that its DTLS record is within the MTU, and that nothing is padded.
pub(super) const SCTP_PAYLOAD: u32 = (DTLS_MTU - DTLS_OVERHEAD - SCTP_HEADERS) & !3;

/// Longest packet of SCTP.
pub(super) const SCTP_PACKET: usize = (SCTP_HEADERS + SCTP_PAYLOAD) as usize;

/// First guess of SCTP's time-out. With the 3 s of RFC 9260 one lost packet of the handshake costs more than all the rest.
const SCTP_RTO_INITIAL: u64 = 300;
/// The least time-out: above the 200 ms that a receiver may delay its acknowledgement.
const SCTP_RTO_MIN: u64 = 250;
/// The most, so that a line that comes back is noticed.
const SCTP_RTO_MAX: u64 = 5_000;

/// Bytes that may wait unread in SCTP, for all streams: half a MiB is 80 Mbit/s over 50 ms, and 256 hostile dialers hold
/// 128 MiB by it.
pub(super) const SCTP_RECEIVE: u32 = 512 * 1024;

/// Longest message read. Some implementations send up to 64 KiB where browsers would not.
const SCTP_MESSAGE: u32 = 64 * 1024;

/// Bytes written in one message: without its length, which goes ahead, it fills packets to the last, so that they are of one
/// size. Tag and length of the data take 3 bytes.
pub(super) const WRITTEN: usize = MAX_MESSAGE / SCTP_PAYLOAD as usize * SCTP_PAYLOAD as usize - 3;

/// Unread bytes above which a stream takes no more from SCTP, whose window then closes.
pub(super) const UNREAD: usize = 32 * 1024;

/// Unread bytes of all streams together above which none takes more from SCTP.
pub(super) const ALL_UNREAD: usize = 256 * 1024;

/// Bytes of all streams together that wait to be acknowledged; writing waits above it.
pub(super) const ALL_UNSENT: usize = 1024 * 1024;

/// Datagrams that wait for an address to be validated: two flights of DTLS.
pub(super) const BLOCKED: usize = 16;

/// What may be sent to an address that is not validated, per byte received from it (RFC 9000, section 8).
pub(super) const AMPLIFICATION: usize = 3;

/// Addresses that one dialer may come from at once: Wi-Fi and mobile network, IPv4 and IPv6, and what a NAT rebinds.
pub(super) const MAX_ADDRESSES: usize = 8;

/// The longest record of DTLS (RFC 6347, section 4.1): a header, 2^14 bytes, and 2,048 that a cipher may add.
pub(super) const DTLS_RECORD: usize = 13 + (1 << 14) + 2048;

/// Room for one record of DTLS.
pub(super) const MAX_DATAGRAM: usize = 2048;

/// Datagrams moved in one turn, before others get theirs.
pub(super) const TURN: usize = 64;

/// Made once: dimpl tries every algorithm out when it makes one, which takes longer than a dial.
pub(super) fn dtls() -> Result<Arc<dimpl::Config>, dimpl::Error> {
    static CONFIG: OnceLock<Result<Arc<dimpl::Config>, dimpl::Error>> = OnceLock::new();
    CONFIG.get_or_init(make_dtls).clone()
}

fn make_dtls() -> Result<Arc<dimpl::Config>, dimpl::Error> {
    let config = dimpl::Config::builder()
        .with_crypto_provider(provider::provider())
        .mtu(DTLS_MTU as usize)
        .max_queue_tx(DTLS_QUEUE)
        // A cookie would cost each dial a round trip. Instead an address gets no more than three times what it sent, until it has
        // proved that the dialer is there; the module's head tells what that leaves open.
        .use_server_cookie(false)
        .require_client_certificate(true)
        .flight_start_rto(DTLS_RTO)
        .flight_retries(DTLS_RETRIES)
        .handshake_timeout(DTLS_HANDSHAKE)
        .build()?;
    Ok(Arc::new(config))
}

pub(super) fn sctp() -> Arc<sctp_proto::TransportConfig> {
    Arc::new(
        sctp_proto::TransportConfig::default()
            .with_rto_initial_ms(SCTP_RTO_INITIAL)
            .with_rto_min_ms(SCTP_RTO_MIN)
            .with_rto_max_ms(SCTP_RTO_MAX)
            // Whether the other side is still there is for ICE to tell.
            .with_max_init_retransmits(None)
            .with_max_data_retransmits(None)
            .with_max_receive_buffer_size(SCTP_RECEIVE)
            .with_max_receive_message_size(SCTP_MESSAGE),
    )
}

/// Datagrams that wait for a listener's connection to be polled: one receive window.
pub(super) const INBOX: usize = 512;
