//! What may be sent to addresses that nobody has proved to be at: a listener's answers must not be worth forging a source for.

use std::net::SocketAddr;

use super::config::AMPLIFICATION;
use super::recent::Recent;

/// Bytes that may still be sent, by address.
#[derive(Debug, Default)]
pub(super) struct Credits(Recent<usize>);

impl Credits {
    /// So many bytes came from there.
    pub(super) fn earn(&mut self, from: SocketAddr, bytes: usize) {
        if let (Some(credit), _) = self.0.hear(from, || 0) {
            *credit = credit.saturating_add(AMPLIFICATION * bytes);
        }
    }

    /// Whether so many bytes may be sent there; they count as sent then.
    pub(super) fn spend(&mut self, to: SocketAddr, bytes: usize) -> bool {
        let credit = self.0.get_mut(to).filter(|credit| **credit >= bytes);
        credit.map(|credit| *credit -= bytes).is_some()
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
        assert!(credits.spend(address(99), 30) && !credits.spend(address(2), 1), "the last ones alone are kept");
    }
}
