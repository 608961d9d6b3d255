//! A span that has started, and how each way of leaving a function ends it.

use std::borrow::Cow;
use std::thread;

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Context, ContextGuard, KeyValue};
use opentelemetry_semantic_conventions::attribute::{
    ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_TYPE,
};

use super::{Failure, Fields};
use crate::CANCELLED;

/// What [`ERROR_TYPE`] and [`EXCEPTION_TYPE`] say of a panic.
const PANIC: &str = "panic";

/// The span of a function that is not async: current until it is dropped, which ends it.
#[derive(Debug)]
pub struct SyncSpan {
    span: Started,
    /// Detached after the span has ended, as fields are dropped in their order.
    _current: Option<ContextGuard>,
}

/// The span of an async function: current whenever [`super::InSpan`] polls.
#[derive(Debug)]
pub struct TaskSpan {
    span: Started,
}

/// The span that is current where a helper stands without `#[traced_span]`.
#[derive(Debug)]
pub struct Current(Started);

/// A span's context, if there is a span at all.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other, and together they cost a future no more than one would"
)]
pub(super) struct Started {
    context: Option<Context>,
    is_recording: bool,
    was_panicking: bool,
    /// Only a future's span can end before it is finished. It stands here, among the other flags, because futures must
    /// not grow by more than they have to.
    is_finished: bool,
    /// Of a future's span: never current.
    is_leaf: bool,
}

impl SyncSpan {
    pub(super) fn new(context: Option<Context>) -> SyncSpan {
        let current = context.clone().map(Context::attach);
        SyncSpan {
            span: Started::new(context),
            _current: current,
        }
    }

    pub(super) fn leaf(context: Option<Context>) -> SyncSpan {
        SyncSpan {
            span: Started::new(context),
            _current: None,
        }
    }
}

impl Drop for SyncSpan {
    fn drop(&mut self) {
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

    /// Ends the span of a future that is ready.
    pub fn finish(mut self) {
        self.span.is_finished = true;
    }

    /// Makes the span current, for what is done before the future is handed out.
    #[must_use]
    pub fn enter(&self) -> Option<ContextGuard> {
        self.context().cloned().map(Context::attach)
    }

    /// A span for which being dropped is as good an end as any.
    pub(crate) fn ending_by_drop(mut self) -> TaskSpan {
        self.span.is_finished = true;
        self
    }

    /// The context to poll in; `None` for the one that is current anyway.
    pub(super) fn context(&self) -> Option<&Context> {
        self.span.context.as_ref().filter(|_| !self.span.is_leaf)
    }
}

impl Drop for TaskSpan {
    fn drop(&mut self) {
        if !self.span.is_finished && !self.span.is_unwinding() {
            self.span.mark_cancelled();
        }
        self.span.end();
    }
}

impl Current {
    /// Looks at the current context.
    #[must_use]
    pub fn get() -> Current {
        Current(Started::new(Some(Context::current())))
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
            was_panicking: thread::panicking(),
            is_finished: false,
            is_leaf: false,
        }
    }

    fn recording(&self) -> Option<&Context> {
        self.context.as_ref().filter(|_| self.is_recording)
    }

    /// Whether a panic began while the span was open.
    pub(super) fn is_unwinding(&self) -> bool {
        thread::panicking() && !self.was_panicking
    }

    fn fail(&self, failure: Failure) {
        let Some(context) = self.recording() else {
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

    pub(super) fn mark_cancelled(&self) {
        if let Some(context) = self.recording() {
            context.span().set_attribute(KeyValue::new(CANCELLED, true));
        }
    }

    pub(super) fn end(&self) {
        if self.is_unwinding() {
            self.fail(Failure {
                type_name: PANIC,
                message: None,
            });
        }
        if let Some(context) = &self.context {
            context.span().end();
        }
    }
}
