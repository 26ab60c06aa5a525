//! What is let through and what is held.

use super::*;

/// A record with parts of messages.
fn record(parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 3], &length[..], &body].concat()
}

fn part(kind: u8, number: u8, whole: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    let three = |number: usize| [0, u8::try_from(number >> 8).unwrap(), u8::try_from(number & 0xff).unwrap()];
    let body = &whole[range.clone()];
    let head = [&[kind][..], &three(whole.len()), &[0, number], &three(range.start), &three(body.len())].concat();
    [head, body.to_vec()].concat()
}

fn client_hello() -> Vec<u8> {
    let extension = [&[0, 43, 0, 3, 2, 0xfe, 0xfc][..], &[0, 21, 1, 0], &[0; 256]].concat();
    let length = u16::try_from(extension.len()).unwrap().to_be_bytes();
    [&[0xfe, 0xfd][..], &[7; 32], &[0, 0], &[0, 4, 0x13, 1, 0xc0, 0x2b], &[1, 0], &length, &extension].concat()
}

fn server_hello() -> Vec<u8> {
    [&[0xfe, 0xfd][..], &[7; 32], &[0], &[0x13, 1], &[0], &[0, 6, 0, 43, 0, 2, 0xfe, 0xfc]].concat()
}

fn all(kind: u8, whole: &[u8]) -> Vec<u8> {
    record(&[part(kind, 0, whole, 0..whole.len())])
}

#[test]
fn a_hello_is_let_through_whole_and_in_parts() {
    let hello = client_hello();
    assert_eq!(Plain::new(false).sift(&all(1, &hello), false), Sifted::Held(vec![all(1, &hello)]));
    let (first, second) = (record(&[part(1, 0, &hello, 0..200)]), record(&[part(1, 0, &hello, 200..hello.len())]));
    for order in [[&first, &second], [&second, &first]] {
        let mut plain = Plain::new(false);
        assert_eq!(plain.sift(order[0], false), Sifted::Nothing);
        // Nonsense between them.
        assert_eq!(plain.sift(&all(1, &[3; 90]), false), Sifted::Nothing);
        assert!(!plain.has_begun());
        assert_eq!(plain.sift(order[1], false), Sifted::Held(vec![order[0].clone(), order[1].clone()]));
        assert!(plain.has_begun());
    }
    let both = record(&[part(1, 0, &hello, 0..9), part(1, 0, &hello, 9..hello.len())]);
    assert_eq!(Plain::new(false).sift(&both, false), Sifted::Held(vec![both.clone()]));
}

#[test]
fn a_listeners_first_flight_begins_with_its_hello() {
    let flight = [all(2, &server_hello()), vec![0x2f; 80]].concat();
    assert_eq!(Plain::new(true).sift(&flight, false), Sifted::It);
    assert_eq!(Plain::new(true).sift(&all(3, &[0xfe, 0xff, 2, 9, 9]), false), Sifted::It);
    for other in [all(2, &[7; 70]), all(3, &[0xfe, 0xff, 0]), all(11, &[0; 3]), vec![0x2f; 80], all(1, &client_hello())] {
        assert_eq!(Plain::new(true).sift(&other, false), Sifted::Nothing);
    }
}

#[test]
fn once_there_are_keys_hellos_alone_are_without() {
    let mut plain = Plain::new(false);
    plain.sift(&all(1, &client_hello()), false);
    assert_eq!(plain.sift(&all(11, &[1; 9]), false), Sifted::It, "of version 1.2");
    assert_eq!(plain.sift(&all(11, &[1; 9]), true), Sifted::Nothing);
    assert_eq!(plain.sift(&all(1, &client_hello()), true), Sifted::It, "it is repeated");
    assert_eq!(plain.sift(&[0x2f; 50], true), Sifted::It);
}

#[test]
fn what_is_held_is_bounded() {
    let mut plain = Plain::new(false);
    for number in 0..=255 {
        let mut hello = client_hello();
        hello.resize(300 + number, 0);
        assert_eq!(plain.sift(&record(&[part(1, 0, &hello, 0..100)]), false), Sifted::Nothing);
        assert!(plain.held.len() <= HELLO_PARTS);
    }
    assert_eq!(plain.sift(&all(1, &vec![1; MAX_DATAGRAM]), false), Sifted::Nothing);
    assert!(plain.held.iter().all(|datagram| datagram.len() <= MAX_DATAGRAM));
    assert!(matches!(plain.sift(&all(1, &client_hello()), false), Sifted::Held(_)), "the rest does not stand in its way");
}

#[test]
fn what_is_cut_is_nothing_and_never_panics() {
    for (client, whole) in [(false, all(1, &client_hello())), (true, all(2, &server_hello()))] {
        for length in 0..whole.len() {
            assert_eq!(Plain::new(client).sift(&whole[..length], false), Sifted::Nothing, "{length}");
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                let _ = Plain::new(client).sift(&changed, true);
            }
        }
    }
}
