//! Where ended spans wait for the exporting thread: a buffer for each thread, under one bound for all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::InstrumentationScope;

use super::scope::Scope;

/// Threads take room for so many spans at a time, so that they seldom meet at the bound.
const SPANS_AT_A_TIME: usize = 64;

/// The same in bytes.
const BYTES_AT_A_TIME: usize = 64 * 1024;

/// Encoded spans, one after the other.
#[derive(Debug, Default)]
pub(super) struct Spans {
    bytes: Vec<u8>,
    frames: Vec<Frame>,
}

#[derive(Debug)]
struct Frame {
    scope: Scope,
    /// Where the span ends; it begins where the one before ends.
    end: usize,
}

/// No more memory is kept for the next spans of a thread, in bytes.
const SPARE_BYTES: usize = 4 * 1024 * 1024;

impl Spans {
    /// Makes room for others in the same memory; `None` where that is too much to be kept.
    pub(super) fn emptied(mut self) -> Option<Self> {
        self.bytes.clear();
        self.frames.clear();
        let frames = self.frames.capacity() * size_of::<Frame>();
        (self.bytes.capacity() + frames <= SPARE_BYTES).then_some(self)
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Each span with its scope.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&InstrumentationScope, &[u8])> {
        let mut start = 0;
        self.frames.iter().map(move |frame| {
            let span = &self.bytes[start..frame.end];
            start = frame.end;
            (&*frame.scope, span)
        })
    }
}

/// So many spans and bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    pub(super) spans: usize,
    pub(super) bytes: usize,
}

impl Room {
    pub(super) fn add(&mut self, other: Room) {
        self.spans += other.spans;
        self.bytes += other.bytes;
    }
}

