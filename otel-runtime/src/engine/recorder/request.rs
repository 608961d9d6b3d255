//! Makes an OTLP request of encoded spans.

use std::collections::HashMap;

use opentelemetry::trace::SpanId;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;

use super::attributes::Attributes;
use super::entries::Entries;
use super::export::Batch;
use super::record::{self, Record};
use super::{encode, field, wire};

/// The field of `ExportTraceServiceRequest`.
const RESOURCE_SPANS: u8 = 1;

/// Fields of `ResourceSpans`.
mod resource_spans {
    pub(super) const RESOURCE: u8 = 1;
    pub(super) const SCOPE_SPANS: u8 = 2;
    pub(super) const SCHEMA_URL: u8 = 3;
}

/// The field of `Resource`.
mod resource {
    pub(super) const ATTRIBUTES: u8 = 1;
}

/// Fields of `ScopeSpans`.
mod scope_spans {
    pub(super) const SCOPE: u8 = 1;
    pub(super) const SPANS: u8 = 2;
    pub(super) const SCHEMA_URL: u8 = 3;
}

/// Fields of `InstrumentationScope`.
mod scope {
    pub(super) const NAME: u8 = 1;
    pub(super) const VERSION: u8 = 2;
    pub(super) const ATTRIBUTES: u8 = 3;
}

/// Fields of `Span` that every span has.
mod span {
    pub(super) const TRACE_ID: u8 = 1;
    pub(super) const SPAN_ID: u8 = 2;
    pub(super) const PARENT_SPAN_ID: u8 = 4;
    pub(super) const KIND: u8 = 6;
    pub(super) const START: u8 = 7;
    pub(super) const END: u8 = 8;
    pub(super) const FLAGS: u8 = 16;
}

/// So many scopes are compared by where they are, which takes less time than what they are.
const MOST_SEEN: usize = 8;

/// What all requests of a process have in common.
#[derive(Debug)]
pub(crate) struct Envelope {
    /// Fields of `ResourceSpans`, before those of the scopes.
    resource: Vec<u8>,
    /// The same, after them.
    schema_url: Vec<u8>,
}

impl Envelope {
    pub(crate) fn new(of: &Resource) -> Self {
        let attributes = of
            .iter()
            .map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let mut encoded = Vec::new();
        wire::bytes(
            &mut encoded,
            resource_spans::RESOURCE,
            unlimited(resource::ATTRIBUTES, attributes).bytes(),
        );
        let mut schema_url = Vec::new();
        let url = of.schema_url().unwrap_or_default();
        wire::bytes_if_any(&mut schema_url, resource_spans::SCHEMA_URL, url.as_bytes());
        Self {
            resource: encoded,
            schema_url,
        }
    }

    /// An `ExportTraceServiceRequest`; the spans of one scope stand together.
    pub(crate) fn request(&self, spans: &Batch<'_>) -> Vec<u8> {
        let groups: Vec<_> = grouped(spans).into_iter().map(Group::encoded).collect();
        let length = self.resource.len()
            + self.schema_url.len()
            + groups
                .iter()
                .map(|group| wire::length(group.length()))
                .sum::<usize>();
        let mut out = Vec::with_capacity(wire::length(length));
        wire::header(&mut out, RESOURCE_SPANS, length);
        out.extend_from_slice(&self.resource);
        for group in groups {
            wire::header(&mut out, resource_spans::SCOPE_SPANS, group.length());
            out.extend_from_slice(&group.scope);
            for index in group.spans {
                let (span, length) = spans.span(index);
                wire::header(&mut out, scope_spans::SPANS, length);
                write(span, &mut out);
            }
            out.extend_from_slice(&group.schema_url);
        }
        out.extend_from_slice(&self.schema_url);
        out
    }
}

/// The spans of a scope.
struct Group<'a> {
    scope: &'a InstrumentationScope,
    /// Where they are in the batch.
    spans: Vec<usize>,
    /// How much they take together.
    length: usize,
}

/// The same with the fields of the scope, as they go into the message.
struct EncodedGroup {
    scope: Vec<u8>,
    spans: Vec<usize>,
    length: usize,
    schema_url: Vec<u8>,
}

fn grouped<'a>(spans: &'a Batch<'_>) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut places = HashMap::new();
    // The scopes of a service are few, and each is nearly always the same value.
    let mut seen: Vec<(&InstrumentationScope, usize)> = Vec::new();
    for (index, (scope, length)) in spans.extents().enumerate() {
        let same = seen.iter().find(|(seen, _)| std::ptr::eq(*seen, scope));
        let place = if let Some((_, place)) = same {
            *place
        } else {
            let place = *places.entry(scope).or_insert(groups.len());
            if place == groups.len() {
                groups.push(Group {
                    scope,
                    spans: Vec::new(),
                    length: 0,
                });
            }
            if seen.len() < MOST_SEEN {
                seen.push((scope, place));
            }
            place
        };
        let group = &mut groups[place];
        group.spans.push(index);
        group.length += wire::length(length);
    }
    groups
}

impl Group<'_> {
    fn encoded(self) -> EncodedGroup {
        let of = self.scope;
        let mut encoded = Vec::new();
        wire::nested(&mut encoded, scope_spans::SCOPE, |out| {
            wire::bytes_if_any(out, scope::NAME, of.name().as_bytes());
            wire::bytes_if_any(
                out,
                scope::VERSION,
                of.version().unwrap_or_default().as_bytes(),
            );
            let attributes = of.attributes().cloned();
            out.extend_from_slice(unlimited(scope::ATTRIBUTES, attributes).bytes());
        });
        let mut schema_url = Vec::new();
        let url = of.schema_url().unwrap_or_default();
        wire::bytes_if_any(&mut schema_url, scope_spans::SCHEMA_URL, url.as_bytes());
        EncodedGroup {
            scope: encoded,
            spans: self.spans,
            length: self.length,
            schema_url,
        }
    }
}

impl EncodedGroup {
    fn length(&self) -> usize {
        self.scope.len() + self.length + self.schema_url.len()
    }
}

/// Writes a span.
fn write(record: Record<'_>, out: &mut Vec<u8>) {
    let head = record.head;
    let mut fixed = wire::Array::<{ record::FIXED + record::PARENT }>::new();
    fixed.bytes(span::TRACE_ID, &head.trace_id.to_bytes());
    fixed.bytes(span::SPAN_ID, &head.span_id.to_bytes());
    if head.parent != SpanId::INVALID {
        fixed.bytes(span::PARENT_SPAN_ID, &head.parent.to_bytes());
    }
    fixed.small_number(span::KIND, head.kind);
    fixed.fixed_64(span::START, head.start);
    fixed.fixed_64(span::END, head.end);
    let flags = record::flags(head.trace_flags, head.parent_is_remote);
    fixed.fixed_32(span::FLAGS, flags);
    out.extend_from_slice(fixed.written());
    wire::bytes_if_any(out, field::NAME, record.name.unwrap_or_default().as_bytes());
    out.extend_from_slice(record.fields);
}

/// The limits are for spans, not for what describes a process or a library.
fn unlimited(field: u8, attributes: impl Iterator<Item = KeyValue>) -> Attributes {
    let mut list = Entries::unlimited();
    list.extend(attributes);
    encode::attributes(&list, field)
}
