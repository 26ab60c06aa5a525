//! What reads bytes of strangers, by itself.

use super::super::super::framing::{self, MAX_DATA, MAX_MESSAGE, Reader};
use super::super::super::substream::{Read, Substream};
use super::super::credentials::Credentials;
use super::super::dcep as protocol;
use super::super::stun::Request;
use super::input::Input;

/// A binding request, and the credentials that it carries.
pub fn stun(data: &[u8]) {
    if let Some(request) = Request::parse(data) {
        request.is_signed_by(request.username);
        if let Some(credentials) = Credentials::of_username(request.username) {
            let name = format!("{}:{}", credentials.server.ufrag, credentials.client.ufrag);
            assert_eq!(name, request.username);
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        Credentials::of_username(text);
    }
}

/// A message that opens a channel.
pub fn dcep(data: &[u8]) {
    if protocol::parse(data) == Some(protocol::Message::Open) {
        assert!(data.len() >= protocol::OPEN.len());
    }
}

/// Messages of a stream, in pieces of any length; and a stream that takes them.
pub fn framing(data: &[u8]) {
    let mut input = Input::new(data);
    let (mut reader, mut stream) = (Reader::default(), Substream::default());
    let mut written = 0;
    while !input.is_empty() {
        let piece = input.bytes();
        reader.push(piece);
        let frames: Result<Vec<_>, _> = std::iter::from_fn(|| reader.next_frame().transpose()).collect();
        let received = stream.receive(piece);
        assert_eq!(frames.as_ref().err(), received.as_ref().err());
        let Ok(frames) = frames else { return };
        for frame in frames {
            assert!(frame.data.len() <= MAX_MESSAGE);
            written += frame.data.len();
            if frame.data.len() <= MAX_DATA {
                let mut again = Reader::default();
                again.push(&framing::encode(frame.flag, &frame.data));
                assert_eq!(again.next_frame(), Ok(Some(frame)));
            }
        }
        assert!(stream.unread() <= written);
        use_stream(&mut stream, &mut input);
    }
}

fn use_stream(stream: &mut Substream, input: &mut Input<'_>) {
    let mut buffer = [0; 64];
    match input.byte() % 8 {
        0 => stream.finish(),
        1 => stream.abandon(),
        2 => stream.channel_closed(),
        3 => {
            let _ = stream.write(input.bytes());
        }
        4 => while matches!(stream.read(&mut buffer), Read::Bytes(_)) {},
        _ => {}
    }
    // Each flag is said once.
    assert!(std::iter::from_fn(|| stream.next_message()).count() <= 4);
    stream.is_over();
}
