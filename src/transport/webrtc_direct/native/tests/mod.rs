//! Whole connections: over a simulated line without sockets, and on loopback.

mod hostile;
mod line;
mod loopback;
mod simulated;
