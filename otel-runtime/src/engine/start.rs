//! A span that is about to start.

use std::borrow::Cow;

use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue, global};

use super::control::is_off;
use super::{Fields, PartSpan, Site, Slot, SyncSpan, TaskSpan};

/// Gathers what a sampler sees, then starts the span.
#[derive(Debug)]
pub struct Start {
    site: &'static Site,
    /// `None` where no span is made.
    parent: Option<Context>,
    is_root: bool,
    name: Cow<'static, str>,
    links: Vec<Link>,
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
            is_root: false,
            name: Cow::Borrowed(site.name),
            links: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// Names the span by an expression, evaluated where a span is made.
    pub fn name<N: Into<Cow<'static, str>>>(&mut self, name: impl FnOnce() -> N) {
        if self.may_record() {
            self.name = name().into();
        }
    }

    /// Makes the span the root of a trace of its own. What else the current context holds, such as baggage, stays.
    pub fn root(&mut self) {
        self.is_root = true;
    }

    /// Whether a parent is of any use.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.parent.is_some()
    }

    /// Hangs the span under another context than the current one.
    pub fn parent<P: SpanParent + ?Sized>(&mut self, parent: &P) {
        if let Some(current) = &mut self.parent {
            *current = parent.under(current);
        }
    }

    /// Links the span to others.
    pub fn links<L>(&mut self, links: impl FnOnce() -> L)
    where
        L: IntoIterator<Item: LinkTarget>,
    {
        if self.may_record() {
            let link = |target: L::Item| Link::with_context(target.span_context());
            self.links.extend(links().into_iter().map(link));
        }
    }

    /// What the span starts with; `None` where nothing will be recorded.
    pub fn fields(&mut self) -> Option<Fields<'_>> {
        self.may_record()
            .then(|| Fields::of_start(&mut self.attributes))
    }

    /// Whether there will be a span at all, as far as is known before a sampler is asked.
    fn may_record(&self) -> bool {
        self.parent.as_ref().is_some_and(|parent| {
            let parent = parent.span();
            let parent = parent.span_context();
            self.is_root || !parent.is_valid() || parent.is_sampled()
        })
    }

    /// Starts the span and makes it current until the guard is dropped.
    #[must_use]
    pub fn enter(self) -> SyncSpan {
        SyncSpan::new(self.start())
    }

    /// Starts the span of a part of an async function, to be current whenever the function is polled within that part.
    #[must_use]
    pub fn within(self, slot: &Slot) -> PartSpan<'_> {
        PartSpan::new(self.start(), slot)
    }

    /// The same without ever being current.
    #[must_use]
    pub fn within_leaf(self, slot: &Slot) -> PartSpan<'_> {
        PartSpan::leaf(self.start(), slot)
    }

    /// Starts the span without making it current.
    #[must_use]
    pub fn enter_leaf(self) -> SyncSpan {
        SyncSpan::leaf(self.start())
    }

    /// Starts the span of a future, never to be current.
    #[must_use]
    pub fn into_leaf_task(self) -> TaskSpan {
        TaskSpan::leaf(self.start())
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
            .with_links(self.links)
            .with_attributes(self.attributes);
        with_new_span(self.site.scope(), builder, self.is_root, &parent)
    }
}

/// Starts a span where there is no site, named at run time; its scope is this crate.
pub(crate) fn start_named(name: Cow<'static, str>) -> TaskSpan {
    let parent = Context::current();
    let off = is_off() || parent.is_telemetry_suppressed();
    let context = (!off).then(|| {
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        with_new_span(scope, SpanBuilder::from_name(name), false, &parent)
    });
    TaskSpan::new(context.flatten())
}

/// The parent's context with a new span in it; `None` where that is no other span than the parent's.
///
/// An unsampled span has a context of its own, which propagation passes on; without a provider there is only the
/// parent's.
fn with_new_span(
    scope: InstrumentationScope,
    builder: SpanBuilder,
    is_root: bool,
    parent: &Context,
) -> Option<Context> {
    let tracer = global::tracer_with_scope(scope);
    let span = if is_root {
        tracer.build_with_context(builder, &Context::new())
    } else {
        tracer.build_with_context(builder, parent)
    };
    let context = span.span_context();
    let is_new = context.is_valid() && context != parent.span().span_context();
    (span.is_recording() || is_new).then(|| parent.with_span(span))
}

/// What a span can hang under: a `Context` or a `SpanContext`, or a reference to one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the parent of a span",
    label = "neither a `Context` nor a `SpanContext`",
    note = "`parent` takes an `opentelemetry::Context` or an `opentelemetry::trace::SpanContext`"
)]
pub trait SpanParent {
    /// The context for the span; `current` gives what a span's context alone does not have, such as baggage.
    fn under(&self, current: &Context) -> Context;
}

impl SpanParent for Context {
    fn under(&self, _: &Context) -> Context {
        self.clone()
    }
}

impl SpanParent for SpanContext {
    fn under(&self, current: &Context) -> Context {
        current.with_remote_span_context(self.clone())
    }
}

impl<P: SpanParent + ?Sized> SpanParent for &P {
    fn under(&self, current: &Context) -> Context {
        (**self).under(current)
    }
}

/// What a span can be linked to: a `SpanContext`, or a reference to one.
#[diagnostic::on_unimplemented(
    message = "a span cannot be linked to `{Self}`",
    label = "this iterates over something else than span contexts",
    note = "`links` takes anything that iterates over `opentelemetry::trace::SpanContext`"
)]
pub trait LinkTarget {
    /// The span context to link to.
    fn span_context(&self) -> SpanContext;
}

impl LinkTarget for SpanContext {
    fn span_context(&self) -> SpanContext {
        self.clone()
    }
}

impl<T: LinkTarget + ?Sized> LinkTarget for &T {
    fn span_context(&self) -> SpanContext {
        (**self).span_context()
    }
}
