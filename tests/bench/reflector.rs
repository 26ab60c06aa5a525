//! A line with a delay: a TUN device that sends back what it is given, later and with its two addresses swapped.
//!
//! Whoever dials [`FAR`](crate::line::FAR) reaches the listener on [`NEAR`](crate::line::NEAR) and sees its packets come
//! from far. Whole IP packets are delayed, so the handshake of TCP takes its round trip too. Checksums stay right, as
//! they do not depend on the order of the two addresses.

use crate::line::{FAR, NEAR};
use anyhow::Context as _;
use std::{
    net::Ipv4Addr,
    ops::Range,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};
use tokio_tun::Tun;

/// More than a dial has under way at once; what comes on top is lost, as on any line.
const QUEUE: usize = 4096;
/// Larger than any packet of the device.
const PACKET: usize = 65_536;
/// Where an IPv4 header has its addresses (RFC 791).
const SOURCE: Range<usize> = 12..16;
const DESTINATION: Range<usize> = 16..20;

type Late = (Instant, Vec<u8>);

/// A line, and what it loses.
pub struct Reflector(Arc<Mutex<Losses>>);

/// Which packets are lost: always the same of a sequence for the same seed.
#[derive(Default)]
struct Losses {
    per_thousand: u32,
    seed: u64,
}

impl Reflector {
    /// Loses so many of a thousand packets from now on, in each direction alike.
    pub fn lose(&self, per_thousand: u32, seed: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Losses { per_thousand, seed };
    }
}

impl Losses {
    fn next(&mut self) -> bool {
        // Knuth's MMIX: its high bits are random enough.
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % 1000 < u64::from(self.per_thousand)
    }
}

/// Reflects packets for as long as the process lives, each of them after `delay`.
pub fn start(delay: Duration) -> anyhow::Result<Reflector> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let device = runtime.block_on(async { open() })?;
    let (queue, due) = mpsc::sync_channel::<Late>(QUEUE);
    let sender = device.clone();
    thread::spawn(move || send(&sender, &due));
    let losses = Arc::<Mutex<Losses>>::default();
    let line = Reflector(Arc::clone(&losses));
    thread::spawn(move || runtime.block_on(receive(&device, delay, &losses, &queue)));
    Ok(line)
}

fn open() -> anyhow::Result<Arc<Tun>> {
    let near = Tun::builder().address(NEAR).netmask(Ipv4Addr::new(255, 255, 255, 0)).up();
    let devices = near.build().context("cannot open a TUN device (/dev/net/tun)")?;
    Ok(Arc::new(devices.into_iter().next().context("no TUN device")?))
}

async fn receive(device: &Tun, delay: Duration, losses: &Mutex<Losses>, queue: &mpsc::SyncSender<Late>) {
    let mut buffer = vec![0; PACKET];
    while let Ok(size) = device.recv(&mut buffer).await {
        let due = Instant::now() + delay;
        if losses.lock().unwrap_or_else(PoisonError::into_inner).next() {
            continue;
        }
        if let Some(packet) = swapped(&buffer[..size]) {
            // A full queue loses it.
            let _ = queue.try_send((due, packet));
        }
    }
}

/// The delay is the same for all, so they are due in the order they came. A thread of its own sleeps to the
/// microsecond, unlike a timer of the runtime.
fn send(device: &Tun, due: &mpsc::Receiver<Late>) {
    for (time, packet) in due {
        thread::sleep(time.saturating_duration_since(Instant::now()));
        // A device that takes no more loses it.
        let _ = device.try_send(&packet);
    }
}

/// An IPv4 packet to the far side as it comes from there; nothing else belongs on the line.
fn swapped(packet: &[u8]) -> Option<Vec<u8>> {
    let version = packet.first()? >> 4;
    if version != 4 || packet.get(DESTINATION)? != FAR.octets() {
        return None;
    }
    let mut swapped = packet.to_vec();
    swapped[SOURCE].copy_from_slice(&packet[DESTINATION]);
    swapped[DESTINATION].copy_from_slice(&packet[SOURCE]);
    Some(swapped)
}
