//! Attributes on their way to a span or an event.

use std::borrow::Cow;
use std::fmt::{Debug, Display};

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, Key, KeyValue, Value};

use crate::attribute::AttributeValue;

/// Collects attributes while the user's expressions run, and records them together when dropped: no lock of
/// OpenTelemetry's is held while a user's `Display` runs.
#[derive(Debug)]
pub struct Fields<'a> {
    attributes: Vec<KeyValue>,
    target: Target<'a>,
}

#[derive(Debug)]
enum Target<'a> {
    Start(&'a mut Vec<KeyValue>),
    Span(&'a Context),
    Event(&'a Context, Cow<'static, str>),
}

impl<'a> Fields<'a> {
    pub(super) fn of_start(attributes: &'a mut Vec<KeyValue>) -> Fields<'a> {
        Fields::new(Target::Start(attributes))
    }

    pub(super) fn of_span(context: &'a Context) -> Fields<'a> {
        Fields::new(Target::Span(context))
    }

    pub(super) fn of_event(context: &'a Context, name: Cow<'static, str>) -> Fields<'a> {
        Fields::new(Target::Event(context, name))
    }

    fn new(target: Target<'a>) -> Fields<'a> {
        Fields {
            attributes: Vec::new(),
            target,
        }
    }

    /// Records a value by its type.
    pub fn set<V: AttributeValue + ?Sized>(&mut self, key: impl Into<Key>, value: &V) {
        if let Some(value) = value.to_value() {
            self.push(key, value);
        }
    }

    /// Records what a closure makes of the result. A trait that its value lacks is blamed on the closure.
    pub fn set_result<'r, T: ?Sized, V: AttributeValue>(
        &mut self,
        key: impl Into<Key>,
        result: &'r T,
        closure: impl FnOnce(&'r T) -> V,
    ) {
        self.set(key, &closure(result));
    }

    /// Records a literal without copying it.
    pub fn set_static(&mut self, key: impl Into<Key>, value: &'static str) {
        self.push(key, value);
    }

    /// Records what the value's `Display` says.
    pub fn set_display<V: Display + ?Sized>(&mut self, key: impl Into<Key>, value: &V) {
        self.push(key, value.to_string());
    }

    /// Records what the value's `Debug` says.
    pub fn set_debug<V: Debug + ?Sized>(&mut self, key: impl Into<Key>, value: &V) {
        self.push(key, format!("{value:?}"));
    }

    fn push(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(key, value));
    }
}

impl Drop for Fields<'_> {
    fn drop(&mut self) {
        let attributes = std::mem::take(&mut self.attributes);
        match &mut self.target {
            Target::Start(start) => start.extend(attributes),
            Target::Span(context) => context.span().set_attributes(attributes),
            Target::Event(context, name) => {
                context.span().add_event(std::mem::take(name), attributes);
            }
        }
    }
}
