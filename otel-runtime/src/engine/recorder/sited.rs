//! How sites write to the engine, without the API in between.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Span, SpanContext, SpanKind, SpanRef, Status, TraceContextExt as _};
use opentelemetry::{Context, Key, KeyValue};

use super::attributes::Attributes;
use super::live::{self, Live};
use super::sampling::Sampling;
use super::scope::{Label, Source};
use super::{Core, field, local};

/// The engine that sites write to.
static ACTIVE: Mutex<Option<&'static Core>> = Mutex::new(None);

/// Changes whenever that does.
static GENERATION: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// What a thread last saw of the two.
    static SEEN: Cell<(u64, Option<&'static Core>)> = const { Cell::new((0, None)) };
    /// What is handed to a span of this engine by a call to the API that follows at once.
    static HANDED: RefCell<Option<Box<Attributes>>> = const { RefCell::new(None) };
}

/// Lets sites write to an engine, or to none.
pub(super) fn activate(core: Option<&'static Core>) {
    let mut active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner);
    *active = core;
    GENERATION.fetch_add(1, Ordering::Release);
}

/// Lets sites no longer write to an engine, if it is this one.
pub(super) fn deactivate(core: &'static Core) {
    let mut active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner);
    if active.is_some_and(|active| std::ptr::eq(active, core)) {
        *active = None;
        GENERATION.fetch_add(1, Ordering::Release);
    }
}

#[inline]
fn active() -> Option<&'static Core> {
    let generation = GENERATION.load(Ordering::Acquire);
    match SEEN.try_with(Cell::get) {
        Ok((seen, core)) if seen == generation => core,
        _ => look_again(),
    }
}

#[cold]
fn look_again() -> Option<&'static Core> {
    let active = ACTIVE.lock().unwrap_or_else(PoisonError::into_inner);
    let generation = GENERATION.load(Ordering::Relaxed);
    // At the end of a thread it is looked up each time.
    let _ = SEEN.try_with(|seen| seen.set((generation, *active)));
    *active
}

/// What is to become of a span.
#[derive(Debug)]
pub(crate) enum Outlook {
    /// Nothing: telemetry is suppressed, or the parent is not sampled and the sampler does as it does.
    Nothing,
    /// It is recorded here.
    Recorded(Box<Live>),
    /// The API has to be asked: there is no parent, the sampler decides for each span, or the spans are another's.
    Asked,
}

/// Looks at the current context.
#[inline]
pub(crate) fn outlook(context: &Context, label: impl FnOnce() -> &'static Label) -> Outlook {
    if context.is_telemetry_suppressed() {
        return Outlook::Nothing;
    }
    let Some(core) = active() else {
        return Outlook::Asked;
    };
    let span = context.span();
    let parent = span.span_context();
    if !matches!(core.sampling, Sampling::Parent(_)) || !parent.is_valid() {
        return Outlook::Asked;
    }
    if !parent.is_sampled() {
        return Outlook::Nothing;
    }
    let mut live = local::live(core, Source::Site(label()));
    live.parent = parent.span_id();
    live.parent_is_remote = parent.is_remote();
    live.context = SpanContext::new(
        parent.trace_id(),
        local::span_id(),
        parent.trace_flags(),
        false,
        parent.trace_state().clone(),
    );
    Outlook::Recorded(live)
}

impl Live {
    /// From now on time passes for the span.
    pub(crate) fn begin(&mut self, kind: &SpanKind) {
        self.kind = live::kind(kind);
        self.start = self.core.clock.start();
    }

    pub(crate) fn set_name(&mut self, name: impl Into<Cow<'static, str>>) {
        self.name = Some(name.into());
    }

    pub(crate) fn link(&mut self, target: &SpanContext) {
        self.add_link(target, Vec::new());
    }

    pub(crate) fn attributes(&mut self) -> &mut Attributes {
        &mut self.attributes
    }

    pub(crate) fn attribute(&mut self, attribute: KeyValue) {
        self.attributes.extend([attribute]);
    }

