//! How many lines people are shown.

use std::time::Duration;

use super::Allowance;

/// Lines about dialers in a second. A flood of dialers is counted, not written down.
const EACH_SECOND: u32 = 20;

/// Keeps the lines about dialers to so many in a second.
#[derive(Debug)]
pub struct Lines {
    allowed: Allowance,
    left_out: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self { allowed: Allowance::new(EACH_SECOND), left_out: 0 }
    }
}

impl Lines {
    /// The line, after how many were left out before it; none when it is one too many. `now` is of a clock that does not go back.
    pub fn next(&mut self, now: Duration, line: impl FnOnce() -> String) -> Option<String> {
        if self.allowed.take(now) {
            return Some(self.rest().unwrap_or_default() + &line());
        }
        self.left_out += 1;
        None
    }

    /// How many were left out at last, if any.
    pub fn rest(&mut self) -> Option<String> {
        let left_out = std::mem::take(&mut self.left_out);
        (left_out > 0).then(|| format!("… {left_out} more\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted() {
        let mut lines = Lines::default();
        let mut next = |us| lines.next(Duration::from_micros(us), || "line\n".into());
        assert_eq!((0..100).filter_map(|_| next(5)).count(), 20);
        assert_eq!(next(1_000_000).unwrap(), "… 80 more\nline\n");
        assert_eq!((0..100).filter_map(|_| next(1_000_001)).filter(|text| text == "line\n").count(), 19);
        assert_eq!(lines.rest().unwrap(), "… 81 more\n");
        assert_eq!(lines.rest(), None);
    }
}
