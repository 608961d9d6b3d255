//! A span that has started, and how each way of leaving a function ends it.

use std::borrow::Cow;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use opentelemetry::trace::{SpanId, Status, TraceContextExt as _};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_semantic_conventions::attribute::{
    ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_TYPE,
};

use super::fields::Receiver;
use super::leaf::{self, LeafSpan};
use super::recorder::sited::{self, Place};
use super::recorder::{BareLeaf, Live};
use super::within::{Around, attached};
use super::{Failure, Fields, has_context};
use crate::CANCELLED;

/// The span of a function that is not async: current until it is dropped, which ends it. What it holds is dropped by then, so
/// that nothing is left to be done after that.
#[derive(Debug)]
pub struct SyncSpan(ManuallyDrop<Running>);

/// A span of a function that is running.
#[derive(Debug)]
enum Running {
    Off,
    /// Of the engine, kept by this thread.
    Kept {
        place: Place,
        panic: PanicWatch,
        known: KnownCurrent,
        current: Option<ContextGuard>,
    },
    /// Of another provider, or of the engine where that was asked by the API.
    Entered {
        span: Started,
        panic: PanicWatch,
        known: KnownCurrent,
        current: Option<ContextGuard>,
    },
}

/// The span of a future or a stream: current whenever that is polled. Dropped before it is finished, it was cancelled.
#[derive(Debug)]
pub struct TaskSpan {
    span: Started,
}

/// The time in which a task's span is current.
#[derive(Debug)]
pub struct Entered<'a> {
    span: &'a TaskSpan,
    panic: PanicWatch,
    _attached: Attached,
}

/// The same, whatever happens meanwhile.
#[derive(Debug)]
pub(crate) struct Attached {
    _known: Knowing,
    _current: Option<ContextGuard>,
}

/// The span that is current where a helper stands without `#[traced_span]`.
#[derive(Debug)]
pub struct Current(Found);

#[derive(Debug)]
enum Found {
    Nothing,
    /// Of the engine, with this id.
    Ours(SpanId),
    /// Of another provider, or not known to be of the engine.
    In(Started),
}

/// A span, if there is one at all.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is of its own, and together they take no more room than one"
)]
pub(super) struct Started {
    held: Held,
    is_recording: bool,
    is_ended: AtomicBool,
    /// Known to be of the engine.
    is_ours: bool,
    /// Of a future's or stream's span, like the next: never current. They stand here, among the other flags, because
    /// futures must not grow by more than they have to.
    is_leaf: bool,
    /// Being dropped is as good an end as any.
    ends_by_drop: bool,
}

/// How a span is held.
#[derive(Debug)]
enum Held {
    Nothing,
    /// In a context, of whichever provider.
    In(Context),
    /// In no context; it is of the engine.
    Leaf(Leaf),
}

/// A span of the engine that nobody else can reach; there is none once it has ended.
#[derive(Debug)]
pub(super) struct Leaf(Mutex<Option<Box<Live>>>);

impl Leaf {
    pub(super) fn with(&self, work: impl FnOnce(&mut Live)) {
        if let Some(live) = &mut *self.lock() {
            work(live);
        }
    }

    fn end(&self) {
        let live = self.lock().take();
        if let Some(live) = live {
            sited::end_live(live);
        }
    }

    /// A panic elsewhere leaves nothing half done here.
    fn lock(&self) -> MutexGuard<'_, Option<Box<Live>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

thread_local! {
    /// The span of the engine that this thread has made current last, if it is still that one.
    static OURS: Cell<SpanId> = const { Cell::new(SpanId::INVALID) };
}

/// What is to be put back into [`OURS`] when a span is not current any more; `None` where nothing was put there.
#[derive(Clone, Copy, Debug)]
struct KnownCurrent(Option<SpanId>);

impl KnownCurrent {
    /// Has not begun.
    const NONE: KnownCurrent = KnownCurrent(None);

    #[inline]
    fn begin(id: SpanId) -> KnownCurrent {
        KnownCurrent(OURS.try_with(|ours| ours.replace(id)).ok())
    }

    /// The same for a span that may be another provider's, or not to be current.
    #[inline]
    fn of(span: &Started) -> KnownCurrent {
        match span.context() {
            Some(context) if span.is_ours => Self::begin(context.span().span_context().span_id()),
            _ => Self::NONE,
        }
    }

    #[inline]
    fn end(self) {
        if let Some(before) = self.0 {
            let _ = OURS.try_with(|ours| ours.set(before));
        }
    }
}

/// The time in which a task's span is known to be the current one.
#[derive(Debug)]
struct Knowing(KnownCurrent);

impl Drop for Knowing {
    #[inline]
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Tells a panic that began meanwhile from one that was there before.
#[derive(Clone, Copy, Debug)]
pub(super) struct PanicWatch {
    was_panicking: bool,
}

impl SyncSpan {
    #[inline]
    pub(super) fn off() -> SyncSpan {
        SyncSpan(ManuallyDrop::new(Running::Off))
    }

