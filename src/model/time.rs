//! Times as reports carry them: whole microseconds, written as milliseconds; stamps in RFC 3339 UTC.

use std::{
    borrow::Cow,
    fmt,
    iter::Sum,
    ops::{Add, Sub},
    time::{Duration, SystemTime},
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A time span, or a moment since the run began, in whole microseconds. In JSON: milliseconds with three decimals at
/// the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

impl Micros {
    /// The span between two moments, zero when they are the wrong way round.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }

    /// In milliseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact for 285 years of microseconds")]
    pub fn as_ms(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

impl From<Duration> for Micros {
    fn from(span: Duration) -> Self {
        Self(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
    }
}

impl From<Micros> for Duration {
    fn from(span: Micros) -> Self {
        Self::from_micros(span.0)
    }
}

impl Add for Micros {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Micros {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.since(other)
    }
}

impl Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(spans: I) -> Self {
        spans.fold(Self(0), Add::add)
    }
}

impl fmt::Display for Micros {
    /// Milliseconds with one decimal. What is there but rounds to nothing is `<0.1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if (1..50).contains(&self.0) {
            return f.write_str("<0.1");
        }
        write!(f, "{:.1}", self.as_ms())
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_ms())
    }
}

impl<'de> Deserialize<'de> for Micros {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be finite and not negative; a cast saturates"
    )]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ms = f64::deserialize(deserializer)?;
        if !ms.is_finite() || ms < 0.0 {
            return Err(D::Error::custom("a time in milliseconds is not negative"));
        }
        Ok(Self((ms * 1000.0).round() as u64))
    }
}

impl JsonSchema for Micros {
    fn schema_name() -> Cow<'static, str> {
        "Milliseconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "number",
            "minimum": 0,
            "description": "Milliseconds, to the microsecond."
        })
    }
}

/// A moment in RFC 3339, UTC, to the millisecond.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Stamp(pub String);

impl Stamp {
    /// The moment of a system time.
    #[must_use]
    pub fn at(time: SystemTime) -> Self {
        Self(humantime::format_rfc3339_millis(time).to_string())
    }

    /// The moment as a system time, if it reads as one.
    #[must_use]
    pub fn time(&self) -> Option<SystemTime> {
        humantime::parse_rfc3339(&self.0).ok()
    }

    /// The day alone: `2026-11-02`.
    #[must_use]
    pub fn day(&self) -> &str {
        self.0.get(..10).unwrap_or(&self.0)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
