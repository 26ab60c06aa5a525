//! A report as bytes: pure functions, no output.

mod address;
mod clean;
pub mod json;
pub mod pages;
mod phrase;
mod style;
mod text;

pub use address::address;
pub use clean::clean;
pub use style::Style;
pub(crate) use style::{Piece, Tone};
pub use text::text;
