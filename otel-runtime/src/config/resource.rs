//! `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`.

use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute::SERVICE_NAME;

use super::Environment;

const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// The attributes in the order in which they count: a later one of the same key wins.
pub(super) fn read(env: &mut Environment<'_>) -> Vec<KeyValue> {
    let mut attributes = Vec::new();
    if let Some(text) = env.text(ATTRIBUTES) {
        match parse(&text) {
            Some(parsed) => attributes = parsed,
            None => env.warn(
                ATTRIBUTES,
                &text,
                "`key=value` pairs with commas between them, both percent-encoded where needed",
            ),
        }
    }
    if let Some(name) = env.text("OTEL_SERVICE_NAME") {
        attributes.push(KeyValue::new(SERVICE_NAME, name));
    }
    attributes
}

/// The whole list, or nothing if any of it is malformed, as the specification demands.
fn parse(text: &str) -> Option<Vec<KeyValue>> {
    text.split(',')
        .map(|pair| {
            let (key, value) = pair.split_once('=')?;
            let key = decode(key.trim())?;
            (!key.is_empty()).then_some(())?;
            Some(KeyValue::new(key, decode(value.trim())?))
        })
        .collect()
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
