//! Ctrl-C, the polite request to end, and a terminal that is closed.

#[cfg(not(unix))]
pub(super) use others::Signals;
#[cfg(unix)]
pub(super) use unix::Signals;

#[cfg(unix)]
mod unix {
    use std::{fs, io};

    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// SIGINT and SIGTERM, from now on, and SIGHUP where it is not to be ignored.
    pub(in super::super) struct Signals {
        interrupt: Signal,
        terminate: Signal,
        hang_up: Option<Signal>,
    }

    impl Signals {
        pub(in super::super) fn listen() -> io::Result<Self> {
            let hang_up = if is_heard(SignalKind::hangup()) { Some(signal(SignalKind::hangup())?) } else { None };
            Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())?, hang_up })
        }

        /// The next of them.
        pub(in super::super) async fn next(&mut self) {
            let hang_up = async {
                match &mut self.hang_up {
                    Some(signal) => signal.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
                _ = hang_up => {}
            }
        }
    }

    /// Whether a signal reaches this program: `nohup` has it ignore one, and who listens for it would hear it all the same. Only
    /// Linux tells; elsewhere it stays with the system.
    fn is_heard(kind: SignalKind) -> bool {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        ignored.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 0)
    }
}

#[cfg(not(unix))]
mod others {
    use std::io;

    /// Ctrl-C.
    pub(in super::super) struct Signals;

    impl Signals {
        pub(in super::super) fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        /// The next of them; never, where the system has none.
        pub(in super::super) async fn next(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
