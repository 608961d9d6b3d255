//! A span that is about to start.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::global::{self, BoxedSpan};
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue};

use super::control::{self, is_off};
use super::leaf;
use super::recorder::sited::{self, Kept, Outlook, Parent};
use super::recorder::{BareLeaf, Live};
use super::span::{PanicWatch, Started};
use super::{Fields, LeafSpan, PartSpan, Site, Slot, SyncSpan, TaskSpan, current, has_context};

/// Whether a provider is known to be there, since it made a span. Without one nothing is evaluated.
static HAS_PROVIDER: AtomicBool = AtomicBool::new(false);

/// Gathers what a sampler sees, then starts the span.
#[derive(Debug)]
pub struct Start {
    site: &'static Site,
    making: Making,
}

/// How the span is made.
#[derive(Debug)]
enum Making {
    /// Not at all.
    Off,
    /// However the current context wants it; nobody has looked yet.
    Open,
    /// As the root of a trace that is not sampled.
    Unsampled(Box<SpanContext>),
    /// By the engine, which has decided to record it.
    Recorded(Box<Live>),
    /// By whichever provider there is.
    Asked(Box<Asked>),
}

impl Making {
    /// As the current context wants it, which wants a span. Apart, so that a span that is not recorded costs little.
    #[inline(never)]
    fn of(site: &'static Site) -> Making {
        let outlook = |context: &Context| sited::wanted_outlook(context, || site.label());
        Making::by(Context::map_current(outlook))
            .unwrap_or_else(|| Making::Asked(Box::new(Asked::new(site, Context::current()))))
    }

    /// `None` where the API has to be asked.
    #[inline(always)]
    fn by(outlook: Outlook) -> Option<Making> {
        match outlook {
            Outlook::Nothing => Some(Making::Off),
            Outlook::Unsampled(span) => Some(Making::Unsampled(span)),
            Outlook::Recorded(live) => Some(Making::Recorded(live)),
            Outlook::Asked => None,
        }
    }

    /// Starts the span, without making it current.
    fn start<const IS_CURRENT: bool>(self) -> Started {
        match self {
            Making::Unsampled(span) if IS_CURRENT => unsampled(span),
            Making::Off | Making::Open | Making::Unsampled(_) => Started::nothing(),
            Making::Recorded(live) => Started::of_live::<IS_CURRENT>(begun(live)),
            Making::Asked(asked) => asked.start().current_if::<IS_CURRENT>(),
        }
    }
}

impl Start {
    /// The span will be a child of the current one.
    #[inline]
    #[must_use]
    pub fn new(site: &'static Site) -> Start {
        let making = if site.is_on() {
            Making::Open
        } else {
            Making::Off
        };
        Start { site, making }
    }

    /// How the span is made, once the current context is looked at.
    #[inline]
    fn making(&mut self) -> &mut Making {
        if let Making::Open = self.making {
            self.look();
        }
        &mut self.making
    }

    #[inline(never)]
    fn look(&mut self) {
        self.making = if is_unwanted() {
            Making::Off
        } else {
            Making::of(self.site)
        };
    }

