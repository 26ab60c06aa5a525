//! What the own network does to peers, measured from the very socket under test.
//!
//! ```text
//! vantage points ─► measurements ─► NatFound events ─► classify::Observed ─► classify::classify ─► report.nat
//! ```
//!
//! What is seen is told as it is, one [`NatFound`](crate::model::NatFound) each. What it means is decided in [`classify`]
//! alone, by pure functions: the same observations always give the same report.

#[cfg(feature = "native")]
pub mod autonat;
pub mod classify;
#[cfg(feature = "native")]
pub mod dialback;
#[cfg(feature = "native")]
pub(crate) mod gateway;
#[cfg(feature = "native")]
pub mod measure;
#[cfg(feature = "session")]
pub mod punch;
#[cfg(feature = "session")]
pub mod relay;
