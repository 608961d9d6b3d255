//! A span that has not ended.

use std::sync::atomic::Ordering;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use super::Core;
use super::clock::Start;
use super::gathered::Gathered;
use super::journal::Known;
use super::lane::Writer;
use super::open::Shared;
use super::record::{Head, Origin};
use super::scope::Source;
use super::sited::Parent;

/// A span that records. The boxes that hold such are used again for other spans.
///
/// What a span has that gathers nothing is in the first lines of the cache: see [`Core`].
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Live {
    pub(super) core: &'static Core,
    source: Source,
    pub(super) start: Start,
    pub(super) parent: SpanId,
    pub(super) parent_is_remote: bool,
    /// As OTLP counts.
    pub(super) kind: u8,
    pub(super) has_ended: bool,
    /// Its function was left before others that it had called.
    pub(super) is_left: bool,
    /// With the handles of this span, if it has or had such.
    pub(super) shared: Option<&'static Shared>,
    pub(super) context: SpanContext,
    /// When another thread ended it, in nanoseconds since the epoch.
    pub(super) ended_elsewhere: Option<u64>,
    pub(super) gathered: Gathered,
}

impl Live {
    /// For the spans of a core.
    pub(super) fn new(core: &'static Core, source: Source) -> Self {
        let mut gathered = Gathered::new(&core.limits);
        gathered.clear(&core.limits, source.attributes());
        Self {
            core,
            kind: source.kind(),
            source,
            context: SpanContext::NONE,
            parent: SpanId::INVALID,
            start: Start::default(),
            parent_is_remote: false,
            has_ended: false,
            is_left: false,
            ended_elsewhere: None,
            gathered,
            shared: None,
        }
    }

    /// Makes one that was used before as if it were new, and keeps the memory of its lists. Context, parent, kind and start
    /// are as they were: each span gets others.
    #[inline(always)]
    pub(super) fn reuse(&mut self, core: &'static Core, source: Source) {
        self.core = core;
        self.kind = source.kind();
        self.has_ended = false;
        self.ended_elsewhere = None;
        self.gathered.clear(&core.limits, source.attributes());
        self.source = source;
    }

    /// Makes it the child of a span.
    #[inline(always)]
    pub(super) fn hang_under(&mut self, parent: &Parent, id: SpanId, state: TraceState) {
        self.parent = parent.id;
        self.parent_is_remote = parent.is_remote;
        self.context = SpanContext::new(parent.trace_id, id, parent.flags, false, state);
    }

    /// Makes it the root of a trace.
    pub(super) fn root(&mut self, trace_id: TraceId, id: SpanId) {
        self.parent = SpanId::INVALID;
        self.parent_is_remote = false;
        self.context = SpanContext::new(trace_id, id, TraceFlags::SAMPLED, false, TraceState::NONE);
    }

    /// From now on time passes for the span.
    #[inline(always)]
    pub(crate) fn begin(&mut self) {
        self.start = self.core.clock.start();
        self.has_begun();
    }

    /// To be called when all is known that is known at the start.
    #[inline(always)]
    pub(super) fn has_begun(&self) {
        if self.core.journal.is_some() {
            self.tell_of_start();
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_of_start(&self) {
        if let Some(journal) = &self.core.journal
            && self.is_taken()
        {
            let entries = self.gathered.so_far(self.context.trace_state());
            journal.opens(self.known(0, entries));
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_of_end(&self, end: u64) {
        if let Some(journal) = &self.core.journal {
            journal.ends(self.known(end, self.gathered.words().into()));
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_of_loss(&self) {
        if let Some(journal) = &self.core.journal {
            journal.forget([self.context.span_id()]);
        }
    }

    fn known(&self, end: u64, entries: Box<[u64]>) -> Known {
        Known {
            // Where it comes from is in the source.
            head: self.head(end, Origin::Tracer(0)),
            source: self.source.clone(),
            is_named: self.gathered.is_named(),
            entries,
        }
    }

    /// Nanoseconds since the epoch.
    #[inline(always)]
    pub(super) fn now(&self) -> u64 {
        self.core.clock.now_in(self.start)
    }

    /// Whether it is exported when it ends.
    #[inline(always)]
    pub(super) fn is_taken(&self) -> bool {
        // One that is only recorded is for processors, and there are none.
        self.context.is_sampled() && !self.core.is_shut_down.load(Ordering::Relaxed)
    }

    /// Adds the span to those that wait. Nothing is added to it any more.
    #[inline(always)]
    pub(super) fn push(&mut self, writer: &mut Writer, end: u64) {
        self.gathered.seal(self.context.trace_state());
        if self.core.journal.is_some() {
            self.tell_of_end(end);
        }
        let is_named = self.gathered.is_named();
        let head = |origin| self.head(end, origin);
        if !writer.push(&self.source, is_named, head, self.gathered.words()) {
            self.tell_of_loss();
        }
    }

    #[inline(always)]
    fn head(&self, end: u64, origin: Origin) -> Head {
        Head {
            trace_id: self.context.trace_id(),
            span_id: self.context.span_id(),
            parent: self.parent,
            parent_is_remote: self.parent_is_remote,
            trace_flags: self.context.trace_flags(),
            kind: self.kind,
            start: self.start.unix,
            end,
            origin,
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(shared) = self.shared {
            shared.give_back();
        }
    }
}
