//! A span that has started, and how each way of leaving a function ends it.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use opentelemetry::trace::{SpanId, Status, TraceContextExt as _};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_semantic_conventions::attribute::{
    ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_TYPE,
};

use super::fields::Receiver;
use super::recorder::{Live, sited};
use super::{Failure, Fields, has_context};
use crate::CANCELLED;

/// What [`ERROR_TYPE`] and [`EXCEPTION_TYPE`] say of a panic.
const PANIC: &str = "panic";

/// The span of a function that is not async: current until it is dropped, which ends it.
#[derive(Debug)]
pub struct SyncSpan(Option<Running>);

/// A span of a function that is running.
#[derive(Debug)]
struct Running {
    span: Started,
    panic: PanicWatch,
    _known: Option<KnownCurrent>,
    /// Detached after the span has ended, as fields are dropped in their order.
    _current: Option<ContextGuard>,
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
    _known: Option<KnownCurrent>,
    _current: Option<ContextGuard>,
}

/// The span that is current where a helper stands without `#[traced_span]`.
#[derive(Debug)]
pub struct Current(Started);

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

    fn end_alone(&mut self) {
        let live = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = live.take() {
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

/// The time in which a span of the engine is known to be the current one.
#[derive(Debug)]
struct KnownCurrent {
    before: SpanId,
}

impl KnownCurrent {
    fn new(span: &Started) -> Option<KnownCurrent> {
        let context = span.context().filter(|_| span.is_ours)?;
        let id = context.span().span_context().span_id();
        let before = OURS.try_with(|ours| ours.replace(id)).ok()?;
        Some(KnownCurrent { before })
    }
}

impl Drop for KnownCurrent {
    #[inline]
    fn drop(&mut self) {
        let _ = OURS.try_with(|ours| ours.set(self.before));
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
        SyncSpan(None)
    }

    pub(super) fn new(span: Started) -> SyncSpan {
        let current = span.context().cloned().map(Context::attach);
        SyncSpan(Some(Running {
            _known: KnownCurrent::new(&span),
            span,
            panic: PanicWatch::new(),
            _current: current,
        }))
    }
}

impl Drop for Running {
    #[inline]
    fn drop(&mut self) {
        if self.panic.has_begun() {
            self.span.panicked();
        }
        self.span.end_alone();
    }
}

impl TaskSpan {
    pub(super) fn new(span: Started) -> TaskSpan {
        TaskSpan { span }
    }

    /// A span for which being dropped is as good an end as any.
    pub(crate) fn ending_by_drop(mut self) -> TaskSpan {
        self.span.ends_by_drop = true;
        self
    }

    /// Makes the span current. A panic until the guard is dropped ends the span.
    #[must_use]
    pub fn enter(&self) -> Entered<'_> {
        Entered {
            span: self,
            panic: PanicWatch::new(),
            _known: KnownCurrent::new(&self.span),
            _current: self.context().cloned().map(Context::attach),
        }
    }

    /// Ends the span of what is done.
    pub fn finish(self) {
        self.span.end();
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
            return Current(Started::nothing());
        }
        Current(Context::map_current(|context| {
            let span = context.span();
            let id = span.span_context().span_id();
            if id != SpanId::INVALID && OURS.try_with(Cell::get) == Ok(id) {
                Started::of_engine(context.clone())
            } else if span.is_recording() {
                Started::holding(Held::In(context.clone()), true)
            } else {
                Started::nothing()
            }
        }))
    }
}

/// What an expansion does with the span it has, or with the one it finds.
macro_rules! recorder {
    ($($ty:ident, |$this:ident| $span:expr;)*) => {$(
        impl $ty {
            #[allow(clippy::unnecessary_wraps, reason = "only one of them may have none")]
            #[inline]
            fn started(&self) -> Option<&Started> {
                let $this = self;
                $span
            }

            /// Whether anything recorded now is kept.
            #[inline]
            #[must_use]
            pub fn is_recording(&self) -> bool {
                self.started().is_some_and(|span| span.is_recording)
            }

            /// Attributes to add; `None` where nothing is recorded.
            #[inline]
            #[must_use]
            pub fn fields(&self) -> Option<Fields<'_>> {
                self.started()?.fields()
            }

            /// An event to add, with its attributes; `None` where nothing is recorded.
            #[inline]
            #[must_use]
            pub fn event<N: Into<Cow<'static, str>>>(&self, name: impl FnOnce() -> N) -> Option<Fields<'_>> {
                let span = self.started().filter(|span| span.is_recording)?;
                span.event(name().into())
            }

            /// Marks the span as failed, unless there was no failure.
            pub fn fail(&self, failure: Option<Failure>) {
                if let (Some(span), Some(failure)) = (self.started(), failure) {
                    span.fail(failure);
                }
            }
        }
    )*};
}

