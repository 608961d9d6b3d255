//! A span of this engine, behind the API's trait.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::KeyValue;
use opentelemetry::trace::{self, SpanContext, Status};

use super::live::Live;
use super::sited::{self, Announced};
use super::{clock, local};

/// A span, small enough to be moved about.
#[derive(Debug)]
pub(crate) struct Span(State);

#[derive(Debug)]
enum State {
    /// It records, or did until it ended; the box is used again for another span.
    Live(Box<Live>),
    NotRecording(Box<SpanContext>),
    /// It has ended, or is dropped.
    Gone,
}

impl Span {
    #[inline]
    pub(super) fn recording(live: Box<Live>) -> Self {
        Self(State::Live(live))
    }

    pub(super) fn not_recording(context: SpanContext) -> Self {
        Self(State::NotRecording(Box::new(context)))
    }

    #[inline]
    fn live(&mut self) -> Option<&mut Live> {
        match &mut self.0 {
            State::Live(live) if !live.has_ended => Some(live),
            _ => None,
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let State::Live(live) = std::mem::replace(&mut self.0, State::Gone) {
            if live.has_ended {
                local::give_back(live);
            } else {
                sited::end_live(live);
            }
        }
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
        if let Some(live) = self.live() {
            live.gathered
                .add_event(&name.into(), clock::unix_nanos(timestamp), attributes);
        }
    }

    fn span_context(&self) -> &SpanContext {
        match &self.0 {
            State::Live(live) => &live.context,
            State::NotRecording(context) => context,
            State::Gone => &SpanContext::NONE,
        }
    }

    fn is_recording(&self) -> bool {
        matches!(&self.0, State::Live(live) if !live.has_ended)
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        if let Some(live) = self.live() {
            live.gathered.attributes().extend([attribute]);
        }
    }

    fn set_status(&mut self, status: Status) {
        if let Some(live) = self.live() {
            live.gathered.set_status(status);
        }
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        if let Some(live) = self.live() {
            live.gathered.rename(new_name.into());
        }
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        if let Some(live) = self.live() {
            live.gathered.add_link(&span_context, attributes);
        }
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        let Some(live) = self.live() else {
            return;
        };
        match Announced::by(timestamp) {
            None => live.finish(clock::unix_nanos(timestamp)),
            Some(Announced::Handed) => sited::take(live),
            Some(Announced::End) => {
                // It is in a context, which has the span's context as well.
                if let State::Live(live) = std::mem::replace(&mut self.0, State::Gone) {
                    sited::end_live(live);
                }
            }
        }
    }
}
