//! How much of a span is kept. <https://opentelemetry.io/docs/specs/otel/trace/sdk/#span-limits>

use opentelemetry_sdk::trace::SpanLimits;

/// What is kept of a span; the rest is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(super) of_span: AttributeLimits,
    pub(super) of_event: AttributeLimits,
    pub(super) of_link: AttributeLimits,
    pub(super) events: u32,
    pub(super) links: u32,
}

impl Limits {
    /// `max_value_length` is of texts, in characters.
    pub(crate) fn new(limits: SpanLimits, max_value_length: Option<usize>) -> Self {
        let attributes = |count| AttributeLimits {
            count,
            length: max_value_length,
        };
        Self {
            of_span: attributes(limits.max_attributes_per_span),
            of_event: attributes(limits.max_attributes_per_event),
            of_link: attributes(limits.max_attributes_per_link),
            events: limits.max_events_per_span,
            links: limits.max_links_per_span,
        }
    }
}

/// What is kept of a list of attributes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AttributeLimits {
    pub(super) count: u32,
    /// Of a text, in characters.
    pub(super) length: Option<usize>,
}

impl AttributeLimits {
    /// Whether so many attributes are kept, and each as it is.
    pub(super) fn allow(self, attributes: u32) -> bool {
        attributes == 0 || (attributes <= self.count && self.length.is_none())
    }

    pub(super) fn cut(self, text: &str) -> &str {
        match self.length {
            Some(length) => cut(text, length),
            None => text,
        }
    }
}

/// The first characters of a text, at most so many.
pub(crate) fn cut(text: &str, length: usize) -> &str {
    match text.char_indices().nth(length) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}