    /// A span of the engine that its thread keeps, current from now on.
    #[inline(always)]
    pub(super) fn kept(place: Place, id: SpanId, context: Context) -> SyncSpan {
        let current = Some(context.attach());
        let known = KnownCurrent::begin(id);
        let panic = PanicWatch::new();
        place.begin();
        SyncSpan(ManuallyDrop::new(Running::Kept {
            place,
            panic,
            known,
            current,
        }))
    }

    /// A span of whichever provider.
    pub(super) fn new(span: Started) -> SyncSpan {
        let current = span.context().cloned().map(Context::attach);
        SyncSpan(ManuallyDrop::new(Running::Entered {
            known: KnownCurrent::of(&span),
            span,
            panic: PanicWatch::new(),
            current,
        }))
    }

    #[inline(never)]
    fn leave(&mut self) {
        match &mut *self.0 {
            Running::Off => {}
            Running::Kept {
                place,
                panic,
                known,
                current,
            } => {
                if panic.has_begun() {
                    place.with(|live| fail_live(live, Failure::panic()));
                }
                // The span ends before it is no longer current.
                place.close();
                known.end();
                drop(current.take());
            }
            Running::Entered {
                span,
                panic,
                known,
                current,
            } => {
                if panic.has_begun() {
                    span.panicked();
                }
                span.end();
                let held = std::mem::replace(&mut span.held, Held::Nothing);
                known.end();
                drop(current.take());
                drop(held);
            }
        }
    }
}

impl Drop for SyncSpan {
    #[inline]
    fn drop(&mut self) {
        if !matches!(*self.0, Running::Off) {
            self.leave();
        }
    }
}

/// A panic meanwhile leaves nothing half done in a span.
impl UnwindSafe for TaskSpan {}
impl RefUnwindSafe for TaskSpan {}

impl TaskSpan {
    pub(super) fn new(span: Started) -> TaskSpan {
        TaskSpan { span }
    }

    /// Stands for a span where there is none.
    #[must_use]
    pub fn none() -> TaskSpan {
        TaskSpan::new(Started::nothing())
    }

    /// A span for which being dropped is as good an end as any.
    pub(crate) fn ending_by_drop(mut self) -> TaskSpan {
        self.span.ends_by_drop = true;
        self
    }

    /// Makes the span current. A panic until the guard is dropped ends the span.
    #[inline]
    #[must_use]
    pub fn enter(&self) -> Entered<'_> {
        Entered {
            span: self,
            panic: PanicWatch::new(),
            _attached: self.make_current(),
        }
    }

    /// Ends the span of what is done.
    pub fn finish(mut self) {
        self.span.ends_by_drop = true;
    }

    pub(super) fn panicked(&self) {
        self.span.panicked();
        self.span.end();
    }

    /// The context to poll in; `None` for the one that is current anyway.
    pub(super) fn context(&self) -> Option<&Context> {
        self.span.context()
    }
}

impl Around for TaskSpan {
    type Attached = Attached;

    #[inline]
    fn make_current(&self) -> Attached {
        Attached {
            _known: Knowing(KnownCurrent::of(&self.span)),
            _current: attached(self.context()),
        }
    }
}

impl Drop for TaskSpan {
    fn drop(&mut self) {
        if !self.span.ends_by_drop {
            self.span.cancelled();
        }
        self.span.end();
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if self.panic.has_begun() {
            self.span.panicked();
        }
    }
}

impl Current {
    /// Looks at the current context.
    #[must_use]
    pub fn get() -> Current {
        if !has_context() {
            return Current(Found::Nothing);
        }
        Current(Context::map_current(|context| {
            let span = context.span();
            let id = span.span_context().span_id();
            if id != SpanId::INVALID && OURS.try_with(Cell::get) == Ok(id) {
                Found::Ours(id)
            } else if span.span_context().is_remote() {
                // It is another process's, and records nothing here.
                Found::Nothing
            } else if span.is_recording() {
                Found::In(Started::holding(Held::In(context.clone()), true))
            } else {
                Found::Nothing
            }
        }))
    }
}

/// What an expansion does with the span it has, or with the one it finds.
macro_rules! recorder {
    ($($ty:ident, |$this:ident| $span:expr;)*) => {$(
        impl $ty {
            #[inline]
            fn receiving(&self) -> Receiving<'_> {
                let $this = self;
                $span
            }

            /// Whether anything recorded now is kept.
            #[inline]
            #[must_use]
            pub fn is_recording(&self) -> bool {
                self.receiving().is_recording()
            }

            /// Attributes to add; `None` where nothing is recorded.
            #[inline]
            #[must_use]
            pub fn fields(&self) -> Option<Fields<'_>> {
                self.receiving().fields()
            }

            /// An event to add, with its attributes; `None` where nothing is recorded.
            #[inline]
            #[must_use]
            pub fn event<N: Into<Cow<'static, str>>>(&self, name: impl FnOnce() -> N) -> Option<Fields<'_>> {
                let span = self.receiving();
                if !span.is_recording() {
                    return None;
                }
                span.event(name().into())
            }

            /// Marks the span as failed, unless there was no failure.
            pub fn fail(&self, failure: Option<Failure>) {
                if let Some(failure) = failure {
                    self.receiving().fail(failure);
                }
            }
        }
    )*};
}

