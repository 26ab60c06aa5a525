//! How a stage or an attempt ended.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cause, Why, WhyCode};

/// How something ended. What was not tested is `skipped` or `unknown`, never `failed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It works.
    Passed,
    /// It does not work.
    Failed {
        /// Why it failed.
        cause: Cause,
    },
    /// It was left out on purpose.
    Skipped {
        /// Why it was left out.
        why: Why,
    },
    /// It could not be told.
    Unknown {
        /// Why it could not be told.
        why: Why,
    },
}

impl Outcome {
    /// Failed, and why.
    #[must_use]
    pub fn failed(cause: Cause) -> Self {
        Self::Failed { cause }
    }

    /// Left out, and why.
    #[must_use]
    pub fn skipped(code: WhyCode) -> Self {
        Self::Skipped { why: code.into() }
    }

    /// Could not be told, and why.
    #[must_use]
    pub fn unknown(code: WhyCode) -> Self {
        Self::Unknown { why: code.into() }
    }

    /// The cause of a failure.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Failed { cause } => Some(cause),
            Self::Passed | Self::Skipped { .. } | Self::Unknown { .. } => None,
        }
    }

    /// Whether it passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        matches!(self, Self::Passed)
    }
}
