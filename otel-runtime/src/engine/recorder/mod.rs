//! The recording engine: spans that are written down as words, and exported by a thread of their own.
//!
//! A span gathers its attributes, events and links as entries. When it ends, they go into a lane of the thread that ends it,
//! after some numbers. The exporting thread drains all lanes, when enough has gathered, after a while, on flush and at
//! shutdown, and makes OTLP of them. All that waits is under one bound; a span for which there is no room is dropped and
//! counted, and nobody waits. A fork of the process has no exporting thread, and exports nothing.

mod attributes;
mod bare;
mod clock;
mod counters;
mod decode;
mod encode;
pub(crate) mod entries;
mod export;
mod field;
mod gathered;
mod ids;
mod journal;
mod lane;
mod limits;
mod live;
mod local;
mod open;
mod quota;
mod record;
mod recovery;
#[cfg(feature = "otlp")]
mod request;
mod sampling;
pub(crate) mod scope;
pub(crate) mod sited;
mod span;
mod stack;
#[cfg(test)]
mod tests;
mod tracer;
pub(crate) mod wire;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[cfg(feature = "diesel")]
pub(crate) use self::bare::Bare;
pub(crate) use self::bare::BareLeaf;
use self::clock::Clock;
use self::counters::Counters;
pub use self::counters::SpanCounts;
use self::export::Mailbox;
pub(crate) use self::export::{AnyExporter, Told};
#[cfg(feature = "otlp")]
pub(crate) use self::export::{Batch, Output};
pub(crate) use self::journal::Journal;
use self::lane::{Chunk, Lane, Part, Writer};
pub(crate) use self::limits::{Limits, cut};
pub(crate) use self::live::Live;
use self::quota::{Quota, Room};
#[cfg(feature = "otlp")]
pub(crate) use self::request::Envelope;
pub(crate) use self::sampling::Sampling;
pub(crate) use self::tracer::Provider;

/// So many spans wait at most where nothing else is said.
pub(crate) const MAX_SPANS: usize = 65_536;

/// So many bytes of chunks, with spans in them or to come, there are at most.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// So many emptied chunks are kept for the next spans: 16 MiB.
const SPARES: usize = 1024;

/// So many spans are exported together where nothing else is said.
pub(crate) const MAX_BATCH: usize = 8_192;

/// Spans wait so long where nothing else is said.
pub(crate) const DELAY: Duration = Duration::from_secs(5);

/// How an engine is set up.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) sampling: Sampling,
    pub(crate) limits: Limits,
    /// How many spans wait at most.
    pub(crate) max_spans: usize,
    /// How many are exported together at most.
    pub(crate) max_batch: usize,
    /// How long spans wait for others at most.
    pub(crate) delay: Duration,
    pub(crate) journal: Option<Journal>,
}

/// An engine. It is never freed, so that spans need not count who still refers to it; a process starts few of them.
///
/// What each span asks for comes first, close together: between two spans a server does so much else that each line of the
/// cache has to be fetched again.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Core {
    clock: Clock,
    sampling: Sampling,
    journal: Option<Box<Journal>>,
    is_shut_down: AtomicBool,
    limits: Limits,
    quota: Quota,
    /// Of each thread that ended a span and still lives, or is not drained yet.
    lanes: Mutex<Vec<Arc<Lane>>>,
    /// For spans that end while their thread does.
    last: Mutex<Option<Writer>>,
    /// Emptied chunks, for the next spans.
    spares: Mutex<Vec<Arc<Chunk>>>,
    mailbox: Mailbox,
    counters: Counters,
}

impl Core {
    fn new(setup: Setup) -> Self {
        Self {
            clock: Clock::new(),
            sampling: setup.sampling,
            journal: setup.journal.map(Box::new),
            is_shut_down: AtomicBool::new(false),
            limits: setup.limits,
            quota: Quota::new(
                Room {
                    spans: setup.max_spans,
                    bytes: MAX_BYTES,
                },
                Room {
                    spans: setup.max_batch.min(setup.max_spans / 2),
                    bytes: MAX_BYTES / 8,
                },
            ),
            lanes: Mutex::default(),
            last: Mutex::default(),
            spares: Mutex::default(),
            mailbox: Mailbox::default(),
            counters: Counters::default(),
        }
    }

    fn new_writer(&'static self) -> Writer {
        let lane = Arc::new(Lane::default());
        lock(&self.lanes).push(Arc::clone(&lane));
        Writer::new(self, lane)
    }

    /// A chunk of so many words, where there is room for it.
    fn chunk(&self, words: usize) -> Option<Arc<Chunk>> {
        let bytes = words * size_of::<u64>();
        if !self.quota.take_bytes(bytes) {
            return None;
        }
        let spare = (words == lane::MOST).then(|| lock(&self.spares).pop());
        Some(
            spare
                .flatten()
                .unwrap_or_else(|| Arc::new(Chunk::new(words))),
        )
    }

    /// Takes in a span that has ended.
    fn finish(&'static self, live: &mut Live, end: u64) {
        if live.is_taken() && !local::push(live, end) {
            self.push_without_thread(live, end);
        }
    }

    /// The same for a span that nobody else has.
    fn finish_last(&'static self, live: Box<Live>, end: u64) {
        if !live.is_taken() {
            local::give_back(live);
        } else if let Some(mut live) = local::push_last(live, end) {
            self.push_without_thread(&mut live, end);
        }
    }

    #[cold]
    fn push_without_thread(&'static self, live: &mut Live, end: u64) {
        let mut last = lock(&self.last);
        live.push(last.get_or_insert_with(|| self.new_writer()), end);
    }

    /// Room was taken, for spans that come now.
    fn took(&self) {
        if self.quota.is_due() {
            self.mailbox.wake();
        }
    }

    /// There was no room for a span.
    fn dropped(&self) {
        self.counters.dropped();
        self.mailbox.wake();
    }

    /// Takes out all spans.
    fn drain(&self) -> Vec<Part> {
        self.quota.restart();
        let mut parts = Vec::new();
        lock(&self.lanes).retain_mut(|lane| {
            // Asked before, so that what a thread writes at its end is read. Unlike the count, this sees all it wrote.
            let is_left = Arc::get_mut(lane).is_some();
            let before = parts.len();
            lane.drain(is_left, &mut parts);
            self.counters
                .drained(parts[before..].iter().map(|part| part.spans).sum());
            !is_left
        });
        parts
    }

    /// Gives back the memory of what was exported.
    fn recycle(&self, parts: Vec<Part>) {
        for part in parts.into_iter().filter(|part| part.is_last) {
            self.quota.release(Room {
                spans: 0,
                bytes: part.chunk.bytes(),
            });
            let mut spares = lock(&self.spares);
            if part.chunk.is_regular() && spares.len() < SPARES {
                part.chunk.clear();
                spares.push(part.chunk);
            }
        }
    }

    fn counts(&self) -> SpanCounts {
        // What is drained meanwhile must be counted once.
        let lanes = lock(&self.lanes);
        self.counters
            .read(lanes.iter().map(|lane| lane.len()).sum())
    }
}

/// A panic elsewhere leaves nothing half done in what this engine shares.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
