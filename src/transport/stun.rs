//! STUN (RFC 8489) as far as mapping tests need it: binding requests and their answers, and the datagrams of a dial-back.
//!
//! An answer carries XOR-MAPPED-ADDRESS alone: 32 bytes over IPv4, 44 over IPv6, to a question of 20 at the least, so that
//! nobody is sent more than three times what was asked with.

mod allowance;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub(crate) use allowance::Allowance;
#[cfg(test)]
pub(crate) use allowance::EACH;

/// The length of a header.
const HEADER: usize = 20;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// The longest message read: a binding answer with every attribute of RFC 8489 is shorter.
const MAX_MESSAGE: usize = 600;
/// Attributes of a message that are looked at.
const MAX_ATTRIBUTES: usize = 24;
/// Unknown attributes that an answer names: what RFC 8489 asks for, and still less than three times the question.
const MAX_UNKNOWN: usize = 4;
/// The most bytes that an answer may have for each byte of its question.
#[cfg(test)]
const MOST: usize = 3;

const REQUEST: u16 = 0x0001;
const INDICATION: u16 = 0x0011;
const SUCCESS: u16 = 0x0101;
const FAILURE: u16 = 0x0111;

const MAPPED_ADDRESS: u16 = 0x0001;
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// From here on an attribute may be ignored by who does not know it.
const OPTIONAL: u16 = 0x8000;
/// Ours: the token of a dial-back, in the range that needs no understanding.
const TOKEN: u16 = 0xc0f1;

/// The length of a datagram of a dial-back.
#[cfg(test)]
const INDICATION_LENGTH: usize = 48;

/// What tells an answer, or a dial-back, from those of others. Not to be guessed.
pub(crate) type Transaction = [u8; 12];
/// What tells the datagrams of one dial-back.
pub(crate) type Token = [u8; 16];

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The answer to a question.
    Answer(Transaction, Option<SocketAddr>),
    /// A datagram of a dial-back.
    Indication(Token),
}

/// A binding request.
pub(crate) fn request(transaction: Transaction) -> Vec<u8> {
    header(REQUEST, 0, transaction)
}

/// A datagram of a dial-back: a binding indication with the token, the `number`th of its kind.
pub(crate) fn indication(token: Token, number: u8) -> Vec<u8> {
    let mut transaction = [0; 12];
    transaction.copy_from_slice(&token[..12]);
    transaction[11] ^= number;
    let mut value = token.to_vec();
    value.extend([number, 0, 0, 0, 0, 0, 0, 0]);
    message(INDICATION, transaction, &[(TOKEN, value)])
}

/// Reads an answer or an indication; anything else is none.
pub(crate) fn read(bytes: &[u8]) -> Option<Message> {
    let (kind, transaction) = parse(bytes)?;
    match kind {
        SUCCESS => Some(Message::Answer(transaction, mapped(bytes, transaction))),
        FAILURE => Some(Message::Answer(transaction, None)),
        INDICATION => {
            let value = attributes(bytes).find(|(kind, _)| *kind == TOKEN)?.1;
            Some(Message::Indication(value.get(..16)?.try_into().ok()?))
        }
        _ => None,
    }
}

/// The answer to a plain binding request that came from `from`. One with credentials is a check of ICE and not ours to
/// answer; so is anything else.
pub(crate) fn answer(bytes: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let (kind, transaction) = parse(bytes)?;
    if kind != REQUEST || attributes(bytes).any(|(kind, _)| matches!(kind, USERNAME | MESSAGE_INTEGRITY)) {
        return None;
    }
    let unknown: Vec<u8> = attributes(bytes)
        .filter(|(kind, _)| *kind < OPTIONAL)
        .take(MAX_UNKNOWN)
        .flat_map(|(kind, _)| kind.to_be_bytes())
        .collect();
    if unknown.is_empty() {
        return Some(message(SUCCESS, transaction, &[(XOR_MAPPED_ADDRESS, xored(from, transaction))]));
    }
    // 420, Unknown Attribute.
    Some(message(FAILURE, transaction, &[(ERROR_CODE, vec![0, 0, 4, 20]), (UNKNOWN_ATTRIBUTES, unknown)]))
}

fn header(kind: u16, length: usize, transaction: Transaction) -> Vec<u8> {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), &COOKIE, &transaction].concat()
}

fn message(kind: u16, transaction: Transaction, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend(kind.to_be_bytes());
        body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let mut whole = header(kind, body.len(), transaction);
    whole.extend(body);
    whole
}

/// The kind and the transaction of a message whose form is right.
fn parse(bytes: &[u8]) -> Option<(u16, Transaction)> {
    let header = bytes.get(..HEADER).filter(|_| bytes.len() <= MAX_MESSAGE)?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let sound = header[0] < 0x40 && header[4..8] == COOKIE && length.is_multiple_of(4) && bytes.len() == HEADER + length;
    sound.then_some(())?;
    Some((u16::from_be_bytes([header[0], header[1]]), header[8..].try_into().ok()?))
}

fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut at = HEADER;
    std::iter::from_fn(move || {
        let head = bytes.get(at..at + 4)?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = bytes.get(at + 4..at + 4 + length)?;
        at += 4 + length.next_multiple_of(4);
        Some((u16::from_be_bytes([head[0], head[1]]), value))
    })
    .take(MAX_ATTRIBUTES)
}

