//! The behaviours under a plain provider of the SDK, in an application that never heard of `otel-runtime`.

#[path = "behaviours/mod.rs"]
mod behaviours;

use opentelemetry::global;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_runtime::testing::Spans;

/// Whether a key that is set twice keeps its last value only.
const LAST_VALUE_WINS: bool = false;

type Started = SdkTracerProvider;

fn start(spans: &Spans) -> Started {
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(spans.exporter())
        .build();
    global::set_tracer_provider(provider.clone());
    provider
}

/// Each span lands when it ends.
fn flush(_: &Started) {}
