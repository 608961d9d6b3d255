//! A span of this engine, behind the API's trait.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::{self, SpanContext, Status};

use super::live::Live;
use super::{clock, local};

/// A span; what it gathers is in a box that is used again and again.
#[derive(Debug)]
pub(crate) struct Span {
    context: SpanContext,
    /// `None` for a span that does not record, and for one that has ended.
    live: Option<Box<Live>>,
}

impl Span {
    pub(super) fn new(context: SpanContext, live: Option<Box<Live>>) -> Self {
        Self { context, live }
    }

    fn finish(&mut self, end: Option<SystemTime>) {
        let Some(mut live) = self.live.take() else {
            return;
        };
        let end = match end {
            Some(time) => clock::unix_nanos(time),
            None => live.core.clock.now_in(live.start),
        };
        live.attributes.settle();
        live.core.finish(&self.context, &live, end);
        local::give_back(live);
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.finish(None);
    }
}

impl trace::Span for Span {
    fn add_event_with_timestamp<T>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) where
        T: Into<Cow<'static, str>>,
    {
        let Some(live) = &mut self.live else {
            return;
        };
        live.add_event(&name.into(), clock::unix_nanos(timestamp), attributes);
    }

    fn span_context(&self) -> &SpanContext {
        &self.context
    }

    fn is_recording(&self) -> bool {
        self.live.is_some()
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        if let Some(live) = &mut self.live {
            live.attributes.extend([attribute]);
        }
    }

    fn set_status(&mut self, status: Status) {
        if let Some(live) = &mut self.live {
            live.set_status(status);
        }
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        if let Some(live) = &mut self.live {
            live.name = new_name.into();
        }
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        if let Some(live) = &mut self.live {
            live.add_link(&span_context, attributes);
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.finish(Some(timestamp));
    }
}
