//! A span that is never current and has nothing yet but its place in the trace. Most leaves and queries end like that.

use std::cell::Cell;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use super::clock::Start;
use super::lane::Writer;
use super::live::Live;
use super::record::{Head, Origin};
use super::scope::Label;
use super::sited::{Parent, Place};
use super::{Core, local};

/// Nobody but who began it can reach it.
#[derive(Debug)]
pub(crate) struct Bare {
    pub(super) core: &'static Core,
    pub(super) label: &'static Label,
    // Not as one: see `Kept`.
    trace_id: TraceId,
    id: SpanId,
    parent: SpanId,
    flags: TraceFlags,
    parent_is_remote: bool,
    start: Start,
}

impl Bare {
    /// Begins one, under a parent that is plain. `None` at the end of a thread, and where a journal has to know of it.
    #[inline(always)]
    pub(super) fn begin(
        core: &'static Core,
        label: &'static Label,
        parent: &Parent,
    ) -> Option<Self> {
        if core.journal.is_some() {
            return None;
        }
        Some(Self {
            core,
            label,
            trace_id: parent.trace_id,
            id: local::bare_id()?,
            parent: parent.id,
            flags: parent.flags,
            parent_is_remote: parent.is_remote,
            start: core.clock.start(),
        })
    }

    /// The same span in a box, to add something to it.
    #[inline(never)]
    pub(crate) fn boxed(&self) -> Box<Live> {
        local::boxed(self)
    }

    /// Makes another span the same as this one, which has begun.
    pub(super) fn copy(&self, live: &mut Live) {
        live.parent = self.parent;
        live.parent_is_remote = self.parent_is_remote;
        let state = TraceState::NONE;
        live.context = SpanContext::new(self.trace_id, self.id, self.flags, false, state);
        live.start = self.start;
    }

    /// Nanoseconds since the epoch.
    #[inline(always)]
    pub(super) fn now(&self) -> u64 {
        self.core.clock.now_in(self.start)
    }

    /// Ends the span.
    #[inline(always)]
    pub(crate) fn end(&self) {
        if !local::push_bare(self) {
            self.end_without_thread();
        }
    }

    #[cold]
    #[inline(never)]
    fn end_without_thread(&self) {
        self.core.finish_last(self.boxed(), self.now());
    }

    /// Adds the span to those that wait.
    #[inline(always)]
    pub(super) fn push(&self, writer: &mut Writer, end: u64) {
        if writer.has_room_for(0) {
            writer.write(
                &Head {
                    trace_id: self.trace_id,
                    span_id: self.id,
                    parent: self.parent,
                    parent_is_remote: self.parent_is_remote,
                    trace_flags: self.flags,
                    kind: self.label.kind,
                    start: self.start.unix,
                    end,
                    origin: Origin::Site(self.label.index),
                },
                &[],
            );
        }
    }
}

/// The span of a leaf. Its thread keeps it once something is added to it.
#[derive(Debug)]
pub(crate) struct BareLeaf {
    bare: Bare,
    place: Cell<Option<Place>>,
}

impl BareLeaf {
    #[inline(always)]
    pub(crate) fn new(bare: Bare) -> Self {
        Self {
            bare,
            place: Cell::new(None),
        }
    }

    /// Where its thread keeps it from now on, which is nowhere at the end of a thread.
    #[inline(never)]
    pub(crate) fn place(&self) -> Option<Place> {
        if self.place.get().is_none() {
            self.place.set(local::keep_bare(&self.bare));
        }
        self.place.get()
    }

    /// Works with the span, which its thread keeps from now on.
    #[inline(never)]
    pub(crate) fn with(&self, work: impl FnOnce(&mut Live)) {
        if let Some(place) = self.place() {
            place.with(work);
        }
    }

    /// Ends the span.
    #[inline(always)]
    pub(crate) fn end(&self) {
        match self.place.get() {
            Some(place) => place.close_leaf(),
            None => self.bare.end(),
        }
    }
}
