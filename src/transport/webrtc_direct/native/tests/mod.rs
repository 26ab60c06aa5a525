//! Whole connections: over a simulated line without sockets, and on loopback.

mod bounded;
mod echo;
mod elsewhere;
mod flooded;
mod forged;
mod fuzzed;
mod hostile;
mod line;
mod loopback;
mod simulated;
mod transport;
