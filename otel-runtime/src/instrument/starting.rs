//! Spans that are about to start, described once for each way in which they are made.

use std::{borrow::Cow, sync::OnceLock};

#[cfg(feature = "messaging")]
use opentelemetry::trace::{Link, SpanContext};
use opentelemetry::{
    KeyValue,
    trace::{SpanBuilder, SpanKind},
};

use super::scope::SCOPE;
use crate::engine::{
    Fields,
    recorder::{Live, scope::Label},
};

/// What the spans of one operation have in common.
#[derive(Debug)]
pub(super) struct Operation {
    /// Of a span that is given no other.
    pub(super) name: &'static str,
    kind: SpanKind,
    attributes: &'static [(&'static str, &'static str)],
    label: OnceLock<&'static Label>,
}

impl Operation {
    pub(super) const fn new(name: &'static str, kind: SpanKind) -> Self {
        Self {
            name,
            kind,
            attributes: &[],
            label: OnceLock::new(),
        }
    }

    /// The same with attributes that each of its spans has.
    #[cfg(feature = "messaging")]
    pub(super) const fn with(
        mut self,
        attributes: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.attributes = attributes;
        self
    }

    /// The same for the engine.
    pub(super) fn label(&self) -> &'static Label {
        self.label
            .get_or_init(|| Label::prepare(SCOPE.clone(), self.name, &self.kind, self.attributes()))
    }

    /// The same for the API.
    pub(super) fn builder(&self) -> SpanBuilder {
        SpanBuilder::from_name(self.name)
            .with_kind(self.kind.clone())
            .with_attributes(self.attributes())
    }

    fn attributes(&self) -> impl Iterator<Item = KeyValue> + use<> {
        let attributes = self.attributes.iter();
        attributes.map(|(key, value)| KeyValue::new(*key, *value))
    }
}

/// A span that is about to start.
#[derive(Debug)]
pub(super) enum Starting<'a> {
    /// The engine records it.
    Recorded(&'a mut Live),
    /// The API is asked for it.
    Asked(&'a mut SpanBuilder),
}

impl Starting<'_> {
    /// Whether no sampler sees it.
    #[cfg(feature = "actix-web")]
    pub(super) fn is_decided(&self) -> bool {
        matches!(self, Self::Recorded(_))
    }

    pub(super) fn set_name(&mut self, name: impl Into<Cow<'static, str>>) {
        match self {
            Self::Recorded(live) => live.set_name(name),
            Self::Asked(builder) => builder.name = name.into(),
        }
    }

    #[cfg(feature = "messaging")]
    pub(super) fn link(&mut self, target: SpanContext, attributes: Vec<KeyValue>) {
        match self {
            Self::Recorded(live) => live.link(&target, attributes),
            Self::Asked(builder) => {
                let links = builder.links.get_or_insert_default();
                links.push(Link::new(target, attributes, 0));
            }
        }
    }

    /// What it starts with.
    pub(super) fn fields(&mut self) -> Fields<'_> {
        match self {
            Self::Recorded(live) => Fields::of_live(live),
            Self::Asked(builder) => Fields::of_start(builder.attributes.get_or_insert_default()),
        }
    }
}

/// Two words as one name.
pub(super) fn joined(first: &str, second: &str) -> String {
    let mut name = String::with_capacity(first.len() + 1 + second.len());
    name.push_str(first);
    name.push(' ');
    name.push_str(second);
    name
}
