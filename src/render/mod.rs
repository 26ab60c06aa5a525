//! A report as bytes: pure functions, no output.

mod address;
mod clean;
mod comparison;
pub mod html;
pub mod json;
pub mod pages;
mod phrase;
mod style;
mod text;

pub use address::address;
pub use clean::clean;
pub use comparison::comparison;
pub(crate) use phrase::cause as cause_in_words;
pub use style::Style;
pub(crate) use style::{Piece, Tone};
pub use text::text;
