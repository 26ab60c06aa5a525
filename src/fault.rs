//! Why something failed, with the words of whoever said so.

use std::{error::Error, fmt, io, iter};

use crate::model::Cause;

/// Layers wrap errors in errors; more than this is a loop.
const MAX_DEPTH: usize = 16;

/// A typed cause and, where a layer below said something, its words: for a reader, nothing is decided by them.
///
/// It travels inside an [`io::Error`] through layers that know only those ([`Fault::into_io`]) and is found again on the
/// other side ([`Fault::from_io`]). A muxer that knows more than an error kind hands its causes over in this way.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", .message.as_deref().unwrap_or(.cause.brief()))]
pub struct Fault {
    /// Why.
    pub cause: Cause,
    /// Words of the system or of the peer.
    pub message: Option<String>,
}

impl From<Cause> for Fault {
    fn from(cause: Cause) -> Self {
        Self { cause, message: None }
    }
}

impl Fault {
    /// A cause with the words that came with it.
    pub fn new(cause: Cause, message: &(impl fmt::Display + ?Sized)) -> Self {
        Self::from(cause).say(message)
    }

    /// With words for a reader.
    #[must_use]
    pub fn say(mut self, message: &(impl fmt::Display + ?Sized)) -> Self {
        self.message = Some(message.to_string());
        self
    }

    /// As an I/O error, for layers that know only those.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// What an I/O error means: the fault it carries, else its kind, else `otherwise`.
    #[must_use]
    pub fn from_io(error: &io::Error, otherwise: Cause) -> Self {
        if let Some(fault) = chain(error).find_map(|error| error.downcast_ref::<Self>()) {
            return fault.clone();
        }
        let known = chain(error).filter_map(|error| error.downcast_ref::<io::Error>()).find_map(cause_of);
        Self::from(known.unwrap_or(otherwise)).say(error)
    }
}

/// The error and what it wraps. An I/O error's own `source` skips the error that it wraps.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as _),
        None => error.source(),
    })
    .take(MAX_DEPTH)
}

/// What the kind of an I/O error says once a connection stands.
fn cause_of(error: &io::Error) -> Option<Cause> {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionReset => Some(Cause::Reset),
        Kind::UnexpectedEof | Kind::BrokenPipe | Kind::WriteZero | Kind::NotConnected | Kind::ConnectionAborted => {
            Some(Cause::Closed)
        }
        // What was sent was not acknowledged until the system gave up; a router on the way may have said why.
        Kind::TimedOut | Kind::HostUnreachable | Kind::NetworkUnreachable => Some(Cause::TimedOut),
        _ => error.raw_os_error().map(|errno| Cause::LocalFault { errno: Some(errno) }),
    }
}
