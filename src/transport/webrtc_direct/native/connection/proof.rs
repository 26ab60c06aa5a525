//! What proves that a dialer is where its datagrams come from. Anybody can write any source on them, and who signs checks or
//! holds keys has received what these need at one address, and nothing at another (RFC 9000, sections 8.1 and 8.2).

use std::net::SocketAddr;

/// Where the listener's part of the DTLS handshake went. A dialer cannot end a handshake without it: if all of it went to one
/// address, the dialer heard it there, wherever its own last word came from. Checks that were answered prove the others.
#[derive(Debug, Default)]
pub(in super::super) struct Flights {
    to: Option<SocketAddr>,
    /// They went to more than one address, so that any of them may be the only one where they were heard.
    scattered: bool,
    answered: bool,
}

impl Flights {
    /// A datagram leaves. Once the handshake is over it is no part of that.
    pub(super) fn left(&mut self, to: SocketAddr) {
        if !self.answered {
            self.scattered |= self.to.replace(to).is_some_and(|before| before != to);
        }
    }

    /// The other side has ended the handshake.
    pub(in super::super) fn answered(&mut self) {
        self.answered = true;
    }

    /// Whether they were heard there.
    pub(super) fn prove(&self, address: SocketAddr) -> bool {
        self.answered && !self.scattered && self.to == Some(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    #[test]
    fn a_handshake_proves_where_it_went_and_nothing_else() {
        let mut flights = Flights::default();
        assert!(!flights.prove(at(1)));
        flights.left(at(1));
        flights.left(at(1));
        assert!(!flights.prove(at(1)), "not before it is over");
        flights.answered();
        flights.left(at(2));
        assert!(flights.prove(at(1)) && !flights.prove(at(2)));
    }

    #[test]
    fn one_that_went_to_several_addresses_proves_none() {
        let mut flights = Flights::default();
        for port in [1, 2, 1] {
            flights.left(at(port));
        }
        flights.answered();
        assert!(!flights.prove(at(1)) && !flights.prove(at(2)));
    }
}
