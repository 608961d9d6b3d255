//! Attributes on their way to a span or an event.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display};

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, Key, KeyValue};

use super::recorder::Live;
use super::recorder::attributes::Attributes;
use super::recorder::sited;
use super::span::Leaf;
use crate::attribute::{AttributeValue, Encoder};

/// Collects attributes while the user's expressions run, and records them together when dropped: no lock of
/// OpenTelemetry's is held while a user's `Display` runs.
#[derive(Debug)]
pub struct Fields<'a>(Target<'a>);

#[derive(Debug)]
enum Target<'a> {
    /// A span of the engine that has not started, so that nobody else knows it.
    Live(&'a mut Live),
    /// What is gathered for a span of the engine.
    Encoded {
        attributes: Box<Attributes>,
        receiver: Receiver<'a>,
        event: Option<Cow<'static, str>>,
    },
    /// What another provider gets.
    Start(&'a mut Vec<KeyValue>),
    Span(&'a Context, Vec<KeyValue>),
    Event(&'a Context, Cow<'static, str>, Vec<KeyValue>),
    /// Recorded already, or nothing to be recorded on.
    Done,
}

/// A span of the engine that has started.
#[derive(Clone, Copy, Debug)]
pub(super) enum Receiver<'a> {
    Context(&'a Context),
    Leaf(&'a Leaf),
}

impl<'a> Fields<'a> {
    #[inline]
    pub(super) fn of_live(live: &'a mut Live) -> Fields<'a> {
        Fields(Target::Live(live))
    }

    pub(super) fn of_start(attributes: &'a mut Vec<KeyValue>) -> Fields<'a> {
        Fields(Target::Start(attributes))
    }

    pub(super) fn of_span(context: &'a Context) -> Fields<'a> {
        Fields(Target::Span(context, Vec::new()))
    }

    pub(super) fn of_event(context: &'a Context, name: Cow<'static, str>) -> Fields<'a> {
        Fields(Target::Event(context, name, Vec::new()))
    }

    /// For a span of the engine, or an event on it; `None` where that has been shut down.
    pub(super) fn encoded(
        receiver: Receiver<'a>,
        event: Option<Cow<'static, str>>,
    ) -> Option<Fields<'a>> {
        let attributes = match event {
            Some(_) => sited::event_attributes(),
            None => sited::span_attributes(),
        }?;
        Some(Fields(Target::Encoded {
            attributes,
            receiver,
            event,
        }))
    }

    /// Records a value by its type.
    #[inline]
    pub fn set<V: AttributeValue + ?Sized>(&mut self, key: impl Into<Key>, value: &V) {
        let key = key.into();
        if let Some(attributes) = self.engine() {
            value.encode(Encoder::new(attributes, key.as_str()));
        } else if let Some(value) = value.to_value() {
            self.push(KeyValue::new(key, value));
        }
    }

    /// Records what a closure makes of the result. A trait that its value lacks is blamed on the closure.
    #[inline]
    pub fn set_result<'r, T: ?Sized, V: AttributeValue>(
        &mut self,
        key: impl Into<Key>,
        result: &'r T,
        closure: impl FnOnce(&'r T) -> V,
    ) {
        self.set(key, &closure(result));
    }

    /// Records a literal without copying it.
    #[inline]
    pub fn set_static(&mut self, key: impl Into<Key>, value: &'static str) {
        let key = key.into();
        if let Some(attributes) = self.engine() {
            attributes.attribute(key.as_str()).string(value);
        } else {
            self.push(KeyValue::new(key, value));
        }
    }

    /// Records what the value's `Display` says.
    #[inline]
    pub fn set_display<V: Display + ?Sized>(&mut self, key: impl Into<Key>, value: &V) {
        self.set_formatted(key.into(), format_args!("{value}"));
    }

    /// Records what the value's `Debug` says.
    #[inline]
    pub fn set_debug<V: Debug + ?Sized>(&mut self, key: impl Into<Key>, value: &V) {
        self.set_formatted(key.into(), format_args!("{value:?}"));
    }

    fn set_formatted(&mut self, key: Key, value: fmt::Arguments<'_>) {
        if let Some(attributes) = self.engine() {
            attributes.formatted(key.as_str(), value);
        } else {
            self.push(KeyValue::new(key, value.to_string()));
        }
    }

    #[inline]
    fn engine(&mut self) -> Option<&mut Attributes> {
        match &mut self.0 {
            Target::Live(live) => Some(live.attributes()),
            Target::Encoded { attributes, .. } => Some(attributes),
            _ => None,
        }
    }

    fn push(&mut self, attribute: KeyValue) {
        match &mut self.0 {
            Target::Start(attributes) => attributes.push(attribute),
            Target::Span(_, attributes) | Target::Event(_, _, attributes) => {
                attributes.push(attribute);
            }
            Target::Live(_) | Target::Encoded { .. } | Target::Done => {}
        }
    }

    fn record(&mut self) {
        match std::mem::replace(&mut self.0, Target::Done) {
            Target::Live(_) | Target::Start(_) | Target::Done => {}
            Target::Span(context, attributes) => context.span().set_attributes(attributes),
            Target::Event(context, name, attributes) => context.span().add_event(name, attributes),
            Target::Encoded {
                attributes,
                receiver: Receiver::Context(context),
                event,
            } => match event {
                Some(name) => sited::hand_event(&context.span(), name, attributes),
                None => sited::hand_attributes(&context.span(), attributes),
            },
            Target::Encoded {
                mut attributes,
                receiver: Receiver::Leaf(leaf),
                event,
            } => {
                leaf.with(|live| match event {
                    Some(name) => live.take_event(&name, &mut attributes),
                    None => live.take_attributes(&attributes),
                });
                sited::give_back(attributes);
            }
        }
    }
}

impl Drop for Fields<'_> {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.0, Target::Live(_) | Target::Start(_)) {
            self.record();
        }
    }
}
