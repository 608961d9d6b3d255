//! How sites write to the engine, without the API in between.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Span, SpanContext, SpanId, SpanRef, Status, TraceContextExt as _, TraceFlags, TraceId,
    TraceState,
};
use opentelemetry::{Context, KeyValue};

use super::bare::Bare;
use super::entries::Entries;
use super::live::Live;
pub(crate) use super::local::keep;
use super::open::{Handle, Served};
use super::scope::{Label, Source};
use super::{Core, local, lock};
use crate::engine::{control::is_unwanted, map_current};

/// The engine that sites write to.
static ACTIVE: Mutex<Option<&'static Core>> = Mutex::new(None);

/// The one that was that last: spans of it may be open when there is another provider.
static LAST: Mutex<Option<&'static Core>> = Mutex::new(None);

/// Changes whenever the active one does.
static GENERATION: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// What a thread last saw of the two.
    static SEEN: Cell<(u64, Option<&'static Core>)> = const { Cell::new((0, None)) };
    /// What is handed to a span of this engine by a call to the API that follows at once.
    static HANDED: RefCell<Option<Handed>> = const { RefCell::new(None) };
}

/// What was gathered for a span that is in a context: attributes, or an event with its attributes.
#[derive(Debug)]
struct Handed {
    attributes: Box<Entries>,
    event: Option<Cow<'static, str>>,
}

/// Lets sites write to an engine.
pub(super) fn activate(core: &'static Core) {
    *lock(&LAST) = Some(core);
    let mut active = lock(&ACTIVE);
    *active = Some(core);
    GENERATION.fetch_add(1, Ordering::Release);
}

/// Lets sites no longer write to an engine, if it is this one.
pub(super) fn deactivate(core: &'static Core) {
    let mut active = lock(&ACTIVE);
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
    let active = lock(&ACTIVE);
    let generation = GENERATION.load(Ordering::Relaxed);
    // At the end of a thread it is looked up each time.
    let _ = SEEN.try_with(|seen| seen.set((generation, *active)));
    *active
}

/// The engine whose spans are open: the active one, or the one that was it until the application set another provider.
#[inline]
fn recording() -> Option<&'static Core> {
    active().or_else(replaced)
}

#[cold]
#[inline(never)]
fn replaced() -> Option<&'static Core> {
    lock(&LAST).filter(|core| !core.is_shut_down.load(Ordering::Relaxed))
}

/// What is to become of a span.
#[derive(Debug)]
pub(crate) enum Outlook {
    /// Nothing.
    Nothing,
    /// It is the root of a trace that is not sampled: all it has is this context, by which others know.
    Unsampled(Box<SpanContext>),
    /// It is recorded here, and has not begun.
    Recorded(Box<Live>),
    /// The API has to be asked.
    Asked,
}

/// What a new span has to know of a context, but for the trace state of the span in there, which would have to be cloned. It
/// is copied without a decision: what the API calls with a context is small enough to be inlined then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent {
    pub(super) trace_id: TraceId,
    /// Invalid where there is no span.
    pub(super) id: SpanId,
    pub(super) flags: TraceFlags,
    pub(super) is_remote: bool,
    has_state: bool,
}

impl Parent {
    #[inline(always)]
    pub(crate) fn of(context: &Context) -> Self {
        let span = context.span();
        let span = span.span_context();
        Self {
            trace_id: span.trace_id(),
            id: span.span_id(),
            flags: span.trace_flags(),
            is_remote: span.is_remote(),
            has_state: *span.trace_state() != TraceState::NONE,
        }
    }

    /// The same of the current context; `None` where no span is wanted there, or there is none because the thread ends.
    #[inline(always)]
    pub(crate) fn wanting() -> Option<Self> {
        map_current(|context| (!is_unwanted(context)).then(|| Self::of(context))).flatten()
    }

    fn is_valid(&self) -> bool {
        self.trace_id != TraceId::INVALID && self.id != SpanId::INVALID
    }

    /// Whether a thread can keep a span under it: roots and trace states are seldom.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.is_valid() && !self.has_state
    }

    /// A bare span under it, where that is all it would have. It has begun.
    #[inline(always)]
    pub(crate) fn begin_bare(&self, label: impl FnOnce() -> &'static Label) -> Option<Bare> {
        let core = self.engine()?;
        if !self.is_plain() {
            return None;
        }
        let label = label();
        let is_bare = core.limits.of_span.allow(label.attributes());
        is_bare.then(|| Bare::begin(core, label, self)).flatten()
    }

    /// This engine, if it knows what becomes of a span here that is wanted. Otherwise the API has to be asked: the sampler decides
    /// for each span, or for each root, or the spans are another's.
    #[inline(always)]
    pub(crate) fn engine(&self) -> Option<&'static Core> {
        let parent_is_sampled = self.is_valid().then(|| self.flags.is_sampled());
        active().filter(|core| core.sampling.is_known(parent_is_sampled))
    }
}