    /// Names the span by an expression, evaluated where a span is made.
    pub fn name<N: Into<Cow<'static, str>>>(&mut self, name: impl FnOnce() -> N) {
        match self.making() {
            Making::Off | Making::Open | Making::Unsampled(_) => {}
            Making::Recorded(live) => live.set_name(name()),
            Making::Asked(asked) => {
                if asked.may_record() {
                    asked.name = Some(name().into());
                }
            }
        }
    }

    /// Makes the span the root of a trace of its own. What else the current context holds, such as baggage, stays.
    pub fn root(&mut self) {
        if !self.is_on() {
            return;
        }
        let site = self.site;
        let outlook = sited::outlook(&Context::new(), || site.label());
        if let Some(making) = Making::by(outlook) {
            self.making = making;
        } else {
            self.ask(|asked| asked.is_root = true);
        }
    }

    /// Whether a parent is of any use.
    #[must_use]
    pub fn is_on(&self) -> bool {
        // What is left out under the current context may be recorded under another.
        self.site.is_on()
            && has_context()
            && Context::map_current(|current| !current.is_telemetry_suppressed())
    }

    /// Hangs the span under another context than the current one.
    pub fn parent<P: SpanParent + ?Sized>(&mut self, parent: &P) {
        self.ask(|asked| {
            asked.parent = parent.under(&asked.parent);
            asked.is_explicit = true;
        });
    }

    /// Lets a provider decide, as the span is no child of the current one.
    fn ask(&mut self, differently: impl FnOnce(&mut Asked)) {
        if !self.is_on() {
            return;
        }
        let mut asked = Box::new(Asked::new(self.site, Context::current()));
        differently(&mut asked);
        self.making = Making::Asked(asked);
    }

    /// Links the span to others.
    pub fn links<L>(&mut self, links: impl FnOnce() -> L)
    where
        L: IntoIterator<Item: LinkTarget>,
    {
        match self.making() {
            Making::Off | Making::Open | Making::Unsampled(_) => {}
            Making::Recorded(live) => {
                for target in links() {
                    live.link(&target.span_context(), Vec::new());
                }
            }
            Making::Asked(asked) => {
                if asked.may_record() {
                    let link = |target: L::Item| Link::with_context(target.span_context());
                    asked.links.extend(links().into_iter().map(link));
                }
            }
        }
    }

    /// What the span starts with; `None` where nothing will be recorded.
    #[inline]
    pub fn fields(&mut self) -> Option<Fields<'_>> {
        match self.making() {
            Making::Off | Making::Open | Making::Unsampled(_) => None,
            Making::Recorded(live) => Some(Fields::of_live(live)),
            Making::Asked(asked) => (asked.may_be_sampled() || asked.may_record())
                .then(|| Fields::of_start(&mut asked.attributes)),
        }
    }

    /// Starts the span and makes it current until the guard is dropped.
    #[inline]
    #[must_use]
    pub fn enter(self) -> SyncSpan {
        match self.making {
            Making::Off => SyncSpan::off(),
            Making::Open => entered(self.site),
            Making::Unsampled(span) => here::unsampled(span),
            Making::Recorded(live) => recorded(live),
            Making::Asked(asked) => here::asked(*asked),
        }
    }

    /// Starts the span of a part of an async function, to be current whenever the function is polled within that part.
    #[must_use]
    pub fn within<'a>(self, slot: &'a Slot<'a>) -> PartSpan<'a> {
        PartSpan::new(self.start::<true>(), slot)
    }

    /// The same without ever being current.
    #[must_use]
    pub fn within_leaf<'a>(self, slot: &'a Slot<'a>) -> PartSpan<'a> {
        PartSpan::new(self.start::<false>(), slot)
    }

    /// Starts the span without making it current.
    #[inline]
    #[must_use]
    pub fn enter_leaf(self) -> LeafSpan {
        match self.making {
            Making::Off => LeafSpan::off(),
            Making::Open => entered_leaf(self.site),
            Making::Unsampled(span) => here::unsampled_leaf(span),
            Making::Recorded(live) => recorded_leaf(live),
            Making::Asked(asked) => here::asked_leaf(*asked),
        }
    }

    /// Starts the span of a future, never to be current.
    #[must_use]
    pub fn into_leaf_task(self) -> TaskSpan {
        TaskSpan::new(self.start::<false>())
    }

    /// Starts the span, to be current whenever its future is polled.
    #[must_use]
    pub fn into_task(self) -> TaskSpan {
        TaskSpan::new(self.start::<true>())
    }

    fn start<const IS_CURRENT: bool>(self) -> Started {
        match self.making {
            Making::Open => started::<IS_CURRENT>(self.site),
            making => making.start::<IS_CURRENT>(),
        }
    }
}

/// What follows for spans that are current, and for leaves. It is compiled once, in this crate, and not with each that calls it.
mod here {
    use super::{Asked, LeafSpan, SpanContext, SyncSpan, leaf};

    #[inline(never)]
    pub(super) fn unsampled(span: Box<SpanContext>) -> SyncSpan {
        SyncSpan::new(super::unsampled(span))
    }

    /// Nobody sees it.
    #[inline(never)]
    pub(super) fn unsampled_leaf(_: Box<SpanContext>) -> LeafSpan {
        LeafSpan::off()
    }

    #[inline(never)]
    pub(super) fn asked(asked: Asked) -> SyncSpan {
        asked.enter::<true>()
    }

    #[inline(never)]
    pub(super) fn asked_leaf(asked: Asked) -> LeafSpan {
        LeafSpan::new(leaf::Running::Other(asked.enter::<false>()))
    }
}

