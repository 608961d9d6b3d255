//! A span of this engine, behind the API's trait.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::{self, SpanContext, Status};

use super::live::Live;
use super::{clock, local, sited};

/// A span; what it gathers is in a box that is used again and again.
#[derive(Debug)]
pub(crate) struct Span(State);

#[derive(Debug)]
enum State {
    Recording(Box<Live>),
    /// It does not record, or has ended.
    Done(SpanContext),
}

impl Span {
    pub(super) fn recording(live: Box<Live>) -> Self {
        Self(State::Recording(live))
    }

    pub(super) fn not_recording(context: SpanContext) -> Self {
        Self(State::Done(context))
    }

    fn live(&mut self) -> Option<&mut Live> {
        match &mut self.0 {
            State::Recording(live) => Some(live),
            State::Done(_) => None,
        }
    }

    fn finish(&mut self, end: impl FnOnce(&Live) -> u64) {
        let State::Recording(live) = &self.0 else {
            return;
        };
        let done = State::Done(live.context.clone());
        let State::Recording(mut live) = std::mem::replace(&mut self.0, done) else {
            return;
        };
        let end = end(&live);
        live.attributes.settle();
        live.core.finish(&live, end);
        local::give_back(live);
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.finish(Live::now);
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
        let Some(live) = self.live() else {
            return;
        };
        let name = name.into();
        if sited::is_announced_time(timestamp) {
            sited::handed(|handed| live.take_event(&name, handed));
        } else {
            live.add_event(&name, clock::unix_nanos(timestamp), attributes);
        }
    }

    fn span_context(&self) -> &SpanContext {
        match &self.0 {
            State::Recording(live) => &live.context,
            State::Done(context) => context,
        }
    }

    fn is_recording(&self) -> bool {
        matches!(self.0, State::Recording(_))
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        let Some(live) = self.live() else {
            return;
        };
        if sited::is_announced_key(&attribute.key) {
            sited::handed(|handed| live.take_attributes(handed));
        } else {
            live.attributes.extend([attribute]);
        }
    }

    fn set_status(&mut self, status: Status) {
        if let Some(live) = self.live() {
            live.set_status(status);
        }
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        if let Some(live) = self.live() {
            live.name = new_name.into();
        }
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        if let Some(live) = self.live() {
            live.add_link(&span_context, attributes);
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.finish(|live| {
            if sited::is_announced_time(timestamp) {
                live.now()
            } else {
                clock::unix_nanos(timestamp)
            }
        });
    }
}
