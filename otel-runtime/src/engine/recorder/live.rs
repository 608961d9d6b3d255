//! What a span that has not ended has gathered.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceState};

use super::attributes::Attributes;
use super::clock::Start;
use super::lane::Writer;
use super::limits::{AttributeLimits, Limits};
use super::record::{Head, flags};
use super::scope::Source;
use super::{Core, field, wire};

/// A span that records.
#[derive(Debug)]
pub(crate) struct Live {
    pub(super) core: &'static Core,
    pub(super) source: Source,
    pub(super) context: SpanContext,
    pub(super) parent: SpanId,
    pub(super) parent_is_remote: bool,
    /// The one of the site where there is none.
    pub(super) name: Option<Cow<'static, str>>,
    /// As OTLP counts.
    pub(super) kind: u8,
    pub(super) start: Start,
    pub(super) status: Status,
    pub(super) has_ended: bool,
    pub(super) attributes: Attributes,
    /// Events and links: fields of the span, one after the other.
    rest: Vec<u8>,
    events: Counted,
    links: Counted,
}

#[derive(Debug, Default)]
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

impl Live {
    pub(super) fn new(core: &'static Core, source: Source) -> Self {
        let mut live = Self {
            core,
            source,
            context: SpanContext::NONE,
            parent: SpanId::INVALID,
            parent_is_remote: false,
            name: None,
            kind: 0,
            start: Start::default(),
            status: Status::Unset,
            has_ended: false,
            attributes: Attributes::default(),
            rest: Vec::new(),
            events: Counted::default(),
            links: Counted::default(),
        };
        live.start_lists();
        live
    }

    /// Makes one that was used before as if it were new, and keeps the memory of its lists. Context and parent are as they
    /// were: each span gets others.
    pub(super) fn reuse(&mut self, core: &'static Core, source: Source) {
        self.core = core;
        self.source = source;
        self.name = None;
        self.status = Status::Unset;
        self.has_ended = false;
        self.rest.clear();
        self.events = Counted::default();
        self.links = Counted::default();
        self.start_lists();
    }

    fn start_lists(&mut self) {
        self.attributes
            .start(field::ATTRIBUTES, self.core.limits.of_span);
    }

    /// How much memory it holds on to.
    pub(super) fn capacity(&self) -> usize {
        self.attributes.capacity() + self.rest.capacity()
    }

    fn limits(&self) -> &'static Limits {
        &self.core.limits
    }

    pub(super) fn set_status(&mut self, status: Status) {
        // Ok is final, and an error is not taken back.
        if status > self.status {
            self.status = status;
        }
    }

    /// `time` is in nanoseconds since the epoch.
    pub(super) fn add_event(&mut self, name: &str, time: u64, attributes: Vec<KeyValue>) {
        let limits = self.limits();
        if !self.events.admit(limits.events) {
            return;
        }
        let encoded = encoded(field::event::ATTRIBUTES, limits.of_event, attributes);
        self.write_event(name, time, &encoded);
    }

    /// The same with attributes that are encoded already.
    pub(super) fn add_encoded_event(&mut self, name: &str, time: u64, attributes: &mut Attributes) {
        if self.events.admit(self.limits().events) {
            attributes.settle();
            self.write_event(name, time, attributes);
        }
    }

    fn write_event(&mut self, name: &str, time: u64, encoded: &Attributes) {
        wire::nested(&mut self.rest, field::EVENTS, |out| {
            wire::fixed_64(out, field::event::TIME, time);
            wire::bytes_if_any(out, field::event::NAME, name.as_bytes());
            out.extend_from_slice(encoded.bytes());
            wire::count(out, field::event::DROPPED_ATTRIBUTES, encoded.dropped());
        });
    }

    pub(super) fn add_link(&mut self, target: &SpanContext, attributes: Vec<KeyValue>) {
        let limits = self.limits();
        if !self.links.admit(limits.links) {
            return;
        }
        let encoded = encoded(field::link::ATTRIBUTES, limits.of_link, attributes);
        wire::nested(&mut self.rest, field::LINKS, |out| {
            wire::bytes(out, field::link::TRACE_ID, &target.trace_id().to_bytes());
            wire::bytes(out, field::link::SPAN_ID, &target.span_id().to_bytes());
            let state = target.trace_state().header();
            wire::bytes_if_any(out, field::link::TRACE_STATE, state.as_bytes());
            out.extend_from_slice(encoded.bytes());
            wire::count(out, field::link::DROPPED_ATTRIBUTES, encoded.dropped());
            wire::fixed_32(
                out,
                field::link::FLAGS,
                flags(target.trace_flags(), target.is_remote()),
            );
        });
    }

    /// Puts all fields that are not in the head one after the other. Nothing is added any more.
    pub(super) fn seal(&mut self) {
        self.attributes.settle();
        let dropped = self.attributes.dropped();
        let out = self.attributes.sealed();
        wire::count(out, field::DROPPED_ATTRIBUTES, dropped);
        if *self.context.trace_state() != TraceState::NONE {
            let state = self.context.trace_state().header();
            wire::bytes_if_any(out, field::TRACE_STATE, state.as_bytes());
        }
        if let Some(name) = &self.name {
            wire::bytes_if_any(out, field::NAME, name.as_bytes());
        }
        out.extend_from_slice(&self.rest);
        wire::count(out, field::DROPPED_EVENTS, self.events.dropped);
        wire::count(out, field::DROPPED_LINKS, self.links.dropped);
        match &self.status {
            Status::Unset => {}
            Status::Ok => wire::nested(out, field::STATUS, |out| {
                wire::number(out, field::status::CODE, field::status::OK);
            }),
            Status::Error { description } => wire::nested(out, field::STATUS, |out| {
                wire::bytes_if_any(out, field::status::MESSAGE, description.as_bytes());
                wire::number(out, field::status::CODE, field::status::ERROR);
            }),
        }
    }

    /// Adds the span to those that wait, once it is sealed.
    pub(super) fn push(&self, writer: &mut Writer, end: u64) {
        let head = |origin| Head {
            trace_id: self.context.trace_id(),
            span_id: self.context.span_id(),
            parent: self.parent,
            parent_is_remote: self.parent_is_remote,
            trace_flags: self.context.trace_flags(),
            kind: self.kind,
            start: self.start.unix,
            end,
            origin,
        };
        writer.push(
            &self.source,
            self.name.is_some(),
            head,
            self.attributes.bytes(),
        );
    }
}

fn encoded(field: u8, limits: AttributeLimits, attributes: Vec<KeyValue>) -> Attributes {
    let mut encoded = Attributes::default();
    encoded.start(field, limits);
    encoded.extend(attributes);
    encoded.settle();
    encoded
}

/// A kind as OTLP counts it.
pub(super) const fn kind(kind: &SpanKind) -> u8 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Client => 3,
        SpanKind::Producer => 4,
        SpanKind::Consumer => 5,
    }
}
