//! Names and values as text that stays on its line.

use std::borrow::Cow;

use opentelemetry::trace::SpanKind;
use opentelemetry::{Array, KeyValue, Value};

use super::SpanRecord;

/// The kind in capitals, as it stands at the start of a line.
pub(super) const fn kind(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "CLIENT",
        SpanKind::Server => "SERVER",
        SpanKind::Producer => "PRODUCER",
        SpanKind::Consumer => "CONSUMER",
        SpanKind::Internal => "INTERNAL",
    }
}

/// The text with its control characters escaped, so that it can neither break the line nor steer a terminal.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_disruptive) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        push_escaped(&mut out, character);
    }
    Cow::Owned(out)
}

/// The text in quotes, escaped so that the end is where it seems to be.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        push_escaped(&mut out, character);
    }
    out.push('"');
    out
}

/// At most `max` characters of the text; `…` stands for the rest.
pub(super) fn shortened(text: &str, max: usize) -> Cow<'_, str> {
    if text.chars().nth(max).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out: String = text.chars().take(max.saturating_sub(1)).collect();
    out.push('…');
    Cow::Owned(out)
}

/// The value for assertions: in full, its type visible (strings in quotes, floats with a point).
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text.as_str()),
        Value::F64(number) => format!("{number:?}"),
        Value::Array(Array::Bool(values)) => list(values, bool::to_string),
        Value::Array(Array::I64(values)) => list(values, i64::to_string),
        Value::Array(Array::F64(values)) => list(values, |number| format!("{number:?}")),
        Value::Array(Array::String(values)) => list(values, |text| quoted(text.as_str())),
        other => other.to_string(),
    }
}

/// The value for people: strings without quotes, at most `max` characters.
pub(super) fn short_value(long: &Value, max: usize) -> String {
    match long {
        Value::String(text) if text.as_str().is_empty() => "\"\"".to_owned(),
        Value::String(text) => {
            // Cut before escaping too: a payload may have megabytes.
            let start = shortened(text.as_str(), max);
            shortened(&escaped(&start), max).into_owned()
        }
        other => shortened(&value(other), max).into_owned(),
    }
}

/// The attributes by key; those of the same key as they were recorded.
pub(super) fn sorted(attributes: &[KeyValue]) -> Vec<&KeyValue> {
    let mut sorted: Vec<_> = attributes.iter().collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    sorted
}

/// `3 attributes, 1 event dropped`; nothing when nothing was.
pub(super) fn dropped(span: &SpanRecord) -> Option<String> {
    let in_events = span
        .events
        .iter()
        .map(|event| event.dropped_attributes)
        .fold(0, u32::saturating_add);
    let in_links = span
        .links
        .iter()
        .map(|link| link.dropped_attributes)
        .fold(0, u32::saturating_add);
    let counts = [
        counted(span.dropped_attributes, "attribute"),
        counted(span.dropped_events, "event"),
        counted(span.dropped_links, "link"),
        counted(in_events, "event attribute"),
        counted(in_links, "link attribute"),
    ];
    let parts: Vec<_> = counts.into_iter().flatten().collect();
    if parts.is_empty() {
        None
    } else {
        Some(format!("{} dropped", parts.join(", ")))
    }
}

fn counted(count: u32, noun: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{count} {noun}s")),
    }
}

fn list<T>(values: &[T], show: impl Fn(&T) -> String) -> String {
    let values: Vec<_> = values.iter().map(show).collect();
    format!("[{}]", values.join(", "))
}

fn push_escaped(out: &mut String, character: char) {
    if is_disruptive(character) {
        out.extend(character.escape_default());
    } else {
        out.push(character);
    }
}

/// Control characters, and those that end a line or turn the direction of what follows.
fn is_disruptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
