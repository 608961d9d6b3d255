//! A span that has started, and how each way of leaving a function ends it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_semantic_conventions::attribute::{
    ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_TYPE,
};

use super::{Failure, Fields, current};
use crate::CANCELLED;

/// What [`ERROR_TYPE`] and [`EXCEPTION_TYPE`] say of a panic.
const PANIC: &str = "panic";

/// The span of a function that is not async: current until it is dropped, which ends it.
#[derive(Debug)]
pub struct SyncSpan {
    span: Started,
    panic: PanicWatch,
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
    _current: Option<ContextGuard>,
}

/// The span that is current where a helper stands without `#[traced_span]`.
#[derive(Debug)]
pub struct Current(Started);

/// A span's context, if there is a span at all.
#[derive(Debug)]
pub(super) struct Started {
    context: Option<Context>,
    is_recording: bool,
    is_ended: AtomicBool,
    /// Of a future's or stream's span, like the next: never current. They stand here, among the other flags, because
    /// futures must not grow by more than they have to.
    is_leaf: bool,
    /// Being dropped is as good an end as any.
    ends_by_drop: bool,
}

/// Tells a panic that began meanwhile from one that was there before.
#[derive(Clone, Copy, Debug)]
pub(super) struct PanicWatch {
    was_panicking: bool,
}

impl SyncSpan {
    pub(super) fn new(context: Option<Context>) -> SyncSpan {
        let current = context.clone().map(Context::attach);
        SyncSpan {
            span: Started::new(context),
            panic: PanicWatch::new(),
            _current: current,
        }
    }

    pub(super) fn leaf(context: Option<Context>) -> SyncSpan {
        SyncSpan {
            span: Started::new(context),
            panic: PanicWatch::new(),
            _current: None,
        }
    }
}

impl Drop for SyncSpan {
    fn drop(&mut self) {
        if self.panic.has_begun() {
            self.span.panicked();
        }
        self.span.end();
    }
}

impl TaskSpan {
    pub(super) fn new(context: Option<Context>) -> TaskSpan {
        TaskSpan {
            span: Started::new(context),
        }
    }

    pub(super) fn leaf(context: Option<Context>) -> TaskSpan {
        let mut span = TaskSpan::new(context);
        span.span.is_leaf = true;
        span
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
        self.span.context.as_ref().filter(|_| !self.span.is_leaf)
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
        Current(Started::new(current()))
    }
}

/// What an expansion does with the span it has, or with the one it finds.
macro_rules! recorder {
    ($($ty:ident, $span:tt;)*) => {$(
        impl $ty {
            /// Whether anything recorded now is kept.
            #[must_use]
            pub fn is_recording(&self) -> bool {
                self.$span.is_recording
            }

            /// Attributes to add; `None` where nothing is recorded.
            #[must_use]
            pub fn fields(&self) -> Option<Fields<'_>> {
                self.$span.recording().map(Fields::of_span)
            }

            /// An event to add, with its attributes; `None` where nothing is recorded.
            #[must_use]
            pub fn event<N: Into<Cow<'static, str>>>(&self, name: impl FnOnce() -> N) -> Option<Fields<'_>> {
                let context = self.$span.recording()?;
                Some(Fields::of_event(context, name().into()))
            }

            /// Marks the span as failed, unless there was no failure.
            pub fn fail(&self, failure: Option<Failure>) {
                if let Some(failure) = failure {
                    self.$span.fail(failure);
                }
            }
        }
    )*};
}

recorder! {
    SyncSpan, span;
    TaskSpan, span;
    Current, 0;
}

impl Started {
    pub(super) fn new(context: Option<Context>) -> Started {
        Started {
            is_recording: context
                .as_ref()
                .is_some_and(|context| context.span().is_recording()),
            context,
            is_ended: AtomicBool::new(false),
            is_leaf: false,
            ends_by_drop: false,
        }
    }

    fn recording(&self) -> Option<&Context> {
        self.context.as_ref().filter(|_| self.is_recording)
    }

    /// What can still be recorded on; `None` once the span has ended.
    fn open(&self) -> Option<&Context> {
        self.recording()
            .filter(|_| !self.is_ended.load(Ordering::Relaxed))
    }

    fn fail(&self, failure: Failure) {
        let Some(context) = self.open() else {
            return;
        };
        let span = context.span();
        let mut exception = vec![KeyValue::new(EXCEPTION_TYPE, failure.type_name)];
        if let Some(message) = &failure.message {
            exception.push(KeyValue::new(EXCEPTION_MESSAGE, message.clone()));
        }
        span.set_attribute(KeyValue::new(ERROR_TYPE, failure.type_name));
        span.add_event("exception", exception);
        span.set_status(Status::error(failure.message.unwrap_or_default()));
    }

    pub(super) fn panicked(&self) {
        self.fail(Failure {
            type_name: PANIC,
            message: None,
        });
    }

    pub(super) fn cancelled(&self) {
        if let Some(context) = self.open() {
            context.span().set_attribute(KeyValue::new(CANCELLED, true));
        }
    }

    /// Ends the span, once.
    pub(super) fn end(&self) {
        if let Some(context) = &self.context
            && !self.is_ended.swap(true, Ordering::Relaxed)
        {
            context.span().end();
        }
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
