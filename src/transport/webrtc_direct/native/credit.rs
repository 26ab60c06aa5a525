//! What may be sent to addresses that nobody has proved to be at: a listener's answers must not be worth forging a source for.

use std::net::SocketAddr;

use super::config::{AMPLIFICATION, MAX_ADDRESSES};

/// Bytes that may still be sent, by address.
#[derive(Debug, Default)]
pub(super) struct Credits(Vec<(SocketAddr, usize)>);

impl Credits {
    /// So many bytes came from there.
    pub(super) fn earn(&mut self, from: SocketAddr, bytes: usize) {
        let earned = AMPLIFICATION * bytes;
        if let Some((_, credit)) = self.0.iter_mut().find(|(address, _)| *address == from) {
            *credit = credit.saturating_add(earned);
        } else if self.0.len() < MAX_ADDRESSES {
            self.0.push((from, earned));
        }
    }

    /// Whether so many bytes may be sent there; they count as sent then.
    pub(super) fn spend(&mut self, to: SocketAddr, bytes: usize) -> bool {
        let credit = self.0.iter_mut().find(|(address, credit)| *address == to && *credit >= bytes);
        credit.map(|(_, credit)| *credit -= bytes).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own() {
        let address = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let mut credits = Credits::default();
        assert!(!credits.spend(address(1), 1));
        credits.earn(address(1), 100);
        assert!(!credits.spend(address(2), 1));
        assert!(credits.spend(address(1), 200) && !credits.spend(address(1), 101) && credits.spend(address(1), 100));
        for port in 2..100 {
            credits.earn(address(port), 10);
        }
        assert_eq!(credits.0.len(), MAX_ADDRESSES);
    }
}
