//! The recording engine: spans that are encoded as OTLP while they are recorded, and exported by a thread of their own.
//!
//! A span gathers its attributes, events and links as bytes. When it ends, its message goes into a buffer of the thread
//! that ends it. The exporting thread drains all buffers: when enough has gathered, after a while, on flush and at
//! shutdown. All that waits is under one bound; a span for which there is no room is dropped and counted, and nobody waits.
//! A fork of the process has no exporting thread, and exports nothing.

pub(crate) mod attributes;
mod buffer;
mod clock;
mod counters;
mod decode;
mod export;
mod field;
mod ids;
mod limits;
mod live;
mod local;
#[cfg(feature = "otlp")]
mod request;
mod sampling;
pub(crate) mod scope;
pub(crate) mod sited;
mod span;
#[cfg(test)]
mod tests;
mod tracer;
pub(crate) mod wire;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::trace::TraceState;

use self::buffer::{Buffer, Pushed, Quota, Room};
use self::clock::Clock;
use self::counters::Counters;
pub use self::counters::SpanCounts;
use self::export::Mailbox;
pub(crate) use self::export::{AnyExporter, Told};
#[cfg(feature = "otlp")]
pub(crate) use self::export::{Output, Patience, Refused, ScopedSpan};
pub(crate) use self::limits::{Limits, cut};
pub(crate) use self::live::Live;
#[cfg(feature = "otlp")]
pub(crate) use self::request::Envelope;
pub(crate) use self::sampling::Sampling;
pub(crate) use self::tracer::Provider;

/// So many spans wait at most where nothing else is said.
pub(crate) const MAX_SPANS: usize = 65_536;

/// So many bytes of spans wait at most. Beside them each waiting span takes three words.
const MAX_BYTES: usize = 64 * 1024 * 1024;

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
}

/// An engine. It is never freed, so that spans need not count who still refers to it; a process starts few of them.
#[derive(Debug)]
pub(super) struct Core {
    limits: Limits,
    sampling: Sampling,
    clock: Clock,
    quota: Quota,
    /// Of each thread that ended a span and still lives, or is not drained yet.
    buffers: Mutex<Vec<Arc<Buffer>>>,
    /// For spans that end while their thread does.
    last: Arc<Buffer>,
    /// So many waiting spans wake the exporting thread.
    enough: usize,
    mailbox: Mailbox,
    is_shut_down: AtomicBool,
    counters: Counters,
}

impl Core {
    fn new(setup: Setup) -> Self {
        let last = Arc::new(Buffer::default());
        Self {
            limits: setup.limits,
            sampling: setup.sampling,
            clock: Clock::new(),
            quota: Quota::new(Room {
                spans: setup.max_spans,
                bytes: MAX_BYTES,
            }),
            buffers: Mutex::new(vec![Arc::clone(&last)]),
            last,
            enough: setup.max_batch.min(setup.max_spans / 2),
            mailbox: Mailbox::default(),
            is_shut_down: AtomicBool::new(false),
            counters: Counters::default(),
        }
    }

    fn new_buffer(&self) -> Arc<Buffer> {
        let buffer = Arc::new(Buffer::default());
        self.buffers().push(Arc::clone(&buffer));
        buffer
    }

    /// Takes in a span that has ended.
    fn finish(&'static self, live: &Live, end: u64) {
        let span = &live.context;
        // One that is only recorded is for processors, and there are none.
        if !span.is_sampled() || self.is_shut_down.load(Ordering::Relaxed) {
            return;
        }
        let state = match span.trace_state() {
            state if *state == TraceState::NONE => String::new(),
            state => state.header(),
        };
        let push = |buffer: &Buffer| {
            buffer.push(&self.quota, live.scope.clone(), live.size(&state), |out| {
                live.encode(&state, end, out);
            })
        };
        match local::with_buffer(self, push).unwrap_or_else(|| push(&self.last)) {
            Pushed::Kept => {}
            Pushed::KeptInNewRoom => {
                let taken = self.quota.taken();
                if taken.spans >= self.enough || taken.bytes >= MAX_BYTES / 8 {
                    self.mailbox.wake();
                }
            }
            Pushed::Dropped => {
                self.counters.dropped();
                self.mailbox.wake();
            }
        }
    }

    /// Takes out all spans, with the room they had. `spares` are what earlier ones were in.
    fn drain(&self, spares: &mut Vec<buffer::Spans>) -> (Vec<buffer::Spans>, Room) {
        let mut drained = Vec::new();
        let mut room = Room::default();
        self.buffers().retain(|buffer| {
            // Asked before, so that a thread which ends meanwhile is drained once more.
            let is_used = Arc::strong_count(buffer) > 1;
            if buffer.len() == 0 && is_used {
                return true;
            }
            let (spans, used) = buffer.drain(&self.quota, spares.pop().unwrap_or_default());
            room.add(used);
            self.counters.drained(spans.len());
            if spans.len() > 0 {
                drained.push(spans);
            }
            is_used
        });
        (drained, room)
    }

    fn counts(&self) -> SpanCounts {
        // What is drained meanwhile must be counted once.
        let buffers = self.buffers();
        self.counters
            .read(buffers.iter().map(|buffer| buffer.len()).sum())
    }

    /// A panic elsewhere leaves nothing half done here.
    fn buffers(&self) -> MutexGuard<'_, Vec<Arc<Buffer>>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
