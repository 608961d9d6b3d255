//! Makes of an encoded span what exporters of the SDK take.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::field::{self, any_value};
use super::wire::{self, Fields};

/// A span; `None` for bytes that this crate did not write.
pub(super) fn span(scope: &InstrumentationScope, bytes: &[u8]) -> Option<SpanData> {
    let mut ids = Ids::default();
    let mut data = SpanData {
        span_context: SpanContext::empty_context(),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "".into(),
        start_time: UNIX_EPOCH,
        end_time: UNIX_EPOCH,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    };
    for (field, value) in Fields(bytes) {
        match field {
            field::TRACE_ID => ids.trace = trace_id(value)?,
            field::SPAN_ID => ids.span = span_id(value)?,
            field::TRACE_STATE => ids.state = text(value)?.parse().ok()?,
            field::PARENT_SPAN_ID => data.parent_span_id = span_id(value)?,
            field::NAME => data.name = text(value)?.to_owned().into(),
            field::KIND => data.span_kind = kind(value.number()),
            field::START => data.start_time = time(value),
            field::END => data.end_time = time(value),
            field::ATTRIBUTES => data.attributes.push(attribute(value.bytes()?)?),
            field::DROPPED_ATTRIBUTES => data.dropped_attributes_count = count(value)?,
            field::EVENTS => data.events.events.push(event(value.bytes()?)?),
            field::DROPPED_EVENTS => data.events.dropped_count = count(value)?,
            field::LINKS => data.links.links.push(link(value.bytes()?)?),
            field::DROPPED_LINKS => data.links.dropped_count = count(value)?,
            field::STATUS => data.status = status(value.bytes()?)?,
            field::FLAGS => ids.flags = u16::try_from(value.number()).ok()?,
            _ => return None,
        }
    }
    data.parent_span_is_remote = ids.flags & field::IS_REMOTE != 0;
    data.span_context = ids.context(false);
    Some(data)
}

/// What makes up a span context.
struct Ids {
    trace: TraceId,
    span: SpanId,
    flags: u16,
    state: TraceState,
}

impl Default for Ids {
    fn default() -> Self {
        Self {
            trace: TraceId::INVALID,
            span: SpanId::INVALID,
            flags: 0,
            state: TraceState::NONE,
        }
    }
}

impl Ids {
    fn context(self, is_remote: bool) -> SpanContext {
        let [flags, _] = self.flags.to_le_bytes();
        SpanContext::new(
            self.trace,
            self.span,
            TraceFlags::new(flags),
            is_remote,
            self.state,
        )
    }
}

fn event(bytes: &[u8]) -> Option<Event> {
    let mut event = Event::new("", UNIX_EPOCH, Vec::new(), 0);
    for (field, value) in Fields(bytes) {
        match field {
            field::event::TIME => event.timestamp = time(value),
            field::event::NAME => event.name = text(value)?.to_owned().into(),
            field::event::ATTRIBUTES => event.attributes.push(attribute(value.bytes()?)?),
            field::event::DROPPED_ATTRIBUTES => event.dropped_attributes_count = count(value)?,
            _ => return None,
        }
    }
    Some(event)
}

fn link(bytes: &[u8]) -> Option<Link> {
    let mut ids = Ids::default();
    let mut attributes = Vec::new();
    let mut dropped = 0;
    for (field, value) in Fields(bytes) {
        match field {
            field::link::TRACE_ID => ids.trace = trace_id(value)?,
            field::link::SPAN_ID => ids.span = span_id(value)?,
            field::link::TRACE_STATE => ids.state = text(value)?.parse().ok()?,
            field::link::ATTRIBUTES => attributes.push(attribute(value.bytes()?)?),
            field::link::DROPPED_ATTRIBUTES => dropped = count(value)?,
            field::link::FLAGS => ids.flags = u16::try_from(value.number()).ok()?,
            _ => return None,
        }
    }
    let is_remote = ids.flags & field::IS_REMOTE != 0;
    Some(Link::new(ids.context(is_remote), attributes, dropped))
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

fn attribute(bytes: &[u8]) -> Option<KeyValue> {
    let mut fields = Fields(bytes);
    let (_, key) = fields.next()?;
    let (_, value) = fields.next()?;
    let key = text(key)?.to_owned();
    Some(KeyValue::new(key, value_of(value.bytes()?)?))
}

fn value_of(bytes: &[u8]) -> Option<Value> {
    let (field, value) = Fields(bytes).next()?;
    Some(match field {
        any_value::STRING => Value::String(text(value)?.to_owned().into()),
        any_value::BOOL => Value::Bool(value.number() != 0),
        any_value::INT => Value::I64(value.number().cast_signed()),
        any_value::DOUBLE => Value::F64(f64::from_bits(value.number())),
        any_value::ARRAY => Value::Array(array(value.bytes()?)?),
        _ => return None,
    })
}

/// All values of an array are of one type. An empty one does not say of which, and comes back as one of texts.
fn array(bytes: &[u8]) -> Option<Array> {
    let values: Option<Vec<Value>> = Fields(bytes)
        .map(|(_, value)| value_of(value.bytes()?))
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

fn kind(number: u64) -> SpanKind {
    match number {
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

fn trace_id(value: wire::Value<'_>) -> Option<TraceId> {
    Some(TraceId::from_bytes(value.bytes()?.try_into().ok()?))
}

fn span_id(value: wire::Value<'_>) -> Option<SpanId> {
    Some(SpanId::from_bytes(value.bytes()?.try_into().ok()?))
}

fn text(value: wire::Value<'_>) -> Option<&str> {
    std::str::from_utf8(value.bytes()?).ok()
}

fn count(value: wire::Value<'_>) -> Option<u32> {
    u32::try_from(value.number()).ok()
}

fn time(value: wire::Value<'_>) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(value.number())
}
