//! Queries that are on their way, and their spans.

use std::borrow::Cow;

use opentelemetry::{
    Context, KeyValue,
    global::BoxedSpan,
    trace::{Span as _, SpanBuilder, SpanKind, Status, Tracer as _},
};
use opentelemetry_semantic_conventions::attribute::{DB_RESPONSE_STATUS_CODE, ERROR_TYPE};

use super::{failure::Failure, measure::Started, statement::Statement};
use crate::{
    CANCELLED,
    engine::{
        control::{is_none_wanted, is_off},
        recorder::{
            Bare, Live,
            sited::{self, Outlook, Parent},
        },
    },
    instrument::scope::tracer,
};

/// Those that were announced and have not finished. More than one only while types are looked up.
#[derive(Debug, Default)]
pub(super) struct Queries {
    outer: Option<Open>,
    /// Announced since.
    inner: Vec<Open>,
}

impl Queries {
    pub(super) fn push(&mut self, open: Open) {
        if self.outer.is_none() {
            self.outer = Some(open);
        } else {
            self.inner.push(open);
        }
    }

    /// Leaves those without an end that are on their way.
    pub(super) fn clear(&mut self) {
        if self.outer.is_some() || self.are_nested() {
            self.cancel();
        }
    }

    #[cold]
    fn cancel(&mut self) {
        self.inner.clear();
        self.outer = None;
    }

    pub(super) fn are_nested(&self) -> bool {
        !self.inner.is_empty()
    }

    /// The one that there is, if they are not nested.
    pub(super) fn take_only(&mut self) -> Option<Open> {
        self.outer.take()
    }

    /// The one that has this text, of several the innermost; what was announced after it was left without an end.
    pub(super) fn take(&mut self, sql: &str) -> Option<Open> {
        let is = |open: &Open| open.statement.sql() == sql;
        if let Some(position) = self.inner.iter().rposition(is) {
            return self.inner.drain(position..).next();
        }
        let outer = self.outer.take_if(|open| is(open))?;
        self.inner.clear();
        Some(outer)
    }

    /// The outermost first.
    #[cfg(test)]
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let all = self.outer.iter().chain(&self.inner);
        all.map(|open| open.statement.sql())
    }
}

/// A query on its way.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) statement: Statement,
    pub(super) started: Started,
    /// None where it is measured only.
    span: Option<Spanning>,
}

impl Open {
    /// Starts its span under the current one, which is `parent`, if one is wanted.
    pub(super) fn start(statement: Statement, parent: Option<&Parent>) -> Self {
        let started = Started::now();
        let span = parent.and_then(|parent| Spanning::of(&statement, parent));
        Self {
            statement,
            started,
            span,
        }
    }

    /// Ends its span, once.
    pub(super) fn end(&mut self, failure: Option<Failure>) {
        if let Some(span) = &mut self.span {
            if let Some(failure) = failure {
                span.fail(failure);
            }
            span.end();
        }
    }
}

/// What a span has to know of the current context, if one is wanted.
pub(super) fn wanting() -> Option<Parent> {
    if is_off() { None } else { Parent::wanting() }
}

/// The span of a query or connect on its way. Dropped, it ends marked as [`CANCELLED`](crate::CANCELLED).
#[derive(Debug)]
pub(super) struct Spanning(Option<Span>);

#[derive(Debug)]
enum Span {
    /// Of the engine, as long as there is nothing to be added.
    Bare(Bare),
    Filled(Filled),
}

/// A span to which something can be added.
#[derive(Debug)]
enum Filled {
    /// Of the engine.
    Live(Box<Live>),
    Boxed(BoxedSpan),
}

impl Spanning {
    /// Starts one under the current span, if any, which is `parent`.
    fn of(statement: &Statement, parent: &Parent) -> Option<Self> {
        if let Statement::Prepared(prepared) = statement
            && let Some(bare) = parent.begin_bare(|| prepared.label)
        {
            return Some(Self(Some(Span::Bare(bare))));
        }
        Self::otherwise(statement)
    }

    /// The same where it is more than bare from the start.
    #[cold]
    fn otherwise(statement: &Statement) -> Option<Self> {
        if let Statement::Prepared(prepared) = statement {
            match Context::map_current(|current| sited::wanted_outlook(current, || prepared.label))
            {
                Outlook::Nothing | Outlook::Unsampled(_) => return None,
                Outlook::Recorded(mut live) => {
                    live.begin();
                    return Some(Self(Some(Span::Filled(Filled::Live(live)))));
                }
                Outlook::Asked => {}
            }
        }
        let described = statement.described();
        Some(Self::through_the_api(
            described.name.clone(),
            described.attributes.clone(),
        ))
    }

    pub(super) fn through_the_api(name: Cow<'static, str>, attributes: Vec<KeyValue>) -> Self {
        Self((!is_none_wanted()).then(|| {
            let builder = SpanBuilder::from_name(name)
                .with_kind(SpanKind::Client)
                .with_attributes(attributes);
            Span::Filled(Filled::Boxed(tracer().build(builder)))
        }))
    }

    #[cold]
    fn set(&mut self, attribute: KeyValue) {
        if let Some(span) = self.filled() {
            span.set(attribute);
        }
    }

    #[cold]
    pub(super) fn fail(&mut self, failure: Failure) {
        if let Some(span) = self.filled() {
            if let Some(code) = failure.code {
                span.set(KeyValue::new(DB_RESPONSE_STATUS_CODE, code));
            }
            span.set(KeyValue::new(ERROR_TYPE, failure.error_type));
            span.status(Status::error(failure.description));
        }
    }

    /// To add something.
    fn filled(&mut self) -> Option<&mut Filled> {
        let span = self.0.as_mut()?;
        if let Span::Bare(bare) = span {
            *span = Span::Filled(Filled::Live(bare.boxed()));
        }
        match span {
            Span::Filled(span) => Some(span),
            Span::Bare(_) => None,
        }
    }

    /// Ends it, once.
    pub(super) fn end(&mut self) {
        match self.0.take() {
            Some(Span::Bare(bare)) => bare.end(),
            Some(Span::Filled(span)) => span.end(),
            None => {}
        }
    }
}

impl Drop for Spanning {
    fn drop(&mut self) {
        if self.0.is_some() {
            self.set(KeyValue::new(CANCELLED, true));
            self.end();
        }
    }
}

impl Filled {
    fn set(&mut self, attribute: KeyValue) {
        match self {
            Self::Live(live) => live.attribute(attribute),
            Self::Boxed(span) => span.set_attribute(attribute),
        }
    }

    fn status(&mut self, status: Status) {
        match self {
            Self::Live(live) => live.status(status),
            Self::Boxed(span) => span.set_status(status),
        }
    }

    #[cold]
    fn end(self) {
        match self {
            Self::Live(live) => sited::end_live(live),
            Self::Boxed(mut span) => span.end(),
        }
    }
}
