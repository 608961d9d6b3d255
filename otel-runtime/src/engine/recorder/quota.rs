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

/// How much there is, and how much is taken.
#[derive(Debug)]
pub(super) struct Quota {
    most: Room,
    spans: AtomicUsize,
    bytes: AtomicUsize,
}

impl Quota {
    pub(super) fn new(most: Room) -> Self {
        Self {
            most,
            spans: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Takes room for a span and, unless the bound is near, for some to come.
    pub(super) fn take_spans(&self) -> Option<usize> {
        let some = (self.most.spans / IDLE_THREADS).clamp(1, SPANS_AT_A_TIME);
        [some, 1]
            .into_iter()
            .find(|&spans| take(&self.spans, self.most.spans, spans))
    }

    /// Takes room for so many bytes; the answer is whether there was.
    pub(super) fn take_bytes(&self, bytes: usize) -> bool {
        take(&self.bytes, self.most.bytes, bytes)
    }

    /// Gives back what was taken.
    pub(super) fn give_back(&self, room: Room) {
        self.spans.fetch_sub(room.spans, Ordering::Relaxed);
        self.bytes.fetch_sub(room.bytes, Ordering::Relaxed);
    }

    /// How much is taken.
    #[cfg(test)]
    pub(super) fn taken(&self) -> Room {
        Room {
            spans: self.spans.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

fn take(taken: &AtomicUsize, most: usize, amount: usize) -> bool {
    let before = taken.fetch_add(amount, Ordering::Relaxed);
    let fits = before.saturating_add(amount) <= most;
    if !fits {
        taken.fetch_sub(amount, Ordering::Relaxed);
    }
    fits
}
