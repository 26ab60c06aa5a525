//! Why a stage failed.

use crate::model::Cause;

/// Why a stage failed: the cause, typed where it was seen, and the words of the system or the peer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", .message.as_deref().unwrap_or_else(|| .cause.brief()))]
pub struct Fault {
    /// The cause.
    pub cause: Cause,
    /// Words for a reader; nothing is decided by them.
    pub message: Option<String>,
}

impl Fault {
    /// A cause with the words that came with it.
    pub fn new(cause: Cause, message: impl ToString) -> Self {
        Self { cause, message: Some(message.to_string()) }
    }
}

impl From<Cause> for Fault {
    fn from(cause: Cause) -> Self {
        Self { cause, message: None }
    }
}
