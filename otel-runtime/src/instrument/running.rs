//! Spans around somebody else's work: current while the work runs, ended however it ends.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};
#[cfg(any(feature = "messaging", feature = "reqwest"))]
use std::{future::poll_fn, pin::pin};

#[cfg(feature = "actix-web")]
use opentelemetry::trace::{SpanContext, TraceFlags, TraceState};
use opentelemetry::{
    Context, KeyValue, StringValue,
    trace::{Span as _, SpanBuilder, Status, TraceContextExt as _, Tracer as _},
};
#[cfg(feature = "actix-web")]
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};
use opentelemetry_semantic_conventions::attribute::{
    ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_TYPE,
};

use super::scope::tracer;
use crate::{CANCELLED, engine};

/// The `error.type` and `exception.type` of a panic.
pub(super) const PANIC: &str = "panic";

/// A started span, together with the context in which it is current.
///
/// Dropped before [`end`](Self::end) was called, it ends marked as [`CANCELLED`](crate::CANCELLED).
#[derive(Debug)]
pub(super) struct Running {
    context: Context,
    recording: bool,
    open: bool,
    failed: bool,
    /// An attribute that may still change. The SDK keeps both of two attributes of the same key.
    late: Option<KeyValue>,
}

impl Running {
    /// Starts a span under `parent`.
    ///
    /// Where the provider makes no span of its own (none is installed, it is shut down, telemetry is suppressed),
    /// the parent's context is kept as it is, so that the caller's trace is passed on. Where it is known beforehand that
    /// nothing is recorded, the span is not even described.
    pub(super) fn start(builder: impl FnOnce() -> SpanBuilder, parent: &Context) -> Self {
        if engine::control::is_off() {
            return Self::unrecorded(parent.clone());
        }
        let span = tracer().build_with_context(builder(), parent);
        let recording = span.is_recording();
        let own =
            span.span_context().is_valid() && span.span_context() != parent.span().span_context();
        let context = if own {
            parent.with_span(span)
        } else {
            parent.clone()
        };
        Self {
            context,
            recording: own && recording,
            open: own,
            failed: false,
            late: None,
        }
    }

    /// Work that makes no spans, itself and all below it: nothing is recorded here, and others are told, by the
    /// propagator, that the trace is not sampled. With telemetry off there is nothing to skip.
    #[cfg(feature = "actix-web")]
    pub(super) fn skipped(parent: &Context) -> Self {
        if engine::control::is_off() {
            return Self::unrecorded(parent.clone());
        }
        let remote = parent.span().span_context().clone();
        let unsampled = if remote.is_valid() {
            SpanContext::new(
                remote.trace_id(),
                remote.span_id(),
                remote.trace_flags().with_sampled(false),
                true,
                remote.trace_state().clone(),
            )
        } else {
            // Without a trace to name, those who are called would take the call for the first of a new one.
            let ids = RandomIdGenerator::default();
            SpanContext::new(
                ids.new_trace_id(),
                ids.new_span_id(),
                TraceFlags::NOT_SAMPLED,
                true,
                TraceState::NONE,
            )
        };
        // Suppressed as well, as not every sampler asks what the parent is.
        let context = parent.with_remote_span_context(unsampled);
        Self::unrecorded(context.with_telemetry_suppressed())
    }

    /// Just a context.
    fn unrecorded(context: Context) -> Self {
        Self {
            context,
            recording: false,
            open: false,
            failed: false,
            late: None,
        }
    }

    /// The context in which the span is current.
    #[cfg(any(feature = "messaging", feature = "reqwest"))]
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Whether attributes are of any use.
    pub(super) fn is_recording(&self) -> bool {
        self.recording && self.open
    }

    /// Runs one step of the work with the span current. A panic is recorded, ends the span and goes on.
    pub(super) fn step<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let current = self.context.clone().attach();
        let result = catch_unwind(AssertUnwindSafe(work));
        drop(current);
        result.unwrap_or_else(|panic| {
            self.panicked(&*panic);
            resume_unwind(panic)
        })
    }

    /// Drives a future to its end, with the span current at each poll.
    #[cfg(any(feature = "messaging", feature = "reqwest"))]
    pub(super) async fn drive<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|waker| self.step(|| work.as_mut().poll(waker))).await
    }

    /// Sets one attribute.
    pub(super) fn set(&self, attribute: KeyValue) {
        if self.is_recording() {
            self.context.span().set_attribute(attribute);
        }
    }

    /// Sets one attribute when the span ends, in place of the one set before by this.
    #[cfg(feature = "actix-web")]
    pub(super) fn set_late(&mut self, attribute: KeyValue) {
        self.late = Some(attribute);
    }

    /// Changes the name the span started with.
    #[cfg(feature = "actix-web")]
    pub(super) fn rename(&self, name: String) {
        if self.is_recording() {
            self.context.span().update_name(name);
        }
    }

    /// Marks the span as failed; the first failure is the one that is told. `description` may be empty.
    pub(super) fn fail(&mut self, error_type: impl Into<StringValue>, description: String) {
        if self.is_recording() && !std::mem::replace(&mut self.failed, true) {
            self.set(KeyValue::new(ERROR_TYPE, error_type.into()));
            self.context.span().set_status(Status::error(description));
        }
    }

    /// Adds the `exception` event.
    pub(super) fn exception(&self, exception_type: &'static str, message: Option<String>) {
        let mut attributes = vec![KeyValue::new(EXCEPTION_TYPE, exception_type)];
        attributes.extend(message.map(|message| KeyValue::new(EXCEPTION_MESSAGE, message)));
        self.context.span().add_event("exception", attributes);
    }

    /// Ends the span, once.
    pub(super) fn end(&mut self) {
        if let Some(attribute) = self.late.take() {
            self.set(attribute);
        }
        if std::mem::take(&mut self.open) {
            self.context.span().end();
        }
    }

    fn panicked(&mut self, panic: &(dyn Any + Send)) {
        if self.is_recording() {
            let message = panic
                .downcast_ref::<&'static str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned());
            self.exception(PANIC, message.clone());
            self.fail(PANIC, message.unwrap_or_default());
        }
        self.end();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.open {
            self.set(KeyValue::new(CANCELLED, true));
            self.end();
        }
    }
}
