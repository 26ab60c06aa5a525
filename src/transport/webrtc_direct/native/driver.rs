//! Moves a connection's datagrams, whenever it is polled.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

use super::batch::Batch;
use super::config::TURN;
use super::connection::{Event, Machine};
use super::error::Ended;
use super::link::Link;
use super::shared::{Shared, now};
use crate::transport::quic::{Progress, is_from_network, is_too_long};

/// "Closed port" again and again, with nothing else between, means that the other side is gone. One alone may be forged.
const REFUSALS: u32 = 3;

/// Reads of the socket before what they brought is answered: together, which spares both sides work.
const AT_ONCE: usize = 4;

/// Polled by whoever polls the connection. Dropping it says goodbye.
pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) link: Link,
    timer: Option<Pin<Box<Sleep>>>,
    batch: Batch,
    /// What did not fit into the batch.
    next: Option<(SocketAddr, Vec<u8>)>,
    refusals: u32,
    /// Whether a fault of the network ends it at once: a dial, before anybody has answered.
    pub(super) expects_answer: bool,
    progress: Progress,
}

impl Driver {
    pub(super) fn new(machine: Machine, link: Link, progress: Progress) -> Self {
        Self {
            shared: Arc::new(Shared::new(machine)),
            link,
            timer: None,
            batch: Batch::new(),
            next: None,
            refusals: 0,
            expects_answer: false,
            progress,
        }
    }

