//! What may come before there are keys: records that nothing vouches for, and among them those that cannot be the other side's.

mod hello;
mod part;

use self::part::{Part, is_handshake, parts};
use super::config::{HELLO_PARTS, MAX_DATAGRAM};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;

/// Keeps from DTLS what is no part of a handshake and would stop it: DTLS takes whatever part of a message comes first, and is
/// at a loss when the rest does not fit. A whole hello that is forged cannot be told apart.
#[derive(Debug)]
pub(super) struct Plain {
    client: bool,
    /// The other side's first message was let through.
    begun: bool,
    /// Datagrams with parts of a dialer's hello.
    held: Vec<Vec<u8>>,
}

/// What to hand to DTLS.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sifted {
    Nothing,
    /// What came.
    It,
    /// What was held, and what came.
    Held(Vec<Vec<u8>>),
}

impl Plain {
    pub(super) fn new(client: bool) -> Self {
        Self { client, begun: false, held: Vec::new() }
    }

    /// Whether the other side has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Looks at what came. `protected` tells that all but a hello is encrypted by now, as in version 1.3.
    pub(super) fn sift(&mut self, datagram: &[u8], protected: bool) -> Sifted {
        if self.begun {
            let hello = if self.client { SERVER_HELLO } else { CLIENT_HELLO };
            let fits = !protected || parts(datagram).all(|part| part.is_some_and(|part| part.kind == hello));
            return if fits { Sifted::It } else { Sifted::Nothing };
        }
        if self.client { self.answered(datagram) } else { self.asked(datagram) }
    }

    /// A listener's first flight begins with its hello, or with the request for another one of ours.
    fn answered(&mut self, datagram: &[u8]) -> Sifted {
        self.begun = parts(datagram).next().flatten().is_some_and(|part| match part.kind {
            _ if part.number != 0 || !part.is_whole() => false,
            SERVER_HELLO => hello::is_of_server(part.body),
            HELLO_VERIFY_REQUEST => hello::is_request(part.body),
            _ => false,
        });
        if self.begun { Sifted::It } else { Sifted::Nothing }
    }

    /// A dialer's first flight is its hello, in one part or several.
    fn asked(&mut self, datagram: &[u8]) -> Sifted {
        let of_hello = |part: Option<Part<'_>>| part.is_some_and(|part| part.kind == CLIENT_HELLO && part.number == 0);
        if !is_handshake(datagram) || datagram.len() > MAX_DATAGRAM || !parts(datagram).all(of_hello) {
            return Sifted::Nothing;
        }
        if self.held.len() == HELLO_PARTS {
            // Who is there sends it again.
            self.held.remove(0);
        }
        self.held.push(datagram.to_vec());
        let length = parts(datagram).flatten().next().map_or(0, |part| part.length);
        let Some(body) = self.whole(length) else { return Sifted::Nothing };
        let of_it = |datagram: &Vec<u8>| parts(datagram).flatten().all(|part| part.length == length);
        let (taken, rest) = std::mem::take(&mut self.held).into_iter().partition(of_it);
        self.begun = hello::is_of_client(&body);
        if self.begun {
            return Sifted::Held(taken);
        }
        self.held = rest;
        Sifted::Nothing
    }

    /// The hello of that length, once all its parts are here.
    fn whole(&self, length: usize) -> Option<Vec<u8>> {
        let all: Vec<Part<'_>> = self.held.iter().flat_map(|datagram| parts(datagram)).flatten().collect();
        let mut body = Vec::new();
        while body.len() < length {
            let at = body.len();
            let fits = |part: &&Part<'_>| part.length == length && part.offset <= at && part.offset + part.body.len() > at;
            let part = all.iter().find(fits)?;
            body.extend_from_slice(&part.body[at - part.offset..]);
        }
        Some(body)
    }
}

#[cfg(test)]
mod tests;
