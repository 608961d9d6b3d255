//! What the macros record, compared as a tree of spans.
//!
//! The root of the test binary says under which provider: it has a function `start` that makes a provider the global one
//! whose finished spans land in the given [`Spans`], a type `Started` that keeps it going, a function `flush` that waits
//! until they have landed, and a constant for the one thing in which the SDK falls short.

mod bystanders;
mod calls;
mod concurrency;
mod dropped;
mod elsewhere;
mod ends;
mod errors;
mod evaluations;
mod foreign;
mod handed_out;
mod helpers;
mod methods;
mod options;
mod parts;
#[path = "../polling/mod.rs"]
mod polling;
mod program;
mod propagation;
mod scopes;
mod statements;
mod threads;
mod values;
mod ways;

use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use otel_runtime::testing::{SpanRecord, Spans};
use otel_runtime::traced_span;

use polling::{block_on, pause, poll_once};

/// The provider is the process's, so the tests take turns.
static TURN: Mutex<()> = Mutex::new(());

struct Recorded {
    spans: Spans,
    started: crate::Started,
    _turn: MutexGuard<'static, ()>,
}

fn record() -> Recorded {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let spans = Spans::new();
    Recorded {
        started: crate::start(&spans),
        spans,
        _turn: turn,
    }
}

impl Recorded {
    /// What has ended until now.
    fn spans(&self) -> &Spans {
        crate::flush(&self.started);
        &self.spans
    }

    #[track_caller]
    fn check(&self, expected: &[&str]) {
        assert_eq!(self.spans().tree(), expected.join("\n"));
    }

    #[track_caller]
    fn check_attributes(&self, expected: &[&str]) {
        assert_eq!(self.spans().tree_with_attributes(), expected.join("\n"));
    }

    #[track_caller]
    fn only(&self) -> SpanRecord {
        let mut spans = self.spans().finished();
        assert_eq!(spans.len(), 1, "{}", self.spans().tree());
        spans.remove(0)
    }
}

fn current_span() -> SpanId {
    span_context().span_id()
}

fn span_context() -> SpanContext {
    opentelemetry::Context::current()
        .span()
        .span_context()
        .clone()
}

#[traced_span]
fn leaf() {}

#[traced_span]
async fn async_parent() {
    leaf();
    async_child().await;
    leaf();
}

#[traced_span("child")]
async fn async_child() {
    pause().await;
    leaf();
}

/// Another process's span that is not sampled.
fn unsampled_span() -> SpanContext {
    SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    )
}

async fn fetch(n: u32) -> Result<u32, String> {
    pause().await;
    leaf();
    if n == 0 {
        Err("zero".to_owned())
    } else {
        Ok(n)
    }
}

#[traced_span]
async fn panics_later() -> Result<u32, String> {
    pause().await;
    panic!("on purpose")
}
