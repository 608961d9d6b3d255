//! What a span gathers besides its head.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, Status, TraceState};

use super::entries::{Entries, Kind};
use super::field;
use super::limits::Limits;
use super::local::SPARE_CAPACITY;

/// Attributes, events, links, and what changed after the start.
#[derive(Clone, Debug)]
#[repr(C)]
pub(super) struct Gathered {
    limits: &'static Limits,
    /// Whether there is nothing in what follows.
    is_empty: bool,
    entries: Entries,
    /// The one of the site where there is none.
    name: Option<Cow<'static, str>>,
    status: Status,
    events: Counted,
    links: Counted,
}

#[derive(Clone, Debug, Default)]
struct Counted {
    kept: u32,
    dropped: u32,
}

impl Counted {
    fn admit(&mut self, limit: u32) -> bool {
        let admitted = self.kept < limit;
        if admitted {
            self.kept += 1;
        } else {
            self.dropped += 1;
        }
        admitted
    }
}

impl Gathered {
    pub(super) fn new(limits: &'static Limits) -> Self {
        Self {
            limits,
            is_empty: true,
            name: None,
            status: Status::Unset,
            entries: Entries::new(limits.of_span),
            events: Counted::default(),
            links: Counted::default(),
        }
    }

    /// Forgets all, and keeps the memory of the lists; `attributes` are those that the span has from the start.
    #[inline(always)]
    pub(super) fn clear(&mut self, limits: &'static Limits, attributes: u32) {
        if !self.is_empty || !std::ptr::eq(self.limits, limits) {
            self.forget(limits);
        }
        self.entries.start_with(attributes);
    }

    fn forget(&mut self, limits: &'static Limits) {
        self.limits = limits;
        self.is_empty = true;
        self.name = None;
        self.status = Status::Unset;
        self.entries.start(limits.of_span);
        self.events = Counted::default();
        self.links = Counted::default();
    }

    /// Does not hold on to much memory, once the span has ended.
    #[inline(always)]
    pub(super) fn shrink(&mut self) {
        // What is long besides has been written there.
        if !self.is_empty && self.entries.capacity() > SPARE_CAPACITY {
            *self = Self::new(self.limits);
        }
    }

    /// To add attributes.
    #[inline]
    pub(super) fn attributes(&mut self) -> &mut Entries {
        self.is_empty = false;
        &mut self.entries
    }

    pub(super) fn rename(&mut self, name: Cow<'static, str>) {
        self.is_empty = false;
        self.name = Some(name);
    }

    pub(super) fn is_named(&self) -> bool {
        self.name.is_some()
    }

    pub(super) fn set_status(&mut self, status: Status) {
        self.is_empty = false;
        // Ok is final, and an error is not taken back.
        if status > self.status {
            self.status = status;
        }
    }

    /// `time` is in nanoseconds since the epoch.
    pub(super) fn add_event(&mut self, name: &str, time: u64, attributes: Vec<KeyValue>) {
        self.is_empty = false;
        if self.events.admit(self.limits.events) {
            self.entries
                .event(name, time, self.limits.of_event, attributes);
        }
    }

    /// The same with attributes that are in a list already.
    pub(super) fn add_listed_event(&mut self, name: &str, time: u64, attributes: &Entries) {
        self.is_empty = false;
        if self.events.admit(self.limits.events) {
            self.entries.listed_event(name, time, attributes);
        }
    }

    pub(super) fn add_link(&mut self, target: &SpanContext, attributes: Vec<KeyValue>) {
        self.is_empty = false;
        if self.links.admit(self.limits.links) {
            self.entries.link(target, self.limits.of_link, attributes);
        }
    }

    /// Adds what was gathered elsewhere for the same span.
    pub(super) fn append(&mut self, other: &mut Self) {
        self.is_empty = false;
        if let Some(name) = other.name.take() {
            self.name = Some(name);
        }
        self.set_status(std::mem::take(&mut other.status));
        for (kind, entry) in other.entries.each() {
            let admitted = match kind {
                Kind::Attribute => self.entries.admit(),
                Kind::Event => self.events.admit(self.limits.events),
                Kind::Link => self.links.admit(self.limits.links),
            };
            if admitted {
                self.entries.copy(entry);
            }
        }
        self.entries.drop_more(other.entries.dropped_attributes());
        self.events.dropped += other.events.dropped;
        self.links.dropped += other.links.dropped;
    }

    /// Adds what is known of a span at its end. Nothing is added any more.
    #[inline]
    pub(super) fn seal(&mut self, state: &TraceState) {
        if !self.is_empty || *state != TraceState::NONE {
            self.add_last(state);
        }
    }

    pub(super) fn words(&self) -> &[u64] {
        self.entries.words()
    }

    /// What it would be if the span ended now.
    pub(super) fn so_far(&self, state: &TraceState) -> Box<[u64]> {
        let mut copy = self.clone();
        copy.seal(state);
        copy.words().into()
    }

    #[inline(never)]
    fn add_last(&mut self, state: &TraceState) {
        self.is_empty = false;
        let entries = &mut self.entries;
        entries.dropped(field::DROPPED_ATTRIBUTES, entries.dropped_attributes());
        entries.dropped(field::DROPPED_EVENTS, self.events.dropped);
        entries.dropped(field::DROPPED_LINKS, self.links.dropped);
        if *state != TraceState::NONE {
            entries.trace_state(&state.header());
        }
        if let Some(name) = &self.name {
            entries.name(name);
        }
        match &self.status {
            Status::Unset => {}
            Status::Ok => entries.status(field::status::OK, ""),
            Status::Error { description } => entries.status(field::status::ERROR, description),
        }
    }
}
