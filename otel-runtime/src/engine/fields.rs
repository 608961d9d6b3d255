//! Attributes on their way to a span or an event.

use std::borrow::Cow;
use std::fmt::{self, Debug, Display};

use opentelemetry::trace::{SpanId, TraceContextExt as _};
use opentelemetry::{Context, Key, KeyValue, Value};

use super::recorder::Live;
use super::recorder::entries::Entries;
use super::recorder::sited::{self, Place};
use super::span::Leaf;
use crate::attribute::{AttributeValue, Encoder};

/// Collects attributes while the user's expressions run, and records them together when dropped: no lock of
/// OpenTelemetry's is held while a user's `Display` runs.
#[derive(Debug)]
pub struct Fields<'a>(Target<'a>);

#[derive(Debug)]
enum Target<'a> {
    /// The attributes of a span of the engine that has not started, so that nobody else knows it.
    Live(&'a mut Entries),
    /// What is gathered for a span of the engine.
    Gathered {
        attributes: Box<Entries>,
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

/// The key of an attribute: a literal, or what [`key`] made.
pub trait FieldKey {
    /// Its text.
    fn as_str(&self) -> &str;

    /// For those who want a [`Key`].
    fn into_key(self) -> Key;
}

impl FieldKey for &'static str {
    #[inline]
    fn as_str(&self) -> &str {
        self
    }

    fn into_key(self) -> Key {
        Key::new(self)
    }
}

impl FieldKey for Key {
    fn as_str(&self) -> &str {
        Key::as_str(self)
    }

    fn into_key(self) -> Key {
        self
    }
}

/// A key that is an expression.
pub fn key(key: impl Into<Key>) -> Key {
    key.into()
}

/// A span of the engine that has started.
#[derive(Clone, Copy, Debug)]
pub(super) enum Receiver<'a> {
    Context(&'a Context),
    Leaf(&'a Leaf),
    /// Of a function that is running.
    Open(Place),
    /// The current one, which has this id.
    Current(SpanId),
}

impl<'a> Fields<'a> {
    #[inline]
    pub(crate) fn of_live(live: &'a mut Live) -> Fields<'a> {
        Fields(Target::Live(live.attributes()))
    }

    pub(crate) fn of_start(attributes: &'a mut Vec<KeyValue>) -> Fields<'a> {
        Fields(Target::Start(attributes))
    }

    pub(crate) fn of_span(context: &'a Context) -> Fields<'a> {
        Fields(Target::Span(context, Vec::new()))
    }

    pub(super) fn of_event(context: &'a Context, name: Cow<'static, str>) -> Fields<'a> {
        Fields(Target::Event(context, name, Vec::new()))
    }

    /// For a span in a context, which is known to be of the engine; `None` where that has been shut down.
    #[cfg(any(feature = "actix-web", feature = "messaging", feature = "reqwest"))]
    pub(crate) fn of_engine(context: &'a Context) -> Option<Fields<'a>> {
        Fields::gathered(Receiver::Context(context), None)
    }

    /// For a span of the engine, or an event on it; `None` where that has been shut down.
    pub(super) fn gathered(
        receiver: Receiver<'a>,
        event: Option<Cow<'static, str>>,
    ) -> Option<Fields<'a>> {
        let attributes = match event {
            Some(_) => sited::event_attributes(),
            None => sited::span_attributes(),
        }?;
        Some(Fields(Target::Gathered {
            attributes,
            receiver,
            event,
        }))
    }

    /// Records a value by its type.
    #[inline]
    pub fn set<K: FieldKey, V: AttributeValue + ?Sized>(&mut self, key: K, value: &V) {
        if let Some(attributes) = self.engine() {
            value.encode(Encoder::new(attributes, key.as_str()));
        } else if let Some(value) = value.to_value() {
            self.push(key, value);
        }
    }

    /// Records what a closure makes of the result. A trait that its value lacks is blamed on the closure.
    #[inline]
    pub fn set_result<'r, K: FieldKey, T: ?Sized, V: AttributeValue>(
        &mut self,
        key: K,
        result: &'r T,
        closure: impl FnOnce(&'r T) -> V,
    ) {
        self.set(key, &closure(result));
    }

    /// Records a literal without copying it.
    #[inline]
    pub fn set_static<K: FieldKey>(&mut self, key: K, value: &'static str) {
        if let Some(attributes) = self.engine() {
            attributes.attribute(key.as_str()).string(value);
        } else {
            self.push(key, value.into());
        }
    }

    /// Records an attribute as the API has it.
    #[cfg(any(feature = "actix-web", feature = "messaging"))]
    pub(crate) fn add(&mut self, attribute: KeyValue) {
        let KeyValue { key, value, .. } = attribute;
        if let Some(attributes) = self.engine() {
            attributes.attribute(key.as_str()).value(&value);
        } else {
            self.push(key, value);
        }
    }

    /// Records what the value's `Display` says.
    #[inline]
    pub fn set_display<K: FieldKey, V: Display + ?Sized>(&mut self, key: K, value: &V) {
        self.set_formatted(key, format_args!("{value}"));
    }

    /// Records what the value's `Debug` says.
    #[inline]
    pub fn set_debug<K: FieldKey, V: Debug + ?Sized>(&mut self, key: K, value: &V) {
        self.set_formatted(key, format_args!("{value:?}"));
    }

    fn set_formatted(&mut self, key: impl FieldKey, value: fmt::Arguments<'_>) {
        if let Some(attributes) = self.engine() {
            attributes.formatted(key.as_str(), value);
        } else {
            self.push(key, value.to_string().into());
        }
    }

    #[inline]
    fn engine(&mut self) -> Option<&mut Entries> {
        match &mut self.0 {
            Target::Live(attributes) => Some(attributes),
            Target::Gathered { attributes, .. } => Some(attributes),
            _ => None,
        }
    }

    #[cold]
    fn push(&mut self, key: impl FieldKey, value: Value) {
        let attribute = KeyValue::new(key.into_key(), value);
        match &mut self.0 {
            Target::Start(attributes) => attributes.push(attribute),
            Target::Span(_, attributes) | Target::Event(_, _, attributes) => {
                attributes.push(attribute);
            }
            Target::Live(_) | Target::Gathered { .. } | Target::Done => {}
        }
    }

    fn record(&mut self) {
        match std::mem::replace(&mut self.0, Target::Done) {
            Target::Live(_) | Target::Start(_) | Target::Done => {}
            Target::Span(context, attributes) => context.span().set_attributes(attributes),
            Target::Event(context, name, attributes) => context.span().add_event(name, attributes),
            Target::Gathered {
                attributes,
                receiver,
                event,
            } => receiver.take(attributes, event),
        }
    }
}

impl Receiver<'_> {
    fn take(self, attributes: Box<Entries>, event: Option<Cow<'static, str>>) {
        match self {
            Receiver::Context(context) => sited::hand(&context.span(), attributes, event),
            Receiver::Leaf(leaf) => {
                leaf.with(|live| live.take(&attributes, event));
                sited::give_back(attributes);
            }
            Receiver::Open(place) => place.take(attributes, event),
            Receiver::Current(id) => sited::take_current(id, attributes, event),
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
