//! Spans around somebody else's work: current while the work runs, ended however it ends.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};
#[cfg(any(feature = "messaging", feature = "reqwest"))]
use std::{
    fmt::{self, Write as _},
    future::poll_fn,
    pin::pin,
};

#[cfg(feature = "actix-web")]
use opentelemetry::trace::{SpanContext, TraceFlags, TraceState};
use opentelemetry::{
    Context, KeyValue, StringValue,
    trace::{Span as _, Status, TraceContextExt as _, Tracer as _},
};
#[cfg(feature = "actix-web")]
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};
use opentelemetry_semantic_conventions::attribute::{
    ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_TYPE,
};

use super::{
    scope::tracer,
    starting::{Operation, Starting},
};
use crate::{
    CANCELLED,
    engine::{
        self, Around, Fields,
        recorder::sited::{self, Outlook},
    },
};

#[cfg(any(feature = "messaging", feature = "reqwest"))]
use crate::engine::Within;

/// The `error.type` and `exception.type` of a panic.
pub(super) const PANIC: &str = "panic";

/// Formats a value that is not ours; `None` when its formatting fails or panics.
#[cfg(any(feature = "messaging", feature = "reqwest"))]
pub(super) fn described(value: &dyn fmt::Display) -> Option<String> {
    let mut text = String::new();
    let written = catch_unwind(AssertUnwindSafe(|| write!(text, "{value}")));
    matches!(written, Ok(Ok(()))).then_some(text)
}

/// A started span, together with the context in which it is current.
///
/// Dropped before [`end`](Self::end) was called, it ends marked as [`CANCELLED`](crate::CANCELLED).
#[derive(Debug)]
pub(super) struct Running {
    context: Context,
    made: Made,
    open: bool,
    failed: bool,
    /// What is recorded at the end.
    #[cfg(feature = "actix-web")]
    late: Late,
}

/// Attributes that are recorded when the span ends, at once.
#[cfg(feature = "actix-web")]
#[derive(Debug, Default)]
struct Late {
    /// One that may still change. The SDK keeps both of two attributes of the same key.
    text: Option<(&'static str, String)>,
    /// One that is known shortly before.
    number: Option<(&'static str, u16)>,
}

/// What span the context has.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Made {
    /// Whichever the parent's has, or one that records nothing.
    Unrecorded,
    /// One that is recorded by the engine.
    ByEngine,
    /// One that is recorded by whichever provider.
    ByApi,
}

impl Running {
    /// Starts a span under `parent`.
    ///
    /// Where no span is made (telemetry is suppressed, the parent is not sampled, there is no provider or it is shut down),
    /// the parent's context is kept as it is, so that the caller's trace is passed on. Where it is known beforehand that
    /// nothing is recorded, the span is not even described.
    pub(super) fn start(
        operation: &'static Operation,
        parent: &Context,
        describe: impl FnOnce(&mut Starting<'_>),
    ) -> Self {
        if engine::control::is_off() || !engine::has_context() {
            return Self::unrecorded(parent.clone());
        }
        match sited::outlook(parent, || operation.label()) {
            Outlook::Nothing => Self::unrecorded(parent.clone()),
            Outlook::Unsampled(span) => Self::unrecorded(parent.with_remote_span_context(*span)),
            Outlook::Recorded(mut live) => {
                describe(&mut Starting::Recorded(&mut live));
                live.begin();
                Self::new(parent.with_span(sited::span(live)), Made::ByEngine, true)
            }
            Outlook::Asked => Self::ask(operation, parent, describe),
        }
    }

    fn ask(
        operation: &'static Operation,
        parent: &Context,
        describe: impl FnOnce(&mut Starting<'_>),
    ) -> Self {
        let mut builder = operation.builder();
        describe(&mut Starting::Asked(&mut builder));
        let span = tracer().build_with_context(builder, parent);
        let is_recording = span.is_recording();
        let is_own =
            span.span_context().is_valid() && span.span_context() != parent.span().span_context();
        if !is_own {
            return Self::unrecorded(parent.clone());
        }
        let made = if is_recording {
            Made::ByApi
        } else {
            Made::Unrecorded
        };
        Self::new(parent.with_span(span), made, true)
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
                // Without B3's wish for debugging, too.
                TraceFlags::NOT_SAMPLED,
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
        Self::new(context, Made::Unrecorded, false)
    }

    fn new(context: Context, made: Made, open: bool) -> Self {
        Self {
            context,
            made,
            open,
            failed: false,
            #[cfg(feature = "actix-web")]
            late: Late::default(),
        }
    }

    /// The context in which the span is current.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Whether attributes are of any use.
    pub(super) fn is_recording(&self) -> bool {
        self.open && self.made != Made::Unrecorded
    }

    /// Runs one step of the work with the span current. A panic is recorded, ends the span and goes on.
    pub(super) fn step<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let current = self.make_current();
        let result = catch_unwind(AssertUnwindSafe(work));
        drop(current);
        result.unwrap_or_else(|panic| {
            self.panicked(&*panic);
            resume_unwind(panic)
        })
    }

    /// Drives a future to its end, with the span current at each poll, and while it is dropped before.
    #[cfg(any(feature = "messaging", feature = "reqwest"))]
    pub(super) async fn drive<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(Within::new(work, self.context.clone()));
        poll_fn(|waker| self.step(|| work.as_mut().parts().0.poll(waker))).await
    }