recorder! {
    SyncSpan, |span| match &*span.0 {
        Running::Off => Receiving::Nothing,
        Running::Kept { place, .. } => Receiving::Kept(*place),
        Running::Entered { span, .. } => Receiving::Started(span),
    };
    LeafSpan, |span| match span.running() {
        leaf::Running::Off => Receiving::Nothing,
        leaf::Running::Bare { leaf, .. } => Receiving::Bare(leaf),
        leaf::Running::Kept { place, .. } => Receiving::Kept(*place),
        leaf::Running::Other(span) => span.receiving(),
    };
    TaskSpan, |span| Receiving::Started(&span.span);
    Current, |span| match &span.0 {
        Found::Nothing => Receiving::Nothing,
        Found::Ours(id) => Receiving::Current(*id),
        Found::In(span) => Receiving::Started(span),
    };
}

/// A span to record on.
#[derive(Clone, Copy)]
enum Receiving<'a> {
    Nothing,
    Bare(&'a BareLeaf),
    Kept(Place),
    /// The current one.
    Current(SpanId),
    Started(&'a Started),
}

impl<'a> Receiving<'a> {
    #[inline]
    fn is_recording(self) -> bool {
        match self {
            Receiving::Nothing => false,
            Receiving::Bare(_) | Receiving::Kept(_) | Receiving::Current(_) => true,
            Receiving::Started(span) => span.is_recording,
        }
    }

    fn fields(self) -> Option<Fields<'a>> {
        match self {
            Receiving::Nothing => None,
            Receiving::Bare(leaf) => Fields::gathered(Receiver::Open(leaf.place()?), None),
            Receiving::Kept(place) => Fields::gathered(Receiver::Open(place), None),
            Receiving::Current(id) => Fields::gathered(Receiver::Current(id), None),
            Receiving::Started(span) => span.fields(),
        }
    }

    fn event(self, name: Cow<'static, str>) -> Option<Fields<'a>> {
        match self {
            Receiving::Nothing => None,
            Receiving::Bare(leaf) => Fields::gathered(Receiver::Open(leaf.place()?), Some(name)),
            Receiving::Kept(place) => Fields::gathered(Receiver::Open(place), Some(name)),
            Receiving::Current(id) => Fields::gathered(Receiver::Current(id), Some(name)),
            Receiving::Started(span) => span.event(name),
        }
    }

    fn fail(self, failure: Failure) {
        match self {
            Receiving::Nothing => {}
            Receiving::Bare(leaf) => leaf.with(|live| fail_live(live, failure)),
            Receiving::Kept(place) => place.with(|live| fail_live(live, failure)),
            Receiving::Current(_) => Context::map_current(|context| fail_in(context, failure)),
            Receiving::Started(span) => span.fail(failure),
        }
    }
}

/// What is recorded of a failure: the type, the attributes of the event `exception`, and the status.
fn told(failure: Failure) -> (KeyValue, Vec<KeyValue>, Status) {
    let mut exception = vec![KeyValue::new(EXCEPTION_TYPE, failure.type_name)];
    if let Some(message) = &failure.message {
        exception.push(KeyValue::new(EXCEPTION_MESSAGE, message.clone()));
    }
    let error_type = KeyValue::new(ERROR_TYPE, failure.type_name);
    let status = Status::error(failure.message.unwrap_or_default());
    (error_type, exception, status)
}

#[cold]
fn fail_in(context: &Context, failure: Failure) {
    let (error_type, exception, status) = told(failure);
    let span = context.span();
    span.set_attribute(error_type);
    span.add_event("exception", exception);
    span.set_status(status);
}

#[cold]
pub(super) fn fail_live(live: &mut Live, failure: Failure) {
    let (error_type, exception, status) = told(failure);
    live.attribute(error_type);
    live.event("exception", exception);
    live.status(status);
}

impl Started {
    pub(super) fn nothing() -> Started {
        Started::holding(Held::Nothing, false)
    }

    /// What a provider has made, or has not.
    pub(super) fn new(context: Option<Context>) -> Started {
        match context {
            None => Started::nothing(),
            Some(context) => {
                let is_recording = context.span().is_recording();
                Started::holding(Held::In(context), is_recording)
            }
        }
    }

    /// No span, and the context that would have been its parent's, whose own span is left alone.
    pub(super) fn under(context: Context) -> Started {
        Started {
            is_ended: AtomicBool::new(true),
            ..Started::holding(Held::In(context), false)
        }
    }

    /// A span of the engine, in a context.
    #[inline]
    pub(super) fn recorded(live: Box<Live>) -> Started {
        Started::of_engine(Context::current_with_span(sited::span(live)))
    }

    /// What is known to be a span of the engine, in a context.
    #[inline]
    fn of_engine(context: Context) -> Started {
        Started {
            is_ours: true,
            ..Started::holding(Held::In(context), true)
        }
    }

    /// A span of the engine, in none.
    #[inline]
    pub(super) fn leaf(live: Box<Live>) -> Started {
        Started::holding(Held::Leaf(Leaf(Mutex::new(Some(live)))), true)
    }

    /// A span of the engine, whether it will be current or not.
    #[inline]
    pub(super) fn of_live<const IS_CURRENT: bool>(live: Box<Live>) -> Started {
        if IS_CURRENT {
            Started::recorded(live)
        } else {
            Started::leaf(live)
        }
    }

    /// The same span, which may not be for being current.
    pub(super) fn current_if<const IS_CURRENT: bool>(mut self) -> Started {
        self.is_leaf = !IS_CURRENT;
        self
    }

    #[inline]
    fn holding(held: Held, is_recording: bool) -> Started {
        Started {
            held,
            is_recording,
            is_ended: AtomicBool::new(false),
            is_ours: false,
            is_leaf: false,
            ends_by_drop: false,
        }
    }

    /// The context to be in; `None` for the one that is current anyway.
    #[inline]
    pub(super) fn context(&self) -> Option<&Context> {
        match &self.held {
            Held::In(context) if !self.is_leaf => Some(context),
            _ => None,
        }
    }

    fn fields(&self) -> Option<Fields<'_>> {
        match &self.held {
            Held::In(context) if self.is_ours => Fields::gathered(Receiver::Context(context), None),
            Held::In(context) if self.is_recording => Some(Fields::of_span(context)),
            Held::Nothing | Held::In(_) => None,
            Held::Leaf(leaf) => Fields::gathered(Receiver::Leaf(leaf), None),
        }
    }

    fn event(&self, name: Cow<'static, str>) -> Option<Fields<'_>> {
        match &self.held {
            Held::In(context) if self.is_ours => {
                Fields::gathered(Receiver::Context(context), Some(name))
            }
            Held::In(context) if self.is_recording => Some(Fields::of_event(context, name)),
            Held::Nothing | Held::In(_) => None,
            Held::Leaf(leaf) => Fields::gathered(Receiver::Leaf(leaf), Some(name)),
        }
    }

    /// Whether anything can still be recorded; not so once the span has ended.
    fn is_open(&self) -> bool {
        self.is_recording && !self.is_ended.load(Ordering::Relaxed)
    }

    fn fail(&self, failure: Failure) {
        if !self.is_open() {
            return;
        }
        match &self.held {
            Held::Nothing => {}
            Held::In(context) => fail_in(context, failure),
            Held::Leaf(leaf) => leaf.with(|live| fail_live(live, failure)),
        }
    }

    pub(super) fn panicked(&self) {
        self.fail(Failure::panic());
    }

    pub(super) fn cancelled(&self) {
        if !self.is_open() {
            return;
        }
        let cancelled = KeyValue::new(CANCELLED, true);
        match &self.held {
            Held::Nothing => {}
            Held::In(context) => context.span().set_attribute(cancelled),
            Held::Leaf(leaf) => leaf.with(|live| live.attribute(cancelled)),
        }
    }

    /// Ends the span, once.
    pub(super) fn end(&self) {
        // Who has it ends it, so that no two threads do at once.
        if matches!(self.held, Held::Nothing) || self.is_ended.load(Ordering::Relaxed) {
            return;
        }
        self.is_ended.store(true, Ordering::Relaxed);
        match &self.held {
            Held::Nothing => {}
            Held::In(context) => end(context, self.is_ours),
            Held::Leaf(leaf) => leaf.end(),
        }
    }
}

#[inline]
fn end(context: &Context, is_ours: bool) {
    let span = context.span();
    if is_ours {
        sited::end(&span);
    } else {
        span.end();
    }
}

impl PanicWatch {
    #[inline]
    pub(super) fn new() -> PanicWatch {
        PanicWatch {
            was_panicking: thread::panicking(),
        }
    }

    /// Whether a panic began since.
    #[inline]
    pub(super) fn has_begun(self) -> bool {
        thread::panicking() && !self.was_panicking
    }
}
