//! Checks that are put together here: where no agent would, or with a USERNAME longer than `is` writes.

use super::{COOKIE, FINGERPRINT, HEADER, MESSAGE_INTEGRITY, PRIORITY, USERNAME, fingerprint, integrity};

/// The roles of agents (RFC 8445, section 7.1.3).
const CONTROLLED: u16 = 0x8029;
#[cfg(any(test, feature = "fuzz"))]
const CONTROLLING: u16 = 0x802a;
/// The priority of a candidate that was found by a check (RFC 8445, section 5.1.2): there is no other to compare it with.
const PEER_REFLEXIVE: [u8; 4] = [110, 0, 0, 255];

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend(length(value.len()));
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
    let whole = length(message.len() - HEADER);
    message[2..4].copy_from_slice(&whole);
}

/// A check as a listener sends it.
pub(in super::super) fn check(username: &str, password: &str, transaction: [u8; 12]) -> Vec<u8> {
    signed(username, password, transaction, CONTROLLED)
}

/// A check as a dialer sends it.
#[cfg(any(test, feature = "fuzz"))]
pub(in super::super) fn request(username: &str, password: &str) -> Vec<u8> {
    signed(username, password, [7; 12], CONTROLLING)
}

fn signed(username: &str, password: &str, transaction: [u8; 12], role: u16) -> Vec<u8> {
    let mut message = [&[0, 1, 0, 0], &COOKIE[..], &transaction].concat();
    attribute(&mut message, USERNAME, username.as_bytes());
    attribute(&mut message, PRIORITY, &PEER_REFLEXIVE);
    attribute(&mut message, role, &[1; 8]);
    let signature = integrity(&message, password);
    attribute(&mut message, MESSAGE_INTEGRITY, &signature);
    let whole = length(message.len() + 8 - HEADER);
    message[2..4].copy_from_slice(&whole);
    let crc = fingerprint(&message);
    attribute(&mut message, FINGERPRINT, &crc);
    message
}