    /// Moves what can be moved. An error is a fault of the socket; how else a connection ends its state tells.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.shared.driver.register(cx.waker());
        let shared = Arc::clone(&self.shared);
        let mut machine = shared.machine();
        for _ in 0..TURN {
            let now = now();
            let mut moved = self.receive(&mut machine, now, cx)?;
            moved |= self.keep_time(&mut machine, now, cx);
            moved |= self.send(&mut machine, now, cx)?;
            if !moved {
                if machine.channels.take_news() {
                    // Handlers may have parked futures that they did not poll: they get a turn for whatever came.
                    cx.waker().wake_by_ref();
                }
                return Ok(());
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Whether all that was to be sent has left.
    pub(super) fn is_idle(&self) -> bool {
        self.batch.is_empty() && self.next.is_none()
    }

    fn receive(&mut self, machine: &mut Machine, now: Instant, cx: &mut Context<'_>) -> io::Result<bool> {
        let progress = &self.progress;
        let (read, fault) = gather(|| {
            self.link.poll_receive(cx, |from, bytes| {
                progress.note_first(bytes);
                machine.take(now, from, bytes);
            })
        });
        self.received(machine, now, read, fault)
    }

    /// Does what datagrams call for that were read, and then what a fault does that was told between them.
    fn received(
        &mut self,
        machine: &mut Machine,
        now: Instant,
        read: Option<usize>,
        fault: Option<io::Error>,
    ) -> io::Result<bool> {
        if let Some(count) = read {
            self.refusals = 0;
            self.progress.count_received(count);
            machine.drive(now);
            self.link.note_proof(|| machine.proved().is_some());
            // Systems tell of faults before what has come: an answer counts all the same.
            self.expects_answer &= !machine.events.contains(&Event::Answered);
        }
        Ok(fault.map_or(Ok(false), |error| self.fault(machine, error))? || read.is_some())
    }

    fn keep_time(&mut self, machine: &mut Machine, now: Instant, cx: &mut Context<'_>) -> bool {
        let Some(at) = machine.poll_timeout() else { return false };
        if at <= now {
            machine.handle_timeout(now);
            return true;
        }
        self.wait_until(at, cx)
    }

    fn wait_until(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        let at = at.into();
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(cx).is_ready()
    }

    fn send(&mut self, machine: &mut Machine, now: Instant, cx: &mut Context<'_>) -> io::Result<bool> {
        let mut moved = false;
        for _ in 0..TURN {
            if !self.fill(machine, now) {
                self.batch.release();
                break;
            }
            match self.link.poll_send(cx, &self.batch) {
                Poll::Pending => break,
                Poll::Ready(sent) => {
                    let count = self.batch.len();
                    self.batch.clear();
                    match sent {
                        Ok(()) => self.progress.count_sent(count),
                        Err(error) => _ = self.fault(machine, error)?,
                    }
                    moved = true;
                }
            }
        }
        Ok(moved)
    }

    /// Puts together what can be sent at once. Whether there is anything.
    fn fill(&mut self, machine: &mut Machine, now: Instant) -> bool {
        let most = self.link.segments();
        while let Some((to, datagram)) = self.next.take().or_else(|| machine.poll_transmit(now)) {
            if !self.batch.push(to, &datagram, most) {
                self.next = Some((to, datagram));
                break;
            }
            self.progress.note_asked(&datagram);
        }
        !self.batch.is_empty()
    }

    /// A router's or host's word about an earlier datagram, or a fault of the socket. Whether to go on.
    fn fault(&mut self, machine: &mut Machine, error: io::Error) -> io::Result<bool> {
        use io::ErrorKind as Kind;
        if is_too_long(&error) {
            // Our datagrams are as short as any path takes: this one is lost, and is repeated.
            return Ok(true);
        }
        if self.expects_answer || !is_from_network(&error) {
            machine.end(Ended::Socket(error.kind()));
            return Err(error);
        }
        self.refusals += u32::from(matches!(error.kind(), Kind::ConnectionRefused | Kind::ConnectionReset));
        if self.refusals >= REFUSALS {
            machine.end(Ended::Socket(error.kind()));
        }
        Ok(true)
    }
}

/// Reads what there is, up to so much: how many datagrams, if any were read, and the first fault that was told on the way.
fn gather(mut read: impl FnMut() -> Poll<io::Result<usize>>) -> (Option<usize>, Option<io::Error>) {
    let (mut count, mut fault) = (None, None);
    for _ in 0..AT_ONCE {
        match read() {
            Poll::Pending => break,
            Poll::Ready(Ok(more)) => *count.get_or_insert(0) += more,
            Poll::Ready(Err(error)) => {
                fault.get_or_insert(error);
            }
        }
    }
    (count, fault)
}

impl Drop for Driver {
    fn drop(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut machine = shared.machine();
        let now = now();
        machine.close(now);
        for _ in 0..TURN {
            if !self.fill(&mut machine, now) {
                break;
            }
            self.link.try_send(&self.batch);
            self.batch.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::super::certificate::Certificate;
    use super::super::credentials::{Credentials, Version};
    use super::*;

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    /// A dial that has asked, where it dials, and the answer.
    fn asked() -> (Driver, SocketAddr, Vec<Vec<u8>>) {
        let [ours, theirs] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let [from, remote] = [&ours, &theirs].map(|socket| socket.local_addr().unwrap());
        let (credentials, now) = (Credentials::dial(Version::V2), now());
        let mut dialer = Machine::dial(&credentials, remote, Vec::new(), now);
        let mut listener = Machine::listen(&credentials, from, Certificate::generate().unwrap(), now);
        let (_, check) = dialer.poll_transmit(now).unwrap();
        listener.handle(now, from, &check);
        let answers = std::iter::from_fn(|| listener.poll_transmit(now)).map(|(_, datagram)| datagram).collect();
        let mut driver = Driver::new(dialer, Link::connected(ours, remote).unwrap(), Progress::default());
        driver.expects_answer = true;
        (driver, remote, answers)
    }

    /// Whether the dial is answered by what was read, and goes on.
    fn goes_on(told: &mut Vec<Poll<io::Result<usize>>>) -> (bool, bool) {
        let (mut driver, remote, answers) = asked();
        let shared = Arc::clone(&driver.shared);
        let (mut machine, now) = (shared.machine(), now());
        let (count, fault) = gather(|| {
            let next = if told.is_empty() { Poll::Pending } else { told.remove(0) };
            if let Poll::Ready(Ok(_)) = next {
                for answer in &answers {
                    machine.take(now, remote, answer);
                }
            }
            next
        });
        let went_on = driver.received(&mut machine, now, count, fault).is_ok() && machine.ended().is_none();
        (machine.poll() == Some(Event::Answered), went_on)
    }

    #[tokio::test]
    async fn an_answer_that_came_with_a_fault_of_the_network_counts() {
        let answer = || Poll::Ready(Ok(1));
        let fault = || Poll::Ready(Err(refused()));
        assert_eq!(goes_on(&mut vec![answer(), fault()]), (true, true));
        assert_eq!(goes_on(&mut vec![fault(), answer()]), (true, true), "as Linux tells it");
        assert_eq!(goes_on(&mut vec![fault(), Poll::Pending, answer()]), (false, false));
        assert_eq!(goes_on(&mut vec![answer()]), (true, true));
    }
}
