//! What may be sent to dialers who have not proved their address: no more than three times what came from there, so that a forged
//! source is worth nothing (RFC 9000, section 8.1). quinn keeps to that but for the last datagram, which it always sends whole.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::socket::canonical;

/// Bytes sent for each that came.
const TIMES: usize = 3;
/// The first datagram of a dialer has so many bytes at the least (RFC 9000, section 14.1).
const FIRST: usize = 1200;
/// Addresses that are remembered: four times the handshakes that a listener does at once, since those that failed stay, for what is
/// still to be sent there.
const MOST: usize = 256;

/// Addresses that are not proved, and the bytes that may still be sent to each.
#[derive(Debug, Default)]
pub(super) struct Unproven(Mutex<Accounts>);

#[derive(Debug, Default)]
struct Accounts {
    by_address: HashMap<SocketAddr, Account>,
    opened: u64,
    /// How many connections there are with each address that was proved: no entry is zero, so that there are never more than
    /// connections.
    proved: HashMap<SocketAddr, usize>,
}

/// Whoever has a connection has proved its address for as long as it has it: one who forges it changes nothing.
#[derive(Debug)]
pub(super) struct Proof {
    unproven: Arc<Unproven>,
    address: SocketAddr,
}

#[derive(Debug)]
struct Account {
    credit: usize,
    /// Its number, to tell which is the oldest.
    number: u64,
}

impl Unproven {
    /// Somebody has come from there with a first datagram.
    pub(super) fn meet(&self, address: SocketAddr) {
        let mut accounts = self.accounts();
        let address = canonical(address);
        // What came was counted.
        if accounts.by_address.contains_key(&address) || accounts.proved.contains_key(&address) {
            return;
        }
        if accounts.by_address.len() >= MOST {
            let oldest = accounts.by_address.iter().min_by_key(|(_, account)| account.number).map(|(address, _)| *address);
            oldest.and_then(|oldest| accounts.by_address.remove(&oldest));
        }
        accounts.opened += 1;
        let account = Account { credit: TIMES * FIRST, number: accounts.opened };
        accounts.by_address.insert(address, account);
    }

    /// Whoever is there has answered from there.
    pub(super) fn proved(self: &Arc<Self>, address: SocketAddr) -> Proof {
        let address = canonical(address);
        let mut accounts = self.accounts();
        accounts.by_address.remove(&address);
        *accounts.proved.entry(address).or_default() += 1;
        Proof { unproven: Arc::clone(self), address }
    }

    /// So many bytes came from there.
    pub(super) fn came(&self, address: SocketAddr, bytes: usize) {
        if let Some(account) = self.accounts().by_address.get_mut(&canonical(address)) {
            account.credit = account.credit.saturating_add(TIMES * bytes);
        }
    }

    /// Whether so many bytes may be sent there; they count as sent then.
    pub(super) fn may_send(&self, address: SocketAddr, bytes: usize) -> bool {
        let mut accounts = self.accounts();
        let Some(account) = accounts.by_address.get_mut(&canonical(address)) else { return true };
        let left = account.credit.checked_sub(bytes);
        account.credit = left.unwrap_or(account.credit);
        left.is_some()
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Proof {
    fn drop(&mut self) {
        let mut accounts = self.unproven.accounts();
        if let Some(count) = accounts.proved.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                accounts.proved.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn nobody_is_sent_more_than_three_times_what_came() {
        let unproven = Arc::new(Unproven::default());
        assert!(unproven.may_send(at(1), 1 << 20), "nobody is known there");
        unproven.meet(at(1));
        assert!(unproven.may_send(at(1), 3600) && !unproven.may_send(at(1), 1));
        unproven.came(at(1), 100);
        // It came once more: its datagram is counted once.
        unproven.meet(at(1));
        assert!(!unproven.may_send(at(1), 301) && unproven.may_send(at(1), 300) && !unproven.may_send(at(1), 1));
        assert!(unproven.may_send(at(2), 1 << 20));
        let [first, second] = [(); 2].map(|()| unproven.proved("[::ffff:192.0.2.1]:1".parse().unwrap()));
        for connection in [first, second] {
            // A forged datagram takes nothing from who has a connection.
            unproven.meet(at(1));
            assert!(unproven.may_send(at(1), 1 << 20));
            drop(connection);
        }
        assert!(unproven.accounts().proved.is_empty());
        unproven.meet(at(1));
        assert!(!unproven.may_send(at(1), 1 << 20));
    }

    #[test]
    fn the_oldest_is_forgotten_when_there_are_too_many() {
        let unproven = Unproven::default();
        for port in 0..=u16::try_from(MOST).unwrap() {
            unproven.meet(at(port));
        }
        assert_eq!(unproven.accounts().by_address.len(), MOST);
        assert!(unproven.may_send(at(0), 1 << 20) && !unproven.may_send(at(1), 1 << 20));
    }
}
