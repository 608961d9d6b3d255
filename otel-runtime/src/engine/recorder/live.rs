//! What a span that has not ended has gathered, and how that becomes an OTLP span.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};

use super::attributes::Attributes;
use super::clock::Start;
use super::limits::{AttributeLimits, Limits};
use super::scope::Scope;
use super::{Core, field, wire};

/// What the fields take that every span has: trace id, span id, kind, start, end and flags.
const FIXED: usize = 18 + 10 + 2 + 9 + 9 + 6;

/// The parent's id.
const PARENT: usize = 10;

/// More than what a span takes beside its texts, attributes, events and links.
const HEADER: usize = 128;

/// A span that records.
#[derive(Debug)]
pub(crate) struct Live {
    pub(super) core: &'static Core,
    pub(super) scope: Scope,
    pub(super) context: SpanContext,
    pub(super) parent: SpanId,
    pub(super) parent_is_remote: bool,
    pub(super) name: Cow<'static, str>,
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
    pub(super) fn new(core: &'static Core, scope: Scope) -> Self {
        let mut live = Self {
            core,
            scope,
            context: SpanContext::NONE,
            parent: SpanId::INVALID,
            parent_is_remote: false,
            name: Cow::Borrowed(""),
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
    pub(super) fn reuse(&mut self, core: &'static Core, scope: Scope) {
        self.core = core;
        self.scope = scope;
        self.name = Cow::Borrowed("");
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
            wire::fixed_32(out, field::link::FLAGS, flags(target, target.is_remote()));
        });
    }

    /// No less than what [`encode`](Self::encode) writes.
    pub(super) fn size(&self, state: &str) -> usize {
        let message = match &self.status {
            Status::Error { description } => description.len(),
            _ => 0,
        };
        HEADER
            + state.len()
            + message
            + self.name.len()
            + self.attributes.bytes().len()
            + self.rest.len()
    }

    /// Writes the span.
    pub(super) fn encode(&self, state: &str, end: u64, out: &mut Vec<u8>) {
        let span = &self.context;
        let mut fixed = wire::Array::<{ FIXED + PARENT }>::new();
        fixed.bytes(field::TRACE_ID, &span.trace_id().to_bytes());
        fixed.bytes(field::SPAN_ID, &span.span_id().to_bytes());
        if self.parent != SpanId::INVALID {
            fixed.bytes(field::PARENT_SPAN_ID, &self.parent.to_bytes());
        }
        fixed.small_number(field::KIND, self.kind);
        fixed.fixed_64(field::START, self.start.unix);
        fixed.fixed_64(field::END, end);
        fixed.fixed_32(field::FLAGS, flags(span, self.parent_is_remote));
        out.reserve(self.size(state));
        out.extend_from_slice(fixed.written());
        wire::bytes_if_any(out, field::TRACE_STATE, state.as_bytes());
        wire::bytes_if_any(out, field::NAME, self.name.as_bytes());
        out.extend_from_slice(self.attributes.bytes());
        wire::count(out, field::DROPPED_ATTRIBUTES, self.attributes.dropped());
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
}

fn encoded(field: u8, limits: AttributeLimits, attributes: Vec<KeyValue>) -> Attributes {
    let mut encoded = Attributes::default();
    encoded.start(field, limits);
    encoded.extend(attributes);
    encoded.settle();
    encoded
}

fn flags(span: &SpanContext, is_remote: bool) -> u16 {
    let remote = if is_remote { field::IS_REMOTE } else { 0 };
    u16::from(span.trace_flags().to_u8()) | field::IS_REMOTE_KNOWN | remote
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
