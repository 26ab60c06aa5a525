//! Telling the other side that there is room again.

use bytes::Bytes;

use super::packet;

/// The window that the other side knows of. sctp-proto tells of it only in answer to data, and who found it closed asks again
/// by its time-out alone, which is seconds.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The last packet with data. Taken once more it is a duplicate, which is acknowledged with the window as it is now.
    last: Bytes,
    told: Option<u32>,
    read: u32,
}

impl Window {
    /// A packet that came.
    pub(super) fn received(&mut self, packet: &Bytes) {
        if packet::tsns(packet).is_some() {
            self.last = packet.clone();
        }
    }

    /// A packet that leaves.
    pub(super) fn sent(&mut self, packet: &[u8]) {
        if let Some(window) = packet::window(packet) {
            self.told = Some(window);
            self.read = 0;
        }
    }

    /// So many bytes were read. What to take once more, if the other side knows of less than half of `whole` and there is more.
    pub(super) fn read(&mut self, bytes: usize, whole: u32) -> Option<Bytes> {
        self.read = self.read.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        let told = self.told.filter(|told| *told < whole / 2 && told.saturating_add(self.read) >= whole / 2)?;
        tracing::trace!(told, read = self.read, "there is room again");
        self.told = None;
        Some(std::mem::take(&mut self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::tests::{data, sack};
    use super::*;

    #[test]
    fn room_is_told_of_once_after_the_window_was_small() {
        let (mut window, last) = (Window::default(), Bytes::from(data(7)));
        window.received(&last);
        assert_eq!(window.read(100, 100), None, "nothing was told yet");
        window.sent(&sack(0, 60));
        assert_eq!(window.read(100, 100), None, "there was room enough");
        window.sent(&sack(0, 10));
        assert_eq!((window.read(39, 100), window.read(1, 100), window.read(50, 100)), (None, Some(last), None));
    }
}
