//! What messages do to a stream, and what it says.

use super::*;

fn message(flag: Option<Flag>, data: &[u8]) -> Vec<u8> {
    framing::encode(flag, data)
}

fn said(stream: &mut Substream) -> Vec<Flag> {
    let mut reader = Reader::default();
    let mut flags = Vec::new();
    while let Some(message) = stream.next_message() {
        reader.push(&message);
        flags.extend(reader.next_frame().unwrap().unwrap().flag);
    }
    flags
}

fn read(stream: &mut Substream) -> (Vec<u8>, Read) {
    let mut all = Vec::new();
    let mut buffer = [0; 3];
    loop {
        match stream.read(&mut buffer) {
            Read::Bytes(count) => all.extend(&buffer[..count]),
            other => return (all, other),
        }
    }
}

/// What comes, what is said to it, what is read, and whether writing is possible after it.
#[test]
fn each_message_has_its_effect() {
    type Row = (&'static str, Vec<Vec<u8>>, Vec<Flag>, (&'static [u8], Read), Result<(), Unwritable>);
    let table: Vec<Row> = vec![
        ("data", vec![message(None, b"abc"), message(None, b"d")], vec![], (b"abcd", Read::Pending), Ok(())),
        ("an empty message is no end", vec![message(None, b"")], vec![], (b"", Read::Pending), Ok(())),
        ("data and end in one", vec![message(Some(Flag::Fin), b"abc")], vec![Flag::FinAck], (b"abc", Read::End), Ok(())),
        (
            "nothing counts after the end",
            vec![message(Some(Flag::Fin), b"a"), message(None, b"b")],
            vec![Flag::FinAck],
            (b"a", Read::End),
            Ok(()),
        ),
        (
            "a reset drops what was unread",
            vec![message(None, b"abc"), message(Some(Flag::Reset), b"")],
            vec![],
            (b"", Read::Reset),
            Ok(()),
        ),
        (
            "a reset after the end changes nothing",
            vec![message(Some(Flag::Fin), b"a"), message(Some(Flag::Reset), b"")],
            vec![Flag::FinAck],
            (b"a", Read::End),
            Ok(()),
        ),
        ("stop", vec![message(Some(Flag::StopSending), b"abc")], vec![], (b"abc", Read::Pending), Err(Unwritable::Stopped)),
        ("an acknowledgement of nothing", vec![message(Some(Flag::FinAck), b"a")], vec![], (b"a", Read::Pending), Ok(())),
        ("many ends are acknowledged once", vec![message(Some(Flag::Fin), b""); 5], vec![Flag::FinAck], (b"", Read::End), Ok(())),
    ];
    for (name, messages, flags, reads, writable) in table {
        let mut stream = Substream::default();
        for message in &messages {
            stream.receive(message).unwrap();
        }
        assert_eq!(said(&mut stream), flags, "{name}");
        let (bytes, end) = read(&mut stream);
        assert_eq!((bytes.as_slice(), end), reads, "{name}");
        assert_eq!(stream.writable(), writable, "{name}");
    }
}

#[test]
fn each_half_ends_by_itself() {
    let mut stream = Substream::default();
    stream.finish();
    stream.finish();
    assert_eq!(said(&mut stream), [Flag::Fin]);
    assert_eq!(stream.write(b"more"), Err(Unwritable::Closed));
    stream.receive(&message(None, b"still read")).unwrap();
    assert_eq!(read(&mut stream), (b"still read".to_vec(), Read::Pending));
    stream.receive(&message(Some(Flag::FinAck), b"")).unwrap();
    assert!(!stream.is_over());
    stream.receive(&message(Some(Flag::Fin), b"")).unwrap();
    assert!(!stream.is_over(), "the acknowledgement has still to leave");
    assert_eq!(said(&mut stream), [Flag::FinAck]);
    assert!(stream.is_over());
}

#[test]
fn a_stream_let_go_is_reset_and_one_that_was_finished_waits_for_its_acknowledgement() {
    let mut dropped = Substream::default();
    dropped.abandon();
    assert_eq!(said(&mut dropped), [Flag::Reset, Flag::StopSending]);
    assert!(!dropped.is_over(), "the other side may still send");
    dropped.receive(&message(Some(Flag::Reset), b"")).unwrap();
    assert!(dropped.is_over());

    let mut finished = Substream::default();
    finished.finish();
    finished.abandon();
    assert_eq!(said(&mut finished), [Flag::Fin, Flag::StopSending]);
    assert!(!finished.is_over());
    finished.receive(&message(None, b"unwanted")).unwrap();
    assert_eq!(finished.unread(), 0);
    finished.receive(&message(Some(Flag::FinAck), b"")).unwrap();
    finished.receive(&message(Some(Flag::Fin), b"")).unwrap();
    assert_eq!(said(&mut finished), [Flag::FinAck]);
    assert!(finished.is_over());
}

/// js-libp2p pings like this: its channel's id is used again as soon as we close the channel, while it has still to
/// acknowledge.
#[test]
fn who_reads_no_more_is_still_told_of_the_end_and_waited_for() {
    for let_go_early in [false, true] {
        let mut stream = Substream::default();
        stream.receive(&message(Some(Flag::Fin), b"ping")).unwrap();
        stream.receive(&message(Some(Flag::StopSending), b"")).unwrap();
        assert_eq!(said(&mut stream), [Flag::FinAck]);
        if !let_go_early {
            stream.finish();
        }
        stream.abandon();
        assert_eq!(said(&mut stream), [Flag::Fin]);
        assert!(!stream.is_over(), "it has still to acknowledge");
        stream.receive(&message(Some(Flag::FinAck), b"")).unwrap();
        assert!(stream.is_over());
    }

    let mut finished = Substream::default();
    finished.receive(&message(Some(Flag::Fin), b"ping")).unwrap();
    finished.finish();
    finished.abandon();
    finished.receive(&message(Some(Flag::StopSending), b"")).unwrap();
    assert_eq!(said(&mut finished), [Flag::FinAck, Flag::Fin]);
    assert!(!finished.is_over(), "it has still to acknowledge");
    finished.channel_closed();
    assert!(finished.is_over());
}

#[test]
fn a_closed_channel_is_a_reset_unless_the_end_came() {
    let mut open = Substream::default();
    open.receive(&message(None, b"part")).unwrap();
    open.channel_closed();
    assert_eq!(read(&mut open), (b"part".to_vec(), Read::Reset));
    assert_eq!(open.writable(), Err(Unwritable::Stopped));

    let mut ended = Substream::default();
    ended.receive(&message(Some(Flag::Fin), b"all")).unwrap();
    ended.channel_closed();
    assert_eq!(read(&mut ended), (b"all".to_vec(), Read::End));
    assert!(ended.is_over());
}

#[test]
fn what_is_written_is_read_on_the_other_side() {
    let (mut from, mut to) = (Substream::default(), Substream::default());
    let data: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut rest = data.as_slice();
    while !rest.is_empty() {
        let (message, count) = from.write(rest).unwrap();
        assert!(message.len() <= framing::MAX_MESSAGE);
        to.receive(&message).unwrap();
        rest = &rest[count..];
    }
    assert_eq!(to.unread(), data.len());
    assert_eq!(read(&mut to), (data, Read::Pending));
}