fn mapped(bytes: &[u8], transaction: Transaction) -> Option<SocketAddr> {
    let find = |wanted: u16| attributes(bytes).find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
    // Servers of RFC 3489 know the plain form alone.
    let (value, plain) =
        find(XOR_MAPPED_ADDRESS).map(|value| (value, false)).or(find(MAPPED_ADDRESS).map(|value| (value, true)))?;
    let port = u16::from_be_bytes(value.get(2..4)?.try_into().ok()?);
    let ip: IpAddr = match (value.get(1)?, value.get(4..)?) {
        (1, ip) => Ipv4Addr::from(<[u8; 4]>::try_from(ip).ok()?).into(),
        (2, ip) => Ipv6Addr::from(<[u8; 16]>::try_from(ip).ok()?).into(),
        _ => return None,
    };
    let address = SocketAddr::new(ip, port);
    Some(if plain { address } else { xor(address, transaction) })
}

/// An address as XOR-MAPPED-ADDRESS holds it.
fn xored(address: SocketAddr, transaction: Transaction) -> Vec<u8> {
    let address = xor(SocketAddr::new(address.ip().to_canonical(), address.port()), transaction);
    let port = address.port().to_be_bytes();
    match address.ip() {
        IpAddr::V4(ip) => [&[0, 1], &port[..], &ip.octets()].concat(),
        IpAddr::V6(ip) => [&[0, 2], &port[..], &ip.octets()].concat(),
    }
}

/// RFC 8489, section 14.2: there and back.
fn xor(address: SocketAddr, transaction: Transaction) -> SocketAddr {
    let key: Vec<u8> = COOKIE.into_iter().chain(transaction).collect();
    let port = address.port() ^ u16::from_be_bytes([COOKIE[0], COOKIE[1]]);
    let ip: IpAddr = match address.ip() {
        IpAddr::V4(ip) => {
            let mut octets = ip.octets();
            octets.iter_mut().zip(&key).for_each(|(octet, key)| *octet ^= key);
            octets.into()
        }
        IpAddr::V6(ip) => {
            let mut octets = ip.octets();
            octets.iter_mut().zip(&key).for_each(|(octet, key)| *octet ^= key);
            octets.into()
        }
    };
    SocketAddr::new(ip, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSACTION: Transaction = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";
    /// RFC 5769, section 2.2 and 2.3, with the address alone.
    const V4: &[u8] = b"\x01\x01\x00\x0c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43";
    const V6: &[u8] = b"\x01\x01\x00\x18\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9";

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_samples_of_the_rfc_are_read_and_written() {
        let samples = [(V4, at("192.0.2.1:32853")), (V6, at("[2001:db8:1234:5678:11:2233:4455:6677]:32853"))];
        for (bytes, address) in samples {
            assert_eq!(read(bytes), Some(Message::Answer(TRANSACTION, Some(address))));
            assert_eq!(answer(&request(TRANSACTION), address).as_deref(), Some(bytes));
        }
        assert_eq!(answer(&request(TRANSACTION), at("[::ffff:192.0.2.1]:32853")).as_deref(), Some(V4));
    }

    #[test]
    fn an_old_server_is_understood() {
        let old = message(SUCCESS, TRANSACTION, &[(MAPPED_ADDRESS, vec![0, 1, 0x10, 0, 9, 8, 7, 6])]);
        assert_eq!(read(&old), Some(Message::Answer(TRANSACTION, Some(at("9.8.7.6:4096")))));
    }

    #[test]
    fn a_dial_back_has_its_length_and_its_token() {
        let token: Token = *b"0123456789abcdef";
        for number in 0..3 {
            let bytes = indication(token, number);
            assert_eq!((bytes.len(), bytes[0]), (INDICATION_LENGTH, 0));
            assert_eq!(read(&bytes), Some(Message::Indication(token)));
            assert_eq!(answer(&bytes, at("1.2.3.4:5")), None);
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_and_what_is_not_ours_left_alone() {
        let change = message(REQUEST, TRANSACTION, &[(0x0003, vec![0, 0, 0, 6])]);
        assert_eq!(read(&answer(&change, at("1.2.3.4:5")).unwrap()), Some(Message::Answer(TRANSACTION, None)));
        let check = message(REQUEST, TRANSACTION, &[(USERNAME, b"a:b".to_vec())]);
        assert_eq!(answer(&check, at("1.2.3.4:5")), None);
        let optional = message(REQUEST, TRANSACTION, &[(0x8022, b"software".to_vec())]);
        assert!(matches!(read(&answer(&optional, at("1.2.3.4:5")).unwrap()), Some(Message::Answer(_, Some(_)))));
    }

    #[test]
    fn no_answer_is_more_than_three_times_its_question() {
        let many = |count: usize, kind: u16| message(REQUEST, TRANSACTION, &vec![(kind, Vec::new()); count]);
        for count in 0..100 {
            for kind in [0x0003, 0x8022] {
                let question = many(count, kind);
                let answer = answer(&question, at("[2001:db8::1]:5")).map_or(0, |answer| answer.len());
                assert!(answer <= MOST * question.len(), "{answer} bytes to {}", question.len());
            }
        }
    }

    #[test]
    fn noise_is_nothing_and_never_panics() {
        for whole in [V4.to_vec(), V6.to_vec(), indication([7; 16], 0), message(REQUEST, TRANSACTION, &[(3, vec![0; 4])])] {
            for length in 0..whole.len() {
                assert_eq!((read(&whole[..length]), answer(&whole[..length], at("1.2.3.4:5"))), (None, None));
            }
            let mut seed = 7_u64;
            for _ in 0..20_000 {
                let mut bytes = whole.clone();
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let at = usize::try_from(seed >> 40).unwrap() % bytes.len();
                bytes[at] = seed.to_le_bytes()[2];
                let _ = (read(&bytes), answer(&bytes, super::tests::at("1.2.3.4:5")));
            }
        }
    }
}
