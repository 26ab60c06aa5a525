//! What codes and addresses mean. Without a network.

mod address;

pub use address::{Explained, Part, address};

use crate::{
    compare::ReasonCode,
    model::{Cause, HintCode, Page, RemedyCode, VerdictCode, WarningCode, WhyCode},
};

/// How alike a code has to be to be suggested (Jaro-Winkler, 1 for the same).
const ALIKE: f64 = 0.8;
/// How many codes are suggested.
const SUGGESTED: usize = 3;

/// Every page, by family.
pub fn pages() -> impl Iterator<Item = &'static Page> {
    [Cause::PAGES, WhyCode::PAGES, VerdictCode::PAGES, HintCode::PAGES, WarningCode::PAGES, RemedyCode::PAGES, ReasonCode::PAGES]
        .into_iter()
        .flatten()
}

/// The pages of a code: more than one where families share a word.
#[must_use]
pub fn find(code: &str) -> Vec<&'static Page> {
    pages().filter(|page| page.code == code).collect()
}

/// Codes that were probably meant, the likeliest first.
#[must_use]
pub fn nearest(code: &str) -> Vec<&'static str> {
    let code = code.to_ascii_lowercase();
    let likeness = |page: &'static Page| (strsim::jaro_winkler(page.code, &code), page.code);
    let mut alike: Vec<(f64, &'static str)> = pages().map(likeness).filter(|(likeness, _)| *likeness >= ALIKE).collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut codes: Vec<&'static str> = Vec::new();
    for (_, code) in alike {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes.truncate(SUGGESTED);
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_in_their_family_and_have_a_page() {
        let mut seen = std::collections::BTreeSet::new();
        for page in pages() {
            assert!(seen.insert((page.family, page.code)), "{} {} stands twice", page.family, page.code);
            assert!(page.code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", page.code);
            assert!(!page.brief.is_empty() && page.text.iter().any(|line| line.trim().len() > 10), "{}", page.code);
        }
    }

    #[test]
    fn a_word_of_two_families_has_two_pages() {
        assert_eq!(find("refused").iter().map(|page| page.family).collect::<Vec<_>>(), ["cause", "verdict"]);
        assert!(find("nonsense").is_empty());
    }

    #[test]
    fn misspelled_codes_are_met_with_the_right_ones() {
        assert_eq!(nearest("certificate-expird").first(), Some(&"certificate-expired"));
        assert_eq!(nearest("timeout").first(), Some(&"timed-out"));
        assert_eq!(nearest("TIMED_OUT").first(), Some(&"timed-out"));
        assert!(nearest("xyzzy").is_empty());
    }
}
