//! Spans of functions that are running and are not async: the thread that runs them keeps them.
//!
//! In a context there is only a handle for such a span, so that the thread writes to it, and ends it, without a lock. What others
//! do with the span comes by the API through its handle: on the same thread it is done at once; other threads leave
//! it where the thread finds it when it writes to the span again, or ends it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::{self, SpanContext, SpanId, Status};

use super::gathered::Gathered;
use super::limits::Limits;
use super::live::Live;
use super::{clock, local, lock};

/// What the handles of a thread's span have in common with the thread. It serves one span after the other, and is never freed.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Of the span that it serves now; another one once that has ended.
    generation: AtomicU64,
    /// Whether something was left.
    has_late: AtomicBool,
    late: Mutex<Late>,
}

/// What other threads have left.
#[derive(Debug, Default)]
struct Late {
    /// Of the span that it is for.
    generation: u64,
    gathered: Option<Gathered>,
    /// Nanoseconds since the epoch.
    end: Option<u64>,
}

/// Those whose threads have ended.
static UNUSED: Mutex<Vec<&'static Shared>> = Mutex::new(Vec::new());

impl Shared {
    /// For the spans of one box.
    pub(super) fn new() -> &'static Self {
        let unused = lock(&UNUSED).pop();
        unused.unwrap_or_else(|| Box::leak(Box::default()))
    }

    /// Lets another thread use it. No span is open that it serves.
    pub(super) fn give_back(&'static self) {
        lock(&UNUSED).push(self);
    }

    fn is_of(&self, generation: u64) -> bool {
        self.generation.load(Ordering::Acquire) == generation
    }

    /// From now on no handle does anything.
    #[inline]
    pub(super) fn end(&self) {
        // Only the thread that has the span writes here.
        let generation = self.generation.load(Ordering::Relaxed);
        self.generation.store(generation + 1, Ordering::Release);
    }

    /// Whether another thread has left something.
    #[inline]
    pub(super) fn has_late(&self) -> bool {
        self.has_late.load(Ordering::Acquire)
    }

    /// What other threads have left for the span, and when they ended it.
    fn take(&self) -> (Option<Gathered>, Option<u64>) {
        let mut late = self.lock();
        self.has_late.store(false, Ordering::Relaxed);
        // What came too late for an earlier span stays behind.
        if self.is_of(late.generation) {
            (late.gathered.take(), late.end.take())
        } else {
            (None, None)
        }
    }

    /// A panic elsewhere leaves nothing half done here.
    fn lock(&self) -> MutexGuard<'_, Late> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a context has of a span that is kept by its thread.
#[derive(Debug)]
pub(crate) struct Handle {
    context: SpanContext,
    served: Served,
}

/// By what a span is served, and as which one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Served {
    by: &'static Shared,
    generation: u64,
    limits: &'static Limits,
}

impl Served {
    /// For a span in a box of this thread.
    #[inline(always)]
    pub(super) fn by(live: &mut Live) -> Self {
        let by = *live.shared.get_or_insert_with(Shared::new);
        Self {
            by,
            generation: by.generation.load(Ordering::Relaxed),
            limits: &live.core.limits,
        }
    }

    /// Whether that is the one it still is.
    fn is_open(self) -> bool {
        self.by.is_of(self.generation)
    }

    /// Whether what is left for the thread will be found.
    fn is_recording(self) -> bool {
        let late = self.by.lock();
        let has_ended = late.generation == self.generation && late.end.is_some();
        self.is_open() && !has_ended
    }

    /// Leaves something for the thread that has the span.
    fn leave(self, work: impl FnOnce(&mut Late)) {
        let mut late = self.by.lock();
        if !self.is_open() {
            return;
        }
        if late.generation != self.generation {
            *late = Late {
                generation: self.generation,
                ..Late::default()
            };
        }
        // Nothing is added to a span that has ended.
        if late.end.is_none() {
            work(&mut late);
            self.by.has_late.store(true, Ordering::Release);
        }
    }
}

impl Handle {
    #[inline(always)]
    pub(super) fn new(context: SpanContext, served: Served) -> Self {
        Self { context, served }
    }

    fn id(&self) -> SpanId {
        self.context.span_id()
    }

    /// Adds something to the span, on whatever thread it is.
    fn gather(&self, work: impl FnOnce(&mut Gathered)) {
        let mut work = Some(work);
        let is_here = local::with_open(self.id(), |live| {
            if let (Some(gathered), Some(work)) = (live.gathered(), work.take()) {
                work(gathered);
            }
        });
        if let Some(work) = work.filter(|_| !is_here) {
            self.served.leave(|late| {
                work(
                    late.gathered
                        .get_or_insert_with(|| Gathered::new(self.served.limits)),
                );
            });
        }
    }
}

impl trace::Span for Handle {
    fn add_event_with_timestamp<T>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) where
        T: Into<Cow<'static, str>>,
    {
        let name = name.into();
        let time = clock::unix_nanos(timestamp);
        self.gather(|gathered| gathered.add_event(&name, time, attributes));
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        let mut is_recording = false;
        let is_here = local::with_open(self.id(), |live| is_recording = live.gathered().is_some());
        is_recording || (!is_here && self.served.is_recording())
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.gather(|gathered| gathered.attributes().extend([attribute]));
    }

    fn set_status(&mut self, status: Status) {
        self.gather(|gathered| gathered.set_status(status));
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        let name = new_name.into();
        self.gather(|gathered| gathered.rename(name));
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        self.gather(|gathered| gathered.add_link(&span_context, attributes));
    }

    /// On another thread, the span leaves with what its own thread adds until that finds this.
    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        let end = clock::unix_nanos(timestamp);
        if !local::end_open(self.id(), end) {
            self.served.leave(|late| late.end = Some(end));
        }
    }
}

impl Live {
    /// What the span has gathered, with what other threads have left; `None` once it has ended.
    #[inline(always)]
    pub(super) fn gathered(&mut self) -> Option<&mut Gathered> {
        self.look_for_late();
        (!self.has_ended && self.ended_elsewhere.is_none()).then_some(&mut self.gathered)
    }

    #[inline(always)]
    pub(super) fn look_for_late(&mut self) {
        if let Some(shared) = self.shared
            && shared.has_late()
        {
            self.absorb(shared);
        }
    }

    #[cold]
    #[inline(never)]
    fn absorb(&mut self, shared: &Shared) {
        let (gathered, end) = shared.take();
        if let Some(mut gathered) = gathered.filter(|_| !self.has_ended) {
            self.gathered.append(&mut gathered);
        }
        if end.is_some() {
            shared.end();
            self.ended_elsewhere = end;
        }
    }
}