/// Whether no span is made under the current context, or there is none because the thread ends.
#[inline(always)]
fn is_unwanted() -> bool {
    !has_context() || Context::map_current(control::is_unwanted)
}

/// Starts a span that nothing is known of but its site.
#[inline(never)]
fn entered(site: &'static Site) -> SyncSpan {
    if is_unwanted() {
        SyncSpan::off()
    } else {
        entered_wanted(site)
    }
}

/// The same for a span that is never current, of a function that is not async.
#[inline(never)]
fn entered_leaf(site: &'static Site) -> LeafSpan {
    let Some(parent) = Parent::wanting() else {
        return LeafSpan::off();
    };
    if let Some(bare) = parent.begin_bare(|| site.label()) {
        let leaf = BareLeaf::new(bare);
        let panic = PanicWatch::new();
        return LeafSpan::new(leaf::Running::Bare { leaf, panic });
    }
    entered_leaf_otherwise(site)
}

/// The same for one that is more than bare from the start.
#[cold]
#[inline(never)]
fn entered_leaf_otherwise(site: &'static Site) -> LeafSpan {
    let making = Making::of(site);
    Start { site, making }.enter_leaf()
}

/// The same for a span that is not made current now.
#[inline(never)]
fn started<const IS_CURRENT: bool>(site: &'static Site) -> Started {
    if is_unwanted() {
        return Started::nothing();
    }
    let parent = Context::map_current(Parent::of);
    match parent.engine() {
        Some(core) if parent.is_plain() => {
            Started::of_live::<IS_CURRENT>(sited::begun(core, site.label(), &parent))
        }
        _ => Making::of(site).start::<IS_CURRENT>(),
    }
}

/// Apart, so that a span that is not recorded costs little.
#[inline(never)]
fn entered_wanted(site: &'static Site) -> SyncSpan {
    let parent = Context::map_current(Parent::of);
    let Some(core) = parent.engine() else {
        return Asked::new(site, Context::current()).enter::<true>();
    };
    let mut kept = Kept::new();
    if parent.is_plain() && sited::keep(core, site.label(), &parent, &mut kept) {
        enter_kept(kept)
    } else {
        entered_otherwise(site)
    }
}

/// The root of a trace, a span under a trace state, or one at the end of a thread.
#[cold]
#[inline(never)]
fn entered_otherwise(site: &'static Site) -> SyncSpan {
    let making = Making::of(site);
    Start { site, making }.enter()
}

/// Starts a span that the engine has made.
#[inline(never)]
fn recorded(live: Box<Live>) -> SyncSpan {
    let mut kept = Kept::new();
    sited::keep_made::<true>(live, &mut kept);
    enter_kept(kept)
}

/// The same for one that is never current, of a function that is not async.
#[inline(never)]
fn recorded_leaf(live: Box<Live>) -> LeafSpan {
    let mut kept = Kept::new();
    sited::keep_made::<false>(live, &mut kept);
    let panic = PanicWatch::new();
    let place = kept.place();
    LeafSpan::new(match kept.other {
        None => leaf::Running::Kept { place, panic },
        Some(live) => leaf::Running::Other(not_kept::<false>(live)),
    })
}

#[inline(always)]
fn enter_kept(kept: Kept) -> SyncSpan {
    if let Some(handle) = kept.handle() {
        let context = Context::current_with_span(handle);
        return SyncSpan::kept(kept.place(), kept.id(), context);
    }
    match kept.other {
        Some(live) => not_kept::<true>(live),
        // Not so: what is not kept comes back.
        None => SyncSpan::off(),
    }
}

/// A span that is in a context and nowhere else.
#[cold]
fn not_kept<const IS_CURRENT: bool>(live: Box<Live>) -> SyncSpan {
    SyncSpan::new(Started::recorded(begun(live)).current_if::<IS_CURRENT>())
}

/// The root of a trace that is not sampled, which is passed on like any other.
fn unsampled(span: Box<SpanContext>) -> Started {
    let with_it = |current: &Context| current.with_remote_span_context(*span);
    Started::new(Some(Context::map_current(with_it)))
}

/// From now on time passes for the span.
#[inline]
fn begun(mut live: Box<Live>) -> Box<Live> {
    live.begin();
    live
}

