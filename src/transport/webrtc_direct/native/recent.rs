//! The few addresses that a dialer was last heard from: a NAT that rebinds brings new ones for as long as a connection lasts.

use std::net::SocketAddr;

use super::config::MAX_ADDRESSES;

/// What is kept of each, the last one heard from at the end.
#[derive(Debug)]
pub(super) struct Recent<T>(Vec<(SocketAddr, T)>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Recent<T> {
    /// It was heard from there. What is kept of it, new if there was nothing, and the address that had to go for it.
    pub(super) fn hear(&mut self, from: SocketAddr, new: impl FnOnce() -> T) -> (Option<&mut T>, Option<SocketAddr>) {
        let mut gone = None;
        if let Some(at) = self.0.iter().rposition(|(address, _)| *address == from) {
            self.0[at..].rotate_left(1);
        } else {
            if self.0.len() >= MAX_ADDRESSES {
                gone = Some(self.0.remove(0).0);
            }
            self.0.push((from, new()));
        }
        (self.get_mut(from), gone)
    }

    pub(super) fn get(&self, address: SocketAddr) -> Option<&T> {
        self.0.iter().rev().find(|(known, _)| *known == address).map(|(_, kept)| kept)
    }

    pub(super) fn get_mut(&mut self, address: SocketAddr) -> Option<&mut T> {
        self.0.iter_mut().rev().find(|(known, _)| *known == address).map(|(_, kept)| kept)
    }

    pub(super) fn forget(&mut self, address: SocketAddr) {
        self.0.retain(|(known, _)| *known != address);
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.0.iter().map(|(address, _)| *address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_heard_last_stays() {
        let address = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let mut recent = Recent::default();
        for port in 1..=8 {
            assert_eq!(recent.hear(address(port), || port), (Some(&mut { port }), None));
        }
        // It is in use, whatever else is heard.
        for port in 9..100 {
            assert_eq!(recent.hear(address(1), || 0).0, Some(&mut 1));
            assert!(recent.hear(address(port), || port).1.is_some_and(|gone| gone != address(1)));
        }
        assert_eq!(recent.addresses().count(), MAX_ADDRESSES);
        assert_eq!((recent.get(address(1)), recent.get(address(2))), (Some(&1), None));
        recent.forget(address(1));
        assert_eq!(recent.get(address(1)), None);
    }
}
