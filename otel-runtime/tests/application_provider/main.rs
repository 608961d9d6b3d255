//! An annotated library in an application that never heard of `otel-runtime`: it sets a provider of its own, and does
//! with it what it likes.

mod by_hand;
mod lifecycle;
mod limits;
#[path = "../polling/mod.rs"]
mod polling;
mod samplers;
mod tracing;

use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry::{Context, global};
use opentelemetry_sdk::trace::{SdkTracerProvider, TracerProviderBuilder};
use otel_runtime::testing::{Spans, tree};

/// The provider is the process's, so the tests take turns.
static TURN: Mutex<()> = Mutex::new(());

/// What the application has set up.
struct Application {
    spans: Spans,
    provider: SdkTracerProvider,
    _turn: MutexGuard<'static, ()>,
}

/// Sets a provider as an application does.
fn start() -> Application {
    start_with(|builder| builder)
}

/// Sets a provider with options.
fn start_with(
    configure: impl FnOnce(TracerProviderBuilder) -> TracerProviderBuilder,
) -> Application {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (spans, provider) = set_provider(configure);
    Application {
        spans,
        provider,
        _turn: turn,
    }
}

/// Sets another provider in the place of the one there is.
fn set_provider(
    configure: impl FnOnce(TracerProviderBuilder) -> TracerProviderBuilder,
) -> (Spans, SdkTracerProvider) {
    let spans = Spans::new();
    let builder = SdkTracerProvider::builder().with_simple_exporter(spans.exporter());
    let provider = configure(builder).build();
    global::set_tracer_provider(provider.clone());
    (spans, provider)
}

impl Application {
    #[track_caller]
    fn check(&self, expected: &[&str]) {
        check(&self.spans, expected);
    }
}

#[track_caller]
fn check(spans: &Spans, expected: &[&str]) {
    assert_eq!(spans.tree(), expected.join("\n"));
}

/// Checks the spans of two providers as one tree.
#[track_caller]
fn check_together(first: &Spans, second: &Spans, expected: &[&str]) {
    let mut spans = first.finished();
    spans.extend(second.finished());
    let names = otel_runtime::testing::Detail::NAMES;
    assert_eq!(tree(&spans, names), expected.join("\n"));
}

fn current() -> SpanContext {
    Context::current().span().span_context().clone()
}