/// The bound: what all buffers, and what is on its way out, may hold together.
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

    /// Takes room of at least so much; none when that would be more than there is.
    fn take(&self, least: Room) -> Option<Room> {
        // A share of a small bound, so that one thread does not take it all.
        let spans = SPANS_AT_A_TIME.min(self.most.spans / 8).max(least.spans);
        let bytes = BYTES_AT_A_TIME.min(self.most.bytes / 8).max(least.bytes);
        let spans = take(&self.spans, self.most.spans, spans, least.spans)?;
        let Some(bytes) = take(&self.bytes, self.most.bytes, bytes, least.bytes) else {
            self.spans.fetch_sub(spans, Ordering::Relaxed);
            return None;
        };
        Some(Room { spans, bytes })
    }

    /// Gives back what was taken.
    pub(super) fn give_back(&self, room: Room) {
        self.spans.fetch_sub(room.spans, Ordering::Relaxed);
        self.bytes.fetch_sub(room.bytes, Ordering::Relaxed);
    }

    /// How much is taken.
    pub(super) fn taken(&self) -> Room {
        Room {
            spans: self.spans.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

/// Adds `wanted` to what is taken or, near the bound, `least`.
fn take(taken: &AtomicUsize, most: usize, wanted: usize, least: usize) -> Option<usize> {
    [wanted, least].into_iter().find(|&amount| {
        let before = taken.fetch_add(amount, Ordering::Relaxed);
        let fits = before.saturating_add(amount) <= most;
        if !fits {
            taken.fetch_sub(amount, Ordering::Relaxed);
        }
        fits
    })
}

/// What became of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It is in the buffer, which had room for it.
    Kept,
    /// The same, and the buffer took more room for it.
    KeptInNewRoom,
    /// There was no room left.
    Dropped,
}

/// The ended spans of one thread.
#[derive(Debug, Default)]
pub(super) struct Buffer(Mutex<Filled>);

#[derive(Debug, Default)]
struct Filled {
    spans: Spans,
    taken: Room,
    left: Room,
}

impl Buffer {
    /// Adds a span of at most `size` bytes, which `write` writes.
    pub(super) fn push(
        &self,
        quota: &Quota,
        scope: Scope,
        size: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Pushed {
        let mut filled = self.lock();
        let filled = &mut *filled;
        let mut pushed = Pushed::Kept;
        if filled.left.spans == 0 || filled.left.bytes < size {
            let least = Room {
                spans: usize::from(filled.left.spans == 0),
                bytes: size.saturating_sub(filled.left.bytes),
            };
            let Some(room) = quota.take(least) else {
                return Pushed::Dropped;
            };
            filled.taken.add(room);
            filled.left.add(room);
            pushed = Pushed::KeptInNewRoom;
        }
        let start = filled.spans.bytes.len();
        write(&mut filled.spans.bytes);
        let end = filled.spans.bytes.len();
        filled.spans.frames.push(Frame { scope, end });
        filled.left.spans -= 1;
        filled.left.bytes = filled.left.bytes.saturating_sub(end - start);
        pushed
    }

    pub(super) fn len(&self) -> usize {
        self.lock().spans.len()
    }

    /// Takes everything out, with the room that it takes; what was not used is given back. What comes next goes into the
    /// memory of `spare`.
    pub(super) fn drain(&self, quota: &Quota, spare: Spans) -> (Spans, Room) {
        let filled = std::mem::replace(
            &mut *self.lock(),
            Filled {
                spans: spare,
                ..Filled::default()
            },
        );
        quota.give_back(filled.left);
        let used = Room {
            spans: filled.taken.spans - filled.left.spans,
            bytes: filled.taken.bytes - filled.left.bytes,
        };
        (filled.spans, used)
    }

    /// Nothing that panics leaves a span half written: what does not belong to a frame is not read.
    fn lock(&self) -> MutexGuard<'_, Filled> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn scope() -> Scope {
        Scope::Tracer(Arc::new(InstrumentationScope::builder("test").build()))
    }

    fn push(buffer: &Buffer, quota: &Quota, span: &[u8]) -> Pushed {
        buffer.push(quota, scope(), span.len(), |out| {
            out.extend_from_slice(span);
        })
    }

    #[test]
    fn spans_come_out_as_they_went_in() {
        let quota = Quota::new(Room {
            spans: 100,
            bytes: 1_000,
        });
        let buffer = Buffer::default();
        for span in [&b"one"[..], b"", b"three"] {
            assert_ne!(push(&buffer, &quota, span), Pushed::Dropped);
        }
        let (spans, room) = buffer.drain(&quota, Spans::default());
        let found: Vec<_> = spans.iter().map(|(_, span)| span).collect();
        assert_eq!(found, [&b"one"[..], b"", b"three"]);
        quota.give_back(room);
        let taken = quota.taken();
        assert_eq!((taken.spans, taken.bytes), (0, 0));
        assert_eq!(buffer.drain(&quota, Spans::default()).0.len(), 0);
    }

    #[test]
    fn no_more_spans_than_the_bound_are_kept() {
        let quota = Quota::new(Room {
            spans: 10,
            bytes: 1_000,
        });
        let buffers = [Buffer::default(), Buffer::default()];
        let pushed: Vec<_> = (0..20)
            .map(|index: usize| push(&buffers[index % 2], &quota, b"span"))
            .collect();
        let kept = pushed.iter().filter(|pushed| **pushed != Pushed::Dropped);
        assert_eq!(kept.count(), 10);
        // What was drained still counts until it is given back.
        let (_, room) = buffers[0].drain(&quota, Spans::default());
        assert_eq!(push(&buffers[0], &quota, b"span"), Pushed::Dropped);
        quota.give_back(room);
        assert_ne!(push(&buffers[0], &quota, b"span"), Pushed::Dropped);
    }

    #[test]
    fn no_more_bytes_than_the_bound_are_kept() {
        let quota = Quota::new(Room {
            spans: 100,
            bytes: 1_000,
        });
        let buffer = Buffer::default();
        assert_ne!(push(&buffer, &quota, &[0; 600]), Pushed::Dropped);
        assert_eq!(push(&buffer, &quota, &[0; 600]), Pushed::Dropped);
        assert_ne!(push(&buffer, &quota, &[0; 400]), Pushed::Dropped);
        assert_eq!(push(&buffer, &quota, &[0; 1]), Pushed::Dropped);
    }
}
