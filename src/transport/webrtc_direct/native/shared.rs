//! The state of a connection, as its driver and its streams share it.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::task::AtomicWaker;

use super::channels::Channels;
use super::connection::Machine;
use super::sctp::Sctp;

/// A connection's state, and whom to wake when there is something to send.
pub(super) struct Shared {
    machine: Mutex<Machine>,
    pub(super) driver: AtomicWaker,
}

impl Shared {
    pub(super) fn new(machine: Machine) -> Self {
        Self { machine: Mutex::new(machine), driver: AtomicWaker::new() }
    }

    pub(super) fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs an operation on the channels and has what came of it sent.
    pub(super) fn on_channels<T>(&self, operation: impl FnOnce(&mut Channels, &mut Sctp, Instant) -> T) -> io::Result<T> {
        let mut machine = self.machine();
        let done = machine.on_channels(operation);
        let has_packets = machine.has_packets();
        drop(machine);
        if has_packets {
            self.driver.wake();
        }
        done.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// The clock of the driver: the state machine itself is told the time.
#[expect(clippy::disallowed_methods, reason = "the driver runs on Tokio alone, and what it drives is told the time")]
pub(super) fn now() -> Instant {
    Instant::now()
}
