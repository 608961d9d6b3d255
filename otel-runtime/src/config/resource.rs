//! `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`.

use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute::SERVICE_NAME;

use super::Environment;
use super::pairs::{PAIRS, pairs};

const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// The attributes in the order in which they count: a later one of the same key wins.
pub(super) fn read(env: &mut Environment<'_>) -> Vec<KeyValue> {
    let mut attributes = Vec::new();
    if let Some(text) = env.text(ATTRIBUTES) {
        match pairs(&text) {
            Some(pairs) => {
                let attribute = |(key, value)| KeyValue::new::<String, String>(key, value);
                attributes = pairs.into_iter().map(attribute).collect();
            }
            None => env.warn(ATTRIBUTES, &text, PAIRS),
        }
    }
    if let Some(name) = env.text("OTEL_SERVICE_NAME") {
        attributes.push(KeyValue::new(SERVICE_NAME, name));
    }
    attributes
}
