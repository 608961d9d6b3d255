//! Makes OTLP of the entries that a span gathered: what a `Span` has besides its head.

use super::attributes::Attributes;
use super::entries::{Entry, Reader, Text};
use super::{field, wire};

/// Memory to work with.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    attributes: Attributes,
    /// Of an event or a link.
    nested: Attributes,
    /// Fields that stand after the attributes.
    rest: Vec<u8>,
}

/// Adds the fields of a span that has these attributes from the start.
pub(super) fn fields(
    constants: &Attributes,
    entries: Reader<'_>,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) {
    if entries.0.is_empty() {
        out.extend_from_slice(constants.bytes());
        return;
    }
    let Scratch {
        attributes,
        nested,
        rest,
    } = scratch;
    attributes.start_with(constants);
    rest.clear();
    for entry in entries {
        match entry {
            Entry::Attribute(key, value) => attributes.add(key, value),
            Entry::Event {
                time,
                name,
                attributes,
            } => wire::nested(rest, field::EVENTS, |out| {
                wire::fixed_64(out, field::event::TIME, time);
                text_if_any(out, field::event::NAME, name);
                nested.start(field::event::ATTRIBUTES);
                let dropped = nested.read(attributes);
                out.extend_from_slice(nested.settled());
                wire::count(out, field::event::DROPPED_ATTRIBUTES, dropped);
            }),
            Entry::Link {
                trace_id,
                span_id,
                flags,
                state,
                attributes,
            } => wire::nested(rest, field::LINKS, |out| {
                text_if_any(out, field::link::TRACE_ID, trace_id);
                text_if_any(out, field::link::SPAN_ID, span_id);
                text_if_any(out, field::link::TRACE_STATE, state);
                nested.start(field::link::ATTRIBUTES);
                let dropped = nested.read(attributes);
                out.extend_from_slice(nested.settled());
                wire::count(out, field::link::DROPPED_ATTRIBUTES, dropped);
                wire::fixed_32(out, field::link::FLAGS, flags);
            }),
            Entry::Name(name) => text_if_any(rest, field::NAME, name),
            Entry::TraceState(state) => text_if_any(rest, field::TRACE_STATE, state),
            Entry::Status { code, message } => wire::nested(rest, field::STATUS, |out| {
                text_if_any(out, field::status::MESSAGE, message);
                wire::number(out, field::status::CODE, code);
            }),
            Entry::Dropped { field, count } => wire::count(rest, field, count),
        }
    }
    out.extend_from_slice(attributes.settled());
    out.extend_from_slice(rest);
}

/// The attributes that were added to a list, as fields of that number.
pub(super) fn attributes(entries: &super::entries::Entries, field: u8) -> Attributes {
    let words: Vec<_> = entries.words().iter().map(|word| (*word).into()).collect();
    let mut encoded = Attributes::default();
    encoded.start(field);
    encoded.read(Reader(&words));
    encoded.settled();
    encoded
}

fn text_if_any(out: &mut Vec<u8>, field: u8, text: Text<'_>) {
    if text.length > 0 {
        wire::header(out, field, text.length);
        text.copy(out);
    }
}