recorder! {
    SyncSpan, |span| span.0.as_ref().map(|running| &running.span);
    TaskSpan, |span| Some(&span.span);
    Current, |span| Some(&span.0);
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

    /// A span of the engine, in a context.
    pub(super) fn recorded(live: Box<Live>) -> Started {
        Started::of_engine(Context::current_with_span(sited::span(live)))
    }

    /// What is known to be a span of the engine, in a context.
    fn of_engine(context: Context) -> Started {
        Started {
            is_ours: true,
            ..Started::holding(Held::In(context), true)
        }
    }

    /// A span of the engine, in none.
    pub(super) fn leaf(live: Box<Live>) -> Started {
        Started::holding(Held::Leaf(Leaf(Mutex::new(Some(live)))), true)
    }

    pub(super) fn never_current(mut self) -> Started {
        self.is_leaf = true;
        self
    }

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
    pub(super) fn context(&self) -> Option<&Context> {
        match &self.held {
            Held::In(context) if !self.is_leaf => Some(context),
            _ => None,
        }
    }

    fn fields(&self) -> Option<Fields<'_>> {
        match &self.held {
            Held::In(context) if self.is_ours => Fields::encoded(Receiver::Context(context), None),
            Held::In(context) if self.is_recording => Some(Fields::of_span(context)),
            Held::Nothing | Held::In(_) => None,
            Held::Leaf(leaf) => Fields::encoded(Receiver::Leaf(leaf), None),
        }
    }

    fn event(&self, name: Cow<'static, str>) -> Option<Fields<'_>> {
        match &self.held {
            Held::In(context) if self.is_ours => {
                Fields::encoded(Receiver::Context(context), Some(name))
            }
            Held::In(context) if self.is_recording => Some(Fields::of_event(context, name)),
            Held::Nothing | Held::In(_) => None,
            Held::Leaf(leaf) => Fields::encoded(Receiver::Leaf(leaf), Some(name)),
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
        let mut exception = vec![KeyValue::new(EXCEPTION_TYPE, failure.type_name)];
        if let Some(message) = &failure.message {
            exception.push(KeyValue::new(EXCEPTION_MESSAGE, message.clone()));
        }
        let error_type = KeyValue::new(ERROR_TYPE, failure.type_name);
        let status = Status::error(failure.message.unwrap_or_default());
        match &self.held {
            Held::Nothing => {}
            Held::In(context) => {
                let span = context.span();
                span.set_attribute(error_type);
                span.add_event("exception", exception);
                span.set_status(status);
            }
            Held::Leaf(leaf) => leaf.with(|live| {
                live.attribute(error_type);
                live.event("exception", exception);
                live.status(status);
            }),
        }
    }

    pub(super) fn panicked(&self) {
        self.fail(Failure {
            type_name: PANIC,
            message: None,
        });
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

    /// Ends the span, once, where nobody else has it.
    fn end_alone(&mut self) {
        if std::mem::replace(self.is_ended.get_mut(), true) {
            return;
        }
        match &mut self.held {
            Held::Leaf(leaf) => leaf.end_alone(),
            Held::In(context) => end(context, self.is_ours),
            Held::Nothing => {}
        }
    }

    /// Ends the span, once.
    pub(super) fn end(&self) {
        if matches!(self.held, Held::Nothing) || self.is_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        match &self.held {
            Held::Nothing => {}
            Held::In(context) => end(context, self.is_ours),
            Held::Leaf(leaf) => leaf.end(),
        }
    }
}

fn end(context: &Context, is_ours: bool) {
    let span = context.span();
    if is_ours {
        sited::end(&span);
    } else {
        span.end();
    }
}

impl PanicWatch {
    pub(super) fn new() -> PanicWatch {
        PanicWatch {
            was_panicking: thread::panicking(),
        }
    }

    /// Whether a panic began since.
    pub(super) fn has_begun(self) -> bool {
        thread::panicking() && !self.was_panicking
    }
}
