//! The behaviours under this crate's own engine.

#[path = "behaviours/mod.rs"]
mod behaviours;

use otel_runtime::testing::Spans;

/// Whether a key that is set twice keeps its last value only.
const LAST_VALUE_WINS: bool = true;

type Started = otel_runtime::Telemetry;

fn start(spans: &Spans) -> Started {
    otel_runtime::builder()
        .batch_span_exporter(spans.exporter())
        .init()
        .expect("telemetry starts")
}

fn flush(started: &Started) {
    started.force_flush().expect("spans are exported");
}
