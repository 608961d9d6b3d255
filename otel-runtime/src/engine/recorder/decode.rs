//! Makes of an encoded span what exporters of the SDK take.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::field::{self, any_value};
use super::record::Record;
use super::wire::{self, Fields};

/// Adds a span, but for bytes that this crate did not write. It is large, so that it is made where it is to be.
pub(super) fn span(record: Record<'_>, into: &mut Vec<SpanData>) {
    let head = record.head;
    into.push(SpanData {
        span_context: SpanContext::new(
            head.trace_id,
            head.span_id,
            head.trace_flags,
            false,
            TraceState::NONE,
        ),
        parent_span_id: head.parent,
        parent_span_is_remote: head.parent_is_remote,
        span_kind: kind(head.kind),
        name: Cow::Borrowed(record.name.unwrap_or_default()),
        start_time: time(head.start),
        end_time: time(head.end),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: record.scope.clone(),
    });
    if !record.fields.is_empty()
        && let Some(data) = into.last_mut()
        && fill(data, record.fields).is_none()
    {
        into.pop();
    }
}

fn fill(data: &mut SpanData, fields: &[u8]) -> Option<()> {
    for (field, value) in Fields(fields) {
        match field {
            field::TRACE_STATE => {
                let context = &data.span_context;
                data.span_context = SpanContext::new(
                    context.trace_id(),
                    context.span_id(),
                    context.trace_flags(),
                    false,
                    text(value)?.parse().ok()?,
                );
            }
            field::NAME => data.name = text(value)?.to_owned().into(),
            field::ATTRIBUTES => data.attributes.push(attribute(value.bytes()?)?),
            field::DROPPED_ATTRIBUTES => data.dropped_attributes_count = count(value)?,
            field::EVENTS => data.events.events.push(event(value.bytes()?)?),
            field::DROPPED_EVENTS => data.events.dropped_count = count(value)?,
            field::LINKS => data.links.links.push(link(value.bytes()?)?),
            field::DROPPED_LINKS => data.links.dropped_count = count(value)?,
            field::STATUS => data.status = status(value.bytes()?)?,
            _ => return None,
        }
    }
    Some(())
}

fn event(bytes: &[u8]) -> Option<Event> {
    let mut event = Event::new("", UNIX_EPOCH, Vec::new(), 0);
    for (field, value) in Fields(bytes) {
        match field {
            field::event::TIME => event.timestamp = time(value.number()),
            field::event::NAME => event.name = text(value)?.to_owned().into(),
            field::event::ATTRIBUTES => event.attributes.push(attribute(value.bytes()?)?),
            field::event::DROPPED_ATTRIBUTES => event.dropped_attributes_count = count(value)?,
            _ => return None,
        }
    }
    Some(event)
}

fn link(bytes: &[u8]) -> Option<Link> {
    let mut trace_id = TraceId::INVALID;
    let mut span_id = SpanId::INVALID;
    let mut state = TraceState::NONE;
    let mut flags = 0;
    let mut attributes = Vec::new();
    let mut dropped = 0;
    for (field, value) in Fields(bytes) {
        match field {
            field::link::TRACE_ID => {
                trace_id = TraceId::from_bytes(value.bytes()?.try_into().ok()?);
            }
            field::link::SPAN_ID => span_id = SpanId::from_bytes(value.bytes()?.try_into().ok()?),
            field::link::TRACE_STATE => state = text(value)?.parse().ok()?,
            field::link::ATTRIBUTES => attributes.push(attribute(value.bytes()?)?),
            field::link::DROPPED_ATTRIBUTES => dropped = count(value)?,
            field::link::FLAGS => flags = u16::try_from(value.number()).ok()?,
            _ => return None,
        }
    }
    let is_remote = flags & field::IS_REMOTE != 0;
    let [of_trace, _] = flags.to_le_bytes();
    let flags = TraceFlags::new(of_trace);
    let target = SpanContext::new(trace_id, span_id, flags, is_remote, state);
    Some(Link::new(target, attributes, dropped))
}

fn status(bytes: &[u8]) -> Option<Status> {
    let mut description = "";
    let mut code = 0;
    for (field, value) in Fields(bytes) {
        match field {
            field::status::MESSAGE => description = text(value)?,
            field::status::CODE => code = value.number(),
            _ => return None,
        }
    }
    Some(match code {
        field::status::OK => Status::Ok,
        field::status::ERROR => Status::error(description.to_owned()),
        _ => Status::Unset,
    })
}

/// Attributes that were written one after the other.
#[cfg(test)]
pub(super) fn attributes(bytes: &[u8]) -> Vec<KeyValue> {
    Fields(bytes)
        .filter_map(|(_, value)| attribute(value.bytes()?))
        .collect()
}

pub(super) fn attribute(bytes: &[u8]) -> Option<KeyValue> {
    let mut fields = Fields(bytes);
    let (_, key) = fields.next()?;
    let (_, value) = fields.next()?;
    let key = text(key)?.to_owned();
    Some(KeyValue::new(key, value_of(value.bytes()?)?))
}

fn value_of(bytes: &[u8]) -> Option<Value> {
    let (field, value) = Fields(bytes).next()?;
    match field {
        any_value::ARRAY => Some(Value::Array(array(value.bytes()?)?)),
        _ => scalar(field, value),
    }
}

/// What may stand in an array.
fn scalar(field: u8, value: wire::Value<'_>) -> Option<Value> {
    Some(match field {
        any_value::STRING => Value::String(text(value)?.to_owned().into()),
        any_value::BOOL => Value::Bool(value.number() != 0),
        any_value::INT => Value::I64(value.number().cast_signed()),
        any_value::DOUBLE => Value::F64(f64::from_bits(value.number())),
        _ => return None,
    })
}

/// All values of an array are of one type. An empty one does not say of which, and comes back as one of texts.
fn array(bytes: &[u8]) -> Option<Array> {
    let values: Option<Vec<Value>> = Fields(bytes)
        .map(|(_, value)| {
            let (field, value) = Fields(value.bytes()?).next()?;
            scalar(field, value)
        })
        .collect();
    let values = values?;
    Some(match values.first() {
        Some(Value::Bool(_)) => Array::Bool(each(values, |value| match value {
            Value::Bool(value) => Some(value),
            _ => None,
        })?),
        Some(Value::I64(_)) => Array::I64(each(values, |value| match value {
            Value::I64(value) => Some(value),
            _ => None,
        })?),
        Some(Value::F64(_)) => Array::F64(each(values, |value| match value {
            Value::F64(value) => Some(value),
            _ => None,
        })?),
        _ => Array::String(each(values, |value| match value {
            Value::String(value) => Some::<StringValue>(value),
            _ => None,
        })?),
    })
}

fn each<T>(values: Vec<Value>, of: impl FnMut(Value) -> Option<T>) -> Option<Vec<T>> {
    values.into_iter().map(of).collect()
}

fn kind(number: u8) -> SpanKind {
    match number {
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

fn text(value: wire::Value<'_>) -> Option<&str> {
    std::str::from_utf8(value.bytes()?).ok()
}

fn count(value: wire::Value<'_>) -> Option<u32> {
    u32::try_from(value.number()).ok()
}

fn time(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}