    pub(crate) fn status(&mut self, status: Status) {
        self.set_status(status);
    }

    /// Adds what was gathered meanwhile.
    pub(crate) fn take_attributes(&mut self, gathered: &Attributes) {
        self.attributes.append(gathered);
    }

    /// Adds an event of now, with what was gathered for it.
    pub(crate) fn take_event(&mut self, name: &str, gathered: &mut Attributes) {
        self.add_encoded_event(name, self.now(), gathered);
    }

    /// Adds an event of now.
    pub(crate) fn event(&mut self, name: &'static str, attributes: Vec<KeyValue>) {
        self.add_event(name, self.now(), attributes);
    }

    pub(super) fn now(&self) -> u64 {
        self.core.clock.now_in(self.start)
    }

    /// Hands the span in, once.
    pub(super) fn finish(&mut self, end: u64) {
        self.has_ended = true;
        self.core.finish(self, end);
    }
}

/// A list for attributes of a span that has started.
pub(crate) fn span_attributes() -> Option<Box<Attributes>> {
    let core = active()?;
    Some(local::list(field::ATTRIBUTES, core.limits.of_span))
}

/// A list for attributes of an event.
pub(crate) fn event_attributes() -> Option<Box<Attributes>> {
    let core = active()?;
    Some(local::list(field::event::ATTRIBUTES, core.limits.of_event))
}

/// What the key of an attribute or the time of an event or an end is when it only announces that something is to be done
/// in the engine's own way: a time before the epoch, which OTLP cannot tell, and a key which is known by its address.
fn announced() -> SystemTime {
    UNIX_EPOCH - Duration::new(1_869_902_188, 987_654_321)
}

static ANNOUNCED: &str = "otel_runtime.announced";

pub(super) fn is_announced_time(time: SystemTime) -> bool {
    time < UNIX_EPOCH && time == announced()
}

pub(super) fn is_announced_key(key: &Key) -> bool {
    std::ptr::eq(key.as_str(), ANNOUNCED)
}

/// What was handed over with an announcement.
pub(super) fn handed<T>(take: impl FnOnce(&mut Attributes) -> T) -> Option<T> {
    HANDED
        .try_with(|handed| handed.borrow_mut().as_deref_mut().map(take))
        .ok()
        .flatten()
}

/// Adds attributes to a span that is known to be of this engine.
pub(crate) fn hand_attributes(span: &SpanRef<'_>, attributes: Box<Attributes>) {
    hand(attributes, || {
        span.set_attribute(KeyValue::new(ANNOUNCED, true));
    });
}

/// Adds an event to a span that is known to be of this engine.
pub(crate) fn hand_event(span: &SpanRef<'_>, name: Cow<'static, str>, attributes: Box<Attributes>) {
    hand(attributes, || {
        span.add_event_with_timestamp(name, announced(), Vec::new());
    });
}

fn hand(attributes: Box<Attributes>, announce: impl FnOnce()) {
    let put = HANDED.try_with(|handed| *handed.borrow_mut() = Some(attributes));
    if put.is_err() {
        return;
    }
    announce();
    let rest = HANDED.try_with(|handed| handed.borrow_mut().take());
    if let Some(list) = rest.ok().flatten() {
        local::give_back_list(list);
    }
}

/// The span, as the API has it.
pub(crate) fn span(live: Box<Live>) -> impl Span + Send + Sync + 'static {
    super::span::Span::recording(live)
}

/// Keeps a list for later.
pub(crate) fn give_back(list: Box<Attributes>) {
    local::give_back_list(list);
}

/// Ends a span that is known to be of this engine.
#[inline]
pub(crate) fn end(span: &SpanRef<'_>) {
    span.end_with_timestamp(announced());
}

/// Ends a span that nobody else has.
pub(crate) fn end_live(mut live: Box<Live>) {
    let now = live.now();
    live.finish(now);
    local::give_back(live);
}
