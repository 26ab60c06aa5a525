//! AutoNAT, versions [1](https://github.com/libp2p/specs/blob/master/autonat/autonat-v1.md) and
//! [2](https://github.com/libp2p/specs/blob/master/autonat/autonat-v2.md): a peer dials an address of whoever asks, and says
//! whether it came through.
//!
//! Version 1 names an address that it reached and proves nothing; whoever asks has to see somebody arrive. Version 2 answers for
//! one address and shows it by a number ([`Nonces`]) that comes in over the very address. A server that refuses, rejects or
//! breaks has not tested the address: that is no failure of the address ([`Answer::NotTested`]).
//!
//! Both clients send one address in each request: servers test one of several (the first, or the last) or any.

mod answer;
mod nonces;
#[cfg(test)]
mod tests;
mod v1;
mod v2;
pub(crate) mod wire;

pub use answer::Answer;
pub use nonces::Nonces;

/// What both versions offer to whoever asks.
pub mod ask {
    pub use super::{v1::ask as v1, v2::ask as v2};
}

/// Version 1.
pub const V1: &str = "/libp2p/autonat/1.0.0";
/// Version 2: the request.
pub const DIAL_REQUEST: &str = "/libp2p/autonat/2/dial-request";
/// Version 2: the number, on a connection that the server opened.
pub const DIAL_BACK: &str = "/libp2p/autonat/2/dial-back";
