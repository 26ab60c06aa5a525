//! A byte stream that remembers how it began: what a peer said first tells which protocol it speaks, long after the
//! stream has vanished into a muxer or failed inside a library.

mod printable;
mod speaks;

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures::io::{AsyncRead, AsyncWrite};

pub(crate) use printable::printable;
pub use speaks::{Speaks, banner, speaks};

/// How many of the first bytes are kept: every greeting in the table of [`speaks`] shows itself in fewer.
pub const FIRST_BYTES: usize = 256;

/// A byte stream that records the first bytes read from it, and how much passed.
#[derive(Debug)]
pub struct Tap<S> {
    inner: S,
    view: TapView,
    /// How many bytes are recorded, so that a stream in full flow takes no lock.
    recorded: usize,
}

impl<S> Tap<S> {
    /// Listens in on `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner, view: TapView::default(), recorded: 0 }
    }

    /// A handle that stays readable when the stream is moved or dropped.
    pub fn view(&self) -> TapView {
        self.view.clone()
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    fn saw(&mut self, bytes: &[u8]) {
        self.view.0.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let room = FIRST_BYTES - self.recorded;
        if room > 0 {
            let kept = &bytes[..bytes.len().min(room)];
            lock(&self.view.0.first).extend_from_slice(kept);
            self.recorded += kept.len();
        }
    }

    fn broke(&self, error: &io::Error) {
        lock(&self.view.0.broken).get_or_insert(error.kind());
    }
}

/// What a [`Tap`] has seen so far. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct TapView(Arc<Record>);

#[derive(Debug, Default)]
struct Record {
    first: Mutex<Vec<u8>>,
    broken: Mutex<Option<io::ErrorKind>>,
    read: AtomicU64,
    written: AtomicU64,
    eof: AtomicBool,
}

impl TapView {
    /// The first bytes read, at most [`FIRST_BYTES`].
    pub fn first(&self) -> Vec<u8> {
        lock(&self.0.first).clone()
    }

    /// The protocol whose first bytes were read, where they tell.
    pub fn speaks(&self) -> Option<Speaks> {
        speaks(&lock(&self.0.first))
    }

    /// The first line read, safe to print.
    pub fn banner(&self) -> String {
        banner(&lock(&self.0.first))
    }

    /// Bytes read in all.
    pub fn read(&self) -> u64 {
        self.0.read.load(Ordering::Relaxed)
    }

    /// Bytes written in all.
    pub fn written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }

    /// Whether the peer ended the stream.
    pub fn eof(&self) -> bool {
        self.0.eof.load(Ordering::Relaxed)
    }

    /// The kind of the first error that reading or writing met: a muxer above may tell only that the stream ended.
    pub fn broken(&self) -> Option<io::ErrorKind> {
        *lock(&self.0.broken)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.inner).poll_read(cx, buf));
        match &result {
            Ok(0) if !buf.is_empty() => self.view.0.eof.store(true, Ordering::Relaxed),
            Ok(count) => self.saw(&buf[..*count]),
            Err(error) => self.broke(error),
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> Tap<S> {
    fn wrote(&self, result: &io::Result<usize>) {
        match result {
            Ok(count) => drop(self.view.0.written.fetch_add(*count as u64, Ordering::Relaxed)),
            Err(error) => self.broke(error),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.inner).poll_write(cx, buf));
        self.wrote(&result);
        Poll::Ready(result)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, bufs));
        self.wrote(&result);
        Poll::Ready(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use futures::{AsyncReadExt, AsyncWriteExt};
    use tokio_util::compat::TokioAsyncReadCompatExt;

    use super::*;

    #[tokio::test]
    async fn fragments_accumulate_and_the_view_outlives_the_stream() {
        let (near, far) = tokio::io::duplex(1);
        let (mut tap, mut far) = (Tap::new(near.compat()), far.compat());
        let view = tap.view();
        let greeting = b"SSH-2.0-OpenSSH_9.6\r\n";
        let peer = async {
            far.write_all(greeting).await.unwrap();
            drop(far);
        };
        let reader = async {
            let mut byte = [0; 1];
            assert_eq!(view.speaks(), None);
            tap.read_exact(&mut byte).await.unwrap();
            assert_eq!(view.speaks(), None, "one letter is not a protocol");
            while tap.read(&mut byte).await.unwrap() > 0 {}
            drop(tap);
        };
        futures::join!(peer, reader);
        assert_eq!(view.first(), greeting);
        assert_eq!(view.speaks(), Some(Speaks::Ssh));
        assert_eq!(view.banner(), "SSH-2.0-OpenSSH_9.6");
        assert_eq!((view.read(), view.written(), view.eof()), (greeting.len() as u64, 0, true));
    }

    #[tokio::test]
    async fn only_the_first_bytes_are_kept() {
        let (near, far) = tokio::io::duplex(4096);
        let (mut tap, mut far) = (Tap::new(near.compat()), far.compat());
        far.write_all(&[7; 1000]).await.unwrap();
        tap.write_all(b"four").await.unwrap();
        let mut buffer = [0; 1000];
        tap.read_exact(&mut buffer).await.unwrap();
        let view = tap.view();
        assert_eq!((view.first().len(), view.read(), view.written()), (FIRST_BYTES, 1000, 4));
        assert!(!view.eof());
        assert_eq!(tap.read(&mut []).await.unwrap(), 0);
        assert!(!view.eof(), "an empty read is no end of the stream");
    }

    #[tokio::test]
    async fn an_error_is_remembered_by_its_kind() {
        let (near, far) = tokio::io::duplex(16);
        let mut tap = Tap::new(near.compat());
        drop(far);
        assert!(tap.write_all(b"lost").await.is_err());
        assert_eq!(tap.view().broken(), Some(io::ErrorKind::BrokenPipe));
    }
}