    /// To add attributes, which are recorded when this is dropped; `None` where nothing is recorded.
    pub(super) fn fields(&self) -> Option<Fields<'_>> {
        match self.made {
            _ if !self.open => None,
            Made::Unrecorded => None,
            Made::ByEngine => Fields::of_engine(&self.context),
            Made::ByApi => Some(Fields::of_span(&self.context)),
        }
    }

    /// Sets one text when the span ends, in place of the one set before by this.
    #[cfg(feature = "actix-web")]
    pub(super) fn set_late(&mut self, key: &'static str, text: String) {
        self.late.text = Some((key, text));
    }

    /// The text that the span will have when it ends.
    #[cfg(feature = "actix-web")]
    pub(super) fn late(&self) -> Option<&str> {
        self.late.text.as_ref().map(|(_, text)| text.as_str())
    }

    /// Sets one number when the span ends, which is soon.
    #[cfg(feature = "actix-web")]
    pub(super) fn set_last(&mut self, key: &'static str, number: u16) {
        self.late.number = Some((key, number));
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
            let span = self.context.span();
            span.set_attribute(KeyValue::new(ERROR_TYPE, error_type.into()));
            span.set_status(Status::error(description));
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
        #[cfg(feature = "actix-web")]
        self.record_late();
        if std::mem::take(&mut self.open) {
            let span = self.context.span();
            match self.made {
                Made::ByEngine => sited::end(&span),
                Made::ByApi | Made::Unrecorded => span.end(),
            }
        }
    }

    #[cfg(feature = "actix-web")]
    fn record_late(&mut self) {
        let Late { text, number } = std::mem::take(&mut self.late);
        if (text.is_some() || number.is_some())
            && let Some(mut fields) = self.fields()
        {
            if let Some((key, text)) = text {
                fields.set(key, &text);
            }
            if let Some((key, number)) = number {
                fields.set(key, &number);
            }
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

impl Around for Running {
    type Attached = <Context as Around>::Attached;

    fn make_current(&self) -> Self::Attached {
        self.context.make_current()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.open {
            if let Some(mut fields) = self.fields() {
                fields.set(CANCELLED, &true);
            }
            self.end();
        }
    }
}

#[cfg(all(test, feature = "actix-web"))]
mod tests {
    use opentelemetry::trace::{SpanId, TraceId};

    use super::*;

    #[test]
    fn what_is_skipped_is_not_debugged_elsewhere_either() {
        // As the propagator for B3 has it.
        let debug = TraceFlags::new(0x05);
        let (trace, span) = (TraceId::from(1), SpanId::from(2));
        let caller = SpanContext::new(trace, span, debug, true, TraceState::NONE);
        let parent = Context::new().with_remote_span_context(caller);
        let skipped = Running::skipped(&parent);
        let told = skipped.context().span().span_context().clone();
        assert_eq!((told.trace_id(), told.span_id()), (trace, span));
        assert_eq!(told.trace_flags(), TraceFlags::NOT_SAMPLED);
    }
}
