//! multistream-select.

use futures::{AsyncReadExt, AsyncWriteExt, future::join};

use super::*;
use crate::model::Cause;

fn no_common(offered: &str) -> Cause {
    Cause::NoCommonProtocol { offered: Some(vec![offered.to_owned()]) }
}

#[tokio::test]
async fn agrees_and_carries_on_byte_by_byte() {
    let (mut near, mut far) = pipe();
    (near.sip, far.sip) = (1, 1);
    let dialer = async {
        let mut stream = propose(near, "/b");
        stream.write_all(b"hello").await.unwrap();
        stream.flush().await.unwrap();
        let mut said = [0; 2];
        stream.read_exact(&mut said).await.unwrap();
        assert!(stream.confirmation().arrived());
        said
    };
    let listener = async {
        let (protocol, mut stream) = answer(far, &["/a", "/b"]).await.unwrap();
        let mut said = [0; 5];
        stream.read_exact(&mut said).await.unwrap();
        stream.write_all(b"ok").await.unwrap();
        (protocol, said, stream)
    };
    let (ok, (protocol, hello, _stream)) = join(dialer, listener).await;
    assert_eq!((&ok, protocol, &hello), (b"ok", "/b", b"hello"));
}

#[tokio::test]
async fn a_refusal_is_typed_on_both_sides() {
    let (near, far) = pipe();
    let dialer = async {
        let mut stream = propose(near, "/c");
        let mut io_error = [0];
        stream.write_all(b"what would follow").await.unwrap();
        stream.flush().await.unwrap();
        let first = Fault::from_io(&stream.read(&mut io_error).await.unwrap_err(), Cause::Malformed);
        assert_eq!(stream.confirmed().await.unwrap_err(), first, "and stays refused");
        first
    };
    let (refused, unanswered) = join(dialer, answer(far, &["/a", "/b"])).await;
    assert_eq!(refused.cause, no_common("/c"));
    let Unanswered { fault, asked } = unanswered.map(drop).unwrap_err();
    assert_eq!(fault.cause, Cause::NoCommonProtocol { offered: Some(vec!["/a".to_owned(), "/b".to_owned()]) });
    assert_eq!(asked, ["/c"]);
}

/// What a listener says to a proposal before it hangs up, and what is made of it.
#[tokio::test]
async fn other_answers_are_typed() {
    let header = b"\x13/multistream/1.0.0\n";
    let cases: [(&[u8], Cause); 6] = [
        (b"", Cause::Closed),
        (b"\x13/multi", Cause::Closed),
        (header, Cause::Closed),
        (b"SSH-2.0-OpenSSH_9.6\r\n", Cause::NotLibp2p { speaks: None }),
        (b"\x13/multistream/2.0.0\n", Cause::NotLibp2p { speaks: None }),
        (b"\x13/multistream/1.0.0\n\x07/other\n", Cause::NotLibp2p { speaks: None }),
    ];
    for (said, cause) in cases {
        let (near, mut far) = pipe();
        far.write_all(said).await.unwrap();
        drop(far);
        let fault = propose(near, "/noise").confirmed().await.unwrap_err();
        assert_eq!(fault.cause, cause, "{}", said.escape_ascii());
    }
}

/// What a dialer says before it hangs up, and what is made of it.
#[tokio::test]
async fn other_dialers_are_typed() {
    let cases: [(&[u8], Cause); 5] = [
        (b"", Cause::Closed),
        (b"\x13/multistream", Cause::Closed),
        (b"GET / HTTP/1.1\r\n\r\n", Cause::NotLibp2p { speaks: None }),
        (b"\x13/multistream/1.0.0\n\xff\xff\xff\xff\xff", Cause::NotLibp2p { speaks: None }),
        (b"\x13/multistream/1.0.0\n\x02/a", Cause::NotLibp2p { speaks: None }),
    ];
    for (said, cause) in cases {
        let (mut near, far) = pipe();
        near.write_all(said).await.unwrap();
        near.close().await.unwrap();
        let unanswered = answer(far, &["/a"]).await.map(drop).unwrap_err();
        assert_eq!(unanswered.fault.cause, cause, "{}", said.escape_ascii());
        assert!(unanswered.asked.is_empty());
    }
}

#[tokio::test]
async fn nobody_asks_without_end() {
    let (mut near, far) = pipe();
    near.write_all(b"\x13/multistream/1.0.0\n").await.unwrap();
    for _ in 0..100 {
        near.write_all(b"\x03/x\n").await.unwrap();
    }
    let unanswered = answer(far, &["/a"]).await.map(drop).unwrap_err();
    assert_eq!(unanswered.asked.len(), 16);
    assert_eq!(unanswered.fault.cause, no_common("/a"));
}
