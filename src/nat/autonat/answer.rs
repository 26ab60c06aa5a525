//! What a server says about an address.

use multiaddr::Multiaddr;

use crate::model::WhyCode;

/// Characters that are kept of a server's words.
const MAX_WORDS: usize = 200;

/// What a server says about an address. It may be wrong, or a lie.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It came through.
    Connected {
        /// Over which address, where it tells (version 1).
        over: Option<Multiaddr>,
        /// What it says beside that.
        words: Option<String>,
    },
    /// It dialed and did not come through.
    Failed {
        /// What it says.
        words: String,
    },
    /// It did not dial, or says nothing of use.
    NotTested {
        /// The kind of reason.
        why: WhyCode,
        /// What it says.
        words: String,
    },
}

impl Answer {
    pub(super) fn not_tested(why: WhyCode, words: impl Into<String>) -> Self {
        Self::NotTested { why, words: words.into() }
    }
}

/// The name of a status, and the words that came with it, cut to what a report holds.
pub(super) fn said(status: &str, text: &str) -> String {
    let text: String = text.chars().filter(|char| !char.is_control()).take(MAX_WORDS).collect();
    if text.is_empty() { status.to_owned() } else { format!("{status}: {text}") }
}
