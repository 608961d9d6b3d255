//! A span that is about to start.

use std::borrow::Cow;

use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue, global};

use super::{Fields, Site, SyncSpan, TaskSpan};

/// Gathers what a sampler sees, then starts the span.
#[derive(Debug)]
pub struct Start {
    site: &'static Site,
    /// `None` where no span is made.
    parent: Option<Context>,
    name: Cow<'static, str>,
    attributes: Vec<KeyValue>,
}

impl Start {
    /// Looks at the current context; the span will be its child.
    #[must_use]
    pub fn new(site: &'static Site) -> Start {
        let parent = site
            .is_on()
            .then(Context::current)
            .filter(|context| !context.is_telemetry_suppressed());
        Start {
            site,
            parent,
            name: Cow::Borrowed(site.name),
            attributes: Vec::new(),
        }
    }

    /// Names the span by an expression, evaluated where a span is made.
    pub fn name<N: Into<Cow<'static, str>>>(&mut self, name: impl FnOnce() -> N) {
        if self.parent.is_some() {
            self.name = name().into();
        }
    }

    /// What the span starts with; `None` where nothing will be recorded.
    pub fn fields(&mut self) -> Option<Fields<'_>> {
        let parent = self.parent.as_ref()?.span();
        let parent = parent.span_context();
        let unsampled = parent.is_valid() && !parent.is_sampled();
        (!unsampled).then(|| Fields::of_start(&mut self.attributes))
    }

    /// Starts the span and makes it current until the guard is dropped.
    #[must_use]
    pub fn enter(self) -> SyncSpan {
        SyncSpan::new(self.start())
    }

    /// Starts the span, to be current whenever its future is polled.
    #[must_use]
    pub fn into_task(self) -> TaskSpan {
        TaskSpan::new(self.start())
    }

    /// The context with the new span; `None` where that would be no other than the current one.
    fn start(self) -> Option<Context> {
        let parent = self.parent?;
        let builder = SpanBuilder::from_name(self.name)
            .with_kind(self.site.kind.clone())
            .with_attributes(self.attributes);
        let span =
            global::tracer_with_scope(self.site.scope()).build_with_context(builder, &parent);
        let made = span.is_recording() || is_new(span.span_context(), &parent);
        made.then(|| parent.with_span(span))
    }
}

/// An unsampled span has a context of its own, which propagation passes on; without a provider there is only the
/// parent's.
fn is_new(span: &SpanContext, parent: &Context) -> bool {
    span.is_valid() && span != parent.span().span_context()
}