/// A span that is made through the API.
#[derive(Debug)]
struct Asked {
    site: &'static Site,
    parent: Context,
    /// Whether that is another context than the current one.
    is_explicit: bool,
    is_root: bool,
    /// The name if it is computed.
    name: Option<Cow<'static, str>>,
    links: Vec<Link>,
    attributes: Vec<KeyValue>,
    /// The span, where it had to be started to find out whether it records.
    early: Option<BoxedSpan>,
}

impl Asked {
    fn new(site: &'static Site, parent: Context) -> Asked {
        Asked {
            site,
            parent,
            is_explicit: false,
            is_root: false,
            name: None,
            links: Vec::new(),
            attributes: Vec::new(),
            early: None,
        }
    }

    /// Whether a sampler will look at what the span starts with.
    fn may_be_sampled(&self) -> bool {
        self.early.is_none()
            && HAS_PROVIDER.load(Ordering::Relaxed)
            && (self.is_root || !control::is_unwanted(&self.parent))
    }

    /// Whether what is evaluated will be recorded. A span under a parent that is not sampled, or perhaps without a
    /// provider, is started to find that out: most often it does not record, and nothing more needs to be evaluated.
    fn may_record(&mut self) -> bool {
        if self.may_be_sampled() {
            let span = self.parent.span();
            let span = span.span_context();
            if self.is_root || !span.is_valid() || span.is_sampled() {
                return true;
            }
        }
        let early = self.early.take().unwrap_or_else(|| self.build());
        let is_recording = early.is_recording();
        self.early = Some(early);
        is_recording
    }

    /// Starts the span with what is gathered so far.
    fn build(&mut self) -> BoxedSpan {
        let name = match self.name.take() {
            Some(name) => name,
            None => Cow::Borrowed(self.site.default_name()),
        };
        let builder = SpanBuilder::from_name(name)
            .with_kind(self.site.kind.clone())
            .with_links(std::mem::take(&mut self.links))
            .with_attributes(std::mem::take(&mut self.attributes));
        let root = Context::new();
        let parent = if self.is_root { &root } else { &self.parent };
        build(self.site.label().scope.clone(), builder, parent)
    }

    #[inline(always)]
    fn enter<const IS_CURRENT: bool>(self) -> SyncSpan {
        SyncSpan::new(self.start().current_if::<IS_CURRENT>())
    }

    /// Starts the span. Without one, work goes on under its parent all the same.
    fn start(mut self) -> Started {
        let span = match self.early.take() {
            Some(mut span) => {
                if let Some(name) = self.name.take() {
                    span.update_name(name);
                }
                for link in self.links.drain(..) {
                    span.add_link(link.span_context, link.attributes);
                }
                span.set_attributes(self.attributes.drain(..));
                span
            }
            None => self.build(),
        };
        match with_new_span(span, &self.parent) {
            None if self.is_explicit => Started::under(self.parent),
            context => Started::new(context),
        }
    }
}

/// Starts a span where there is no site, named at run time; its scope is this crate.
pub(crate) fn start_named(name: Cow<'static, str>) -> TaskSpan {
    let parent = if is_off() { None } else { current() };
    let parent = parent.filter(|parent| !parent.is_telemetry_suppressed());
    let context = parent.and_then(|parent| {
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        with_new_span(build(scope, SpanBuilder::from_name(name), &parent), &parent)
    });
    TaskSpan::new(Started::new(context))
}
/// Says that there is a provider, which has not made a span yet.
pub(crate) fn expect_provider() {
    HAS_PROVIDER.store(true, Ordering::Relaxed);
}

fn build(scope: InstrumentationScope, builder: SpanBuilder, parent: &Context) -> BoxedSpan {
    let span = global::tracer_with_scope(scope).build_with_context(builder, parent);
    if is_new(&span, parent) {
        HAS_PROVIDER.store(true, Ordering::Relaxed);
    }
    span
}

/// Whether a span is another than its parent's; without a provider it is the same.
fn is_new(span: &BoxedSpan, parent: &Context) -> bool {
    let context = span.span_context();
    context.is_valid() && context != parent.span().span_context()
}

/// The parent's context with a new span in it; `None` where that is no other span than the parent's.
///
/// An unsampled span has a context of its own, which propagation passes on; without a provider there is only the
/// parent's.
fn with_new_span(span: BoxedSpan, parent: &Context) -> Option<Context> {
    (span.is_recording() || is_new(&span, parent)).then(|| parent.with_span(span))
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