/// What becomes of a span under a context. Where the limits would not let all its constant attributes through, the API has to
/// be asked.
pub(crate) fn outlook(context: &Context, label: impl FnOnce() -> &'static Label) -> Outlook {
    if is_unwanted(context) {
        Outlook::Nothing
    } else {
        wanted_outlook(context, label)
    }
}

/// The same for one that is wanted.
#[inline(always)]
pub(crate) fn wanted_outlook(context: &Context, label: impl FnOnce() -> &'static Label) -> Outlook {
    let parent = Parent::of(context);
    let Some(core) = parent.engine() else {
        return Outlook::Asked;
    };
    let label = label();
    if core.limits.of_span.allow(label.attributes()) {
        made(core, label, &parent, context)
    } else {
        Outlook::Asked
    }
}

/// A span that its thread keeps, with what its handle is made of. It is filled in and read field by field: to move it about as
/// a whole, right after it is written, makes the processor wait.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(super) place: usize,
    pub(super) id: SpanId,
    pub(super) trace_id: TraceId,
    pub(super) flags: TraceFlags,
    pub(super) served: Option<Served>,
    /// It could not be kept, and has not begun.
    pub(crate) other: Option<Box<Live>>,
}

impl Kept {
    /// Nothing is kept yet.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Self {
            place: 0,
            id: SpanId::INVALID,
            trace_id: TraceId::INVALID,
            flags: TraceFlags::NOT_SAMPLED,
            served: None,
            other: None,
        }
    }

    pub(crate) fn place(&self) -> Place {
        Place(self.place)
    }

    pub(crate) fn id(&self) -> SpanId {
        self.id
    }

    /// What there is to be put into a context; `None` where the span is not kept.
    #[inline(always)]
    pub(crate) fn handle(&self) -> Option<Handle> {
        let state = TraceState::NONE;
        let served = self.served?;
        let context = SpanContext::new(self.trace_id, self.id, self.flags, false, state);
        Some(Handle::new(context, served))
    }
}

#[cold]
#[inline(never)]
fn made(core: &'static Core, label: &'static Label, parent: &Parent, context: &Context) -> Outlook {
    let root = (!parent.is_valid()).then(local::trace_id);
    if let Some(trace_id) = root
        && core.sampling.takes_root(trace_id) == Some(false)
    {
        let (id, state) = (local::span_id(), TraceState::NONE);
        let unsampled = SpanContext::new(trace_id, id, TraceFlags::NOT_SAMPLED, false, state);
        return Outlook::Unsampled(Box::new(unsampled));
    }
    let (mut live, id) = local::live(core, Source::Site(label));
    if let Some(trace_id) = root {
        live.root(trace_id, id);
    } else {
        let state = context.span().span_context().trace_state().clone();
        live.hang_under(parent, id, state);
    }
    Outlook::Recorded(live)
}

/// A span that nobody else knows yet, and which has begun; under a parent that is plain.
#[inline(always)]
pub(crate) fn begun(core: &'static Core, label: &'static Label, parent: &Parent) -> Box<Live> {
    let (mut live, id) = local::live(core, Source::Site(label));
    live.hang_under(parent, id, TraceState::NONE);
    live.begin();
    live
}

/// Where a thread keeps a span; for that thread alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(pub(super) usize);

/// Lets this thread keep a span that was made; at the end of a thread it comes back. It has begun if it will not be current.
#[inline(always)]
pub(crate) fn keep_made<const IS_CURRENT: bool>(live: Box<Live>, kept: &mut Kept) {
    // A trace state has to be cloned: see [`keep`].
    if *live.context.trace_state() == TraceState::NONE {
        kept.other = local::keep_made::<IS_CURRENT>(live, kept);
    } else {
        kept.other = Some(live);
    }
}

impl Place {
    /// From now on time passes for the span, which is current.
    #[inline(always)]
    pub(crate) fn begin(self) {
        local::at(self.0, Live::begin);
    }

    /// Ends the span. The place is not used any more.
    #[inline(always)]
    pub(crate) fn close(self) {
        local::close(self.0);
    }

    /// The same for a span that was never current.
    #[inline]
    pub(crate) fn close_leaf(self) {
        local::close_leaf(self.0);
    }

    /// Adds attributes to the span, or an event of now.
    pub(crate) fn take(self, gathered: Box<Entries>, event: Option<Cow<'static, str>>) {
        local::at(self.0, |live| live.take(&gathered, event));
        local::give_back_list(gathered);
    }

    /// Works with the span. Nothing that is called in there comes back.
    pub(crate) fn with(self, work: impl FnOnce(&mut Live)) {
        local::at(self.0, work);
    }
}

/// Adds attributes, or an event of now, to the current span, which is known to be of this engine.
pub(crate) fn take_current(
    id: SpanId,
    gathered: Box<Entries>,
    mut event: Option<Cow<'static, str>>,
) {
    let is_here = local::with_open(id, |live| live.take(&gathered, event.take()));
    if is_here {
        local::give_back_list(gathered);
        return;
    }
    Context::map_current(|context| {
        let span = context.span();
        // Unless code of the application has left another one there.
        if span.span_context().span_id() == id {
            hand(&span, gathered, event);
        }
    });
}

