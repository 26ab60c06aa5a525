//! How many questions are answered. A source is easily forged, and an answer is longer than its question: little is sent to
//! any address, and not much in all.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use crate::transport::quic::source;

/// What is counted is forgotten after this time.
const WINDOW: Duration = Duration::from_secs(10);
/// Answers to one address in a window, 5 kB: a run of `nat` asks each port a few times, and a tool that looks at a NAT all around
/// about twenty times.
pub(crate) const EACH: u32 = 100;
/// Answers to all in a window, 10 kB a second, and entries of the table.
const ALL: u32 = 2000;

/// What was answered in a window.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    began: Option<Duration>,
    all: u32,
    sources: HashMap<IpAddr, u32>,
}

impl Allowance {
    /// Whether somebody there may be answered; it counts as answered then. `now` is the time since any moment, always the same.
    pub(crate) fn admit(&mut self, now: Duration, from: IpAddr) -> bool {
        if self.began.is_none_or(|began| now.saturating_sub(began) >= WINDOW) {
            *self = Self { began: Some(now), ..Self::default() };
        }
        if self.all >= ALL {
            return false;
        }
        let answers = self.sources.entry(source(from)).or_default();
        let within = *answers < EACH;
        *answers += u32::from(within);
        self.all += u32::from(within);
        within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(0x0b16_2100 + n).into()
    }

    #[test]
    fn each_has_its_share_for_a_while() {
        let mut allowance = Allowance::default();
        let mut answered = |after, from| (0..3 * EACH).filter(|_| allowance.admit(after, from)).count();
        assert_eq!(answered(Duration::ZERO, ip(1)), EACH as usize);
        assert_eq!(answered(WINDOW / 2, ip(1)), 0);
        assert_eq!(answered(WINDOW / 2, ip(2)), EACH as usize);
        assert_eq!(answered(WINDOW, ip(1)), EACH as usize);
        // A network of IPv6 is one.
        let host = |n: u16| IpAddr::from([0x2606, 0x4700, 0, 0, 0, 0, 0, n]);
        assert_eq!(answered(WINDOW, host(1)), EACH as usize);
        assert_eq!(answered(WINDOW, host(2)), 0);
    }

    #[test]
    fn all_together_have_a_share_and_the_table_is_bounded() {
        let mut allowance = Allowance::default();
        let answered = (0..10 * ALL).filter(|n| allowance.admit(Duration::ZERO, ip(*n))).count();
        assert_eq!((answered, allowance.sources.len()), (ALL as usize, ALL as usize));
        assert!(allowance.admit(WINDOW, ip(0)));
        assert_eq!(allowance.sources.len(), 1);
    }
}
