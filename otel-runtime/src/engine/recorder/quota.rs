//! The bound: what all lanes, and what is on its way out, may hold together.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads take room for so many spans at a time at most, so that they seldom meet at the bound.
const SPANS_AT_A_TIME: usize = 64;

/// So many threads may sit on room that they do not use before others lack it.
const IDLE_THREADS: usize = 8 * 1024;

/// So many spans and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) spans: usize,
    pub(super) bytes: usize,
}

/// How much there is, and how much is taken. It has cache lines of its own: threads write to it, and read what is beside it
/// far more often.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Quota {
    spans: Supply,
    bytes: Supply,
}

impl Quota {
    /// `enough` is what is taken before it is time to export.
    pub(super) fn new(most: Room, enough: Room) -> Self {
        Self {
            spans: Supply::new(most.spans, enough.spans),
            bytes: Supply::new(most.bytes, enough.bytes),
        }
    }

    /// Takes room for a span and, unless the bound is near, for some to come.
    pub(super) fn take_spans(&self) -> Option<usize> {
        let some = (self.spans.most / IDLE_THREADS).clamp(1, SPANS_AT_A_TIME);
        [some, 1].into_iter().find(|&spans| self.spans.take(spans))
    }

    /// Takes room for so many bytes; the answer is whether there was.
    pub(super) fn take_bytes(&self, bytes: usize) -> bool {
        self.bytes.take(bytes)
    }

    /// Gives back what was taken and not used.
    pub(super) fn give_back_spans(&self, unused: usize) {
        self.spans.give_back(unused);
    }

    /// Gives back what was exported, or is lost.
    pub(super) fn release(&self, room: Room) {
        self.spans.release(room.spans);
        self.bytes.release(room.bytes);
    }

    /// From now on it is counted what is taken.
    pub(super) fn restart(&self) {
        self.spans.restart();
        self.bytes.restart();
    }

    /// Whether so much was taken since then that it is time to export.
    pub(super) fn is_due(&self) -> bool {
        self.spans.is_due() || self.bytes.is_due()
    }

    /// Whether half of the bytes are taken.
    pub(super) fn is_tight(&self) -> bool {
        self.bytes.taken.load(Ordering::Relaxed) >= self.bytes.most / 2
    }

    /// How much is taken.
    #[cfg(test)]
    pub(super) fn taken(&self) -> Room {
        Room {
            spans: self.spans.taken.load(Ordering::Relaxed),
            bytes: self.bytes.taken.load(Ordering::Relaxed),
        }
    }
}

/// Of one thing.
#[derive(Debug)]
struct Supply {
    most: usize,
    enough: usize,
    taken: AtomicUsize,
    /// When so much is taken, it is time to export. Written by the exporting thread alone.
    mark: AtomicUsize,
}

impl Supply {
    fn new(most: usize, enough: usize) -> Self {
        Self {
            most,
            enough,
            taken: AtomicUsize::new(0),
            mark: AtomicUsize::new(enough),
        }
    }

    fn take(&self, amount: usize) -> bool {
        let before = self.taken.fetch_add(amount, Ordering::Relaxed);
        let fits = before.saturating_add(amount) <= self.most;
        if !fits {
            self.give_back(amount);
        }
        fits
    }

    fn give_back(&self, amount: usize) {
        self.taken.fetch_sub(amount, Ordering::Relaxed);
    }

    /// What was taken since is as much as before.
    fn release(&self, amount: usize) {
        self.give_back(amount);
        self.mark.fetch_sub(amount, Ordering::Relaxed);
    }

    fn restart(&self) {
        let taken = self.taken.load(Ordering::Relaxed);
        self.mark
            .store(taken.saturating_add(self.enough), Ordering::Relaxed);
    }

    fn is_due(&self) -> bool {
        self.taken.load(Ordering::Relaxed) >= self.mark.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_time_to_export_once_enough_is_new() {
        let room = |spans| Room { spans, bytes: 0 };
        let (most, enough) = (
            room(1_000),
            Room {
                spans: 10,
                bytes: 10,
            },
        );
        let quota = Quota::new(most, enough);
        let take = |spans| (0..spans).for_each(|_| assert_eq!(quota.take_spans(), Some(1)));
        take(9);
        assert!(!quota.is_due());
        take(1);
        assert!(quota.is_due());
        // What comes while those are exported is new, whether they have left or not.
        quota.restart();
        take(6);
        assert!(!quota.is_due());
        quota.release(room(10));
        assert_eq!(quota.taken(), room(6));
        take(3);
        assert!(!quota.is_due());
        quota.give_back_spans(2);
        take(3);
        assert!(quota.is_due());
    }
}