impl Live {
    pub(crate) fn set_name(&mut self, name: impl Into<Cow<'static, str>>) {
        self.gathered.rename(name.into());
    }

    pub(crate) fn link(&mut self, target: &SpanContext, attributes: Vec<KeyValue>) {
        self.gathered.add_link(target, attributes);
    }

    /// To add attributes.
    #[inline]
    pub(crate) fn attributes(&mut self) -> &mut Entries {
        self.gathered.attributes()
    }

    pub(crate) fn attribute(&mut self, attribute: KeyValue) {
        if let Some(gathered) = self.gathered() {
            gathered.attributes().extend([attribute]);
        }
    }

    pub(crate) fn status(&mut self, status: Status) {
        if let Some(gathered) = self.gathered() {
            gathered.set_status(status);
        }
    }

    /// Adds attributes, or an event of now with them.
    #[inline]
    pub(crate) fn take(&mut self, list: &Entries, event: Option<Cow<'static, str>>) {
        match event {
            Some(name) => {
                let now = self.now();
                if let Some(gathered) = self.gathered() {
                    gathered.add_listed_event(&name, now, list);
                }
            }
            None => {
                if let Some(gathered) = self.gathered() {
                    gathered.attributes().append(list);
                }
            }
        }
    }

    /// Adds an event of now.
    pub(crate) fn event(&mut self, name: &'static str, attributes: Vec<KeyValue>) {
        let now = self.now();
        if let Some(gathered) = self.gathered() {
            gathered.add_event(name, now, attributes);
        }
    }

    /// Hands the span in, once.
    #[inline]
    pub(super) fn finish(&mut self, end: u64) {
        self.has_ended = true;
        self.core.finish(self, end);
    }
}

/// The context of a span that is sampled goes to another process.
pub(crate) fn context_leaves(span: &SpanContext) {
    // A span of another process is kept there.
    if !span.is_remote()
        && let Some(core) = recording()
        && let Some(journal) = &core.journal
    {
        journal.context_leaves(span.span_id());
    }
}

/// A list for attributes of a span that has started.
pub(crate) fn span_attributes() -> Option<Box<Entries>> {
    let core = recording()?;
    Some(local::list(core.limits.of_span))
}

/// A list for attributes of an event.
pub(crate) fn event_attributes() -> Option<Box<Entries>> {
    let core = recording()?;
    Some(local::list(core.limits.of_event))
}

/// What the end of a span is told to be where something is to be done in the engine's own way: a time before the epoch, which
/// OTLP cannot tell.
#[derive(Clone, Copy, Debug)]
pub(super) enum Announced {
    /// What was handed over is to be added.
    Handed,
    /// The span ends now, and nobody will ask for it.
    End,
}

impl Announced {
    fn before_epoch(self) -> Duration {
        let nanos = match self {
            Self::Handed => 987_654_321,
            Self::End => 987_654_322,
        };
        Duration::new(1_869_902_188, nanos)
    }

    fn time(self) -> SystemTime {
        UNIX_EPOCH - self.before_epoch()
    }

    /// `None` for an end like any other.
    #[inline]
    pub(super) fn by(time: SystemTime) -> Option<Self> {
        let is = |announced: &Self| time == announced.time();
        [Self::End, Self::Handed].into_iter().find(is)
    }
}

/// Adds to a span what was handed over.
pub(super) fn take(live: &mut Live) {
    let handed = HANDED.try_with(|handed| handed.borrow_mut().take());
    if let Ok(Some(handed)) = handed {
        live.take(&handed.attributes, handed.event);
        local::give_back_list(handed.attributes);
    }
}

/// Adds attributes, or an event, to a span that is known to be of this engine.
pub(crate) fn hand(span: &SpanRef<'_>, attributes: Box<Entries>, event: Option<Cow<'static, str>>) {
    let handed = Handed { attributes, event };
    let put = HANDED.try_with(|place| *place.borrow_mut() = Some(handed));
    if put.is_ok() {
        span.end_with_timestamp(Announced::Handed.time());
        // A span that has ended takes nothing.
        let rest = HANDED.try_with(|place| place.borrow_mut().take());
        if let Ok(Some(handed)) = rest {
            local::give_back_list(handed.attributes);
        }
    }
}

/// The span, as the API has it.
pub(crate) fn span(live: Box<Live>) -> impl Span + Send + Sync + 'static {
    super::span::Span::recording(live)
}

/// Ends a span that is known to be of this engine.
#[inline]
pub(crate) fn end(span: &SpanRef<'_>) {
    span.end_with_timestamp(Announced::End.time());
}

/// Keeps a list for later.
pub(crate) fn give_back(list: Box<Entries>) {
    local::give_back_list(list);
}

/// Ends a span that nobody else has.
pub(crate) fn end_live(mut live: Box<Live>) {
    let now = live.now();
    live.has_ended = true;
    live.core.finish_last(live, now);
}
