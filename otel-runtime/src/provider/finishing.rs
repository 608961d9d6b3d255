//! What the SDK leaves undone on a finished span, done before a processor sees it: of a key that was set twice the last
//! value wins, and values are no longer than allowed.
//! <https://opentelemetry.io/docs/specs/otel/common/#attribute-limits>

use std::time::Duration;

use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::engine::recorder;

/// Finishes spans for another processor.
#[derive(Debug)]
pub(super) struct Finishing {
    processor: Box<dyn SpanProcessor>,
    /// In characters; `None` for any length.
    max_value_length: Option<usize>,
}

impl Finishing {
    pub(super) fn new(processor: Box<dyn SpanProcessor>, max_value_length: Option<usize>) -> Self {
        Self {
            processor,
            max_value_length,
        }
    }

    fn finish(&self, attributes: &mut Vec<KeyValue>) {
        keep_last(attributes);
        if let Some(length) = self.max_value_length {
            for attribute in attributes {
                truncate_value(&mut attribute.value, length);
            }
        }
    }
}

impl SpanProcessor for Finishing {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.processor.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        self.finish(&mut span.attributes);
        for event in &mut span.events.events {
            self.finish(&mut event.attributes);
        }
        for link in &mut span.links.links {
            self.finish(&mut link.attributes);
        }
        self.processor.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processor.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.processor.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.processor.set_resource(resource);
    }
}

/// Of each key keeps the last value, in the place of the first.
fn keep_last(attributes: &mut Vec<KeyValue>) {
    // There are few attributes, so looking through them again and again is the quickest.
    let mut kept = 0;
    for at in 0..attributes.len() {
        let (before, rest) = attributes.split_at_mut(at);
        let earlier = before[..kept]
            .iter_mut()
            .find(|earlier| earlier.key == rest[0].key);
        if let Some(earlier) = earlier {
            std::mem::swap(earlier, &mut rest[0]);
        } else {
            attributes.swap(kept, at);
            kept += 1;
        }
    }
    attributes.truncate(kept);
}

fn truncate_value(value: &mut Value, length: usize) {
    match value {
        Value::String(text) => truncate(text, length),
        Value::Array(Array::String(texts)) => {
            for text in texts {
                truncate(text, length);
            }
        }
        _ => {}
    }
}

fn truncate(text: &mut StringValue, length: usize) {
    let kept = recorder::cut(text.as_str(), length);
    if kept.len() < text.as_str().len() {
        *text = kept.to_owned().into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_wins() {
        let list = |pairs: &[(&'static str, i64)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(key, value)| KeyValue::new(*key, *value))
                .collect::<Vec<_>>()
        };
        for (given, expected) in [
            (&[][..], &[][..]),
            (&[("a", 1), ("b", 2)], &[("a", 1), ("b", 2)]),
            (&[("a", 1), ("a", 2)], &[("a", 2)]),
            (
                &[("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5), ("a", 6)],
                &[("a", 6), ("b", 5), ("c", 4)],
            ),
        ] {
            let mut attributes = list(given);
            keep_last(&mut attributes);
            assert_eq!(attributes, list(expected), "{given:?}");
        }
    }

    #[test]
    fn values_are_cut_by_characters() {
        let texts = |texts: &[&'static str]| {
            let texts = texts.iter().map(|text| (*text).into()).collect();
            Value::Array(Array::String(texts))
        };
        for (given, length, expected) in [
            (Value::from("übermut"), 4, Value::from("über")),
            (Value::from("über"), 4, Value::from("über")),
            (Value::from("über"), 0, Value::from("")),
            (Value::from(123_456), 2, Value::from(123_456)),
            (texts(&["abc", "d"]), 2, texts(&["ab", "d"])),
        ] {
            let mut value = given.clone();
            truncate_value(&mut value, length);
            assert_eq!(value, expected, "{given:?}");
        }
    }
}
