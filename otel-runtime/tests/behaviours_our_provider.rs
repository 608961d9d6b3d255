//! The behaviours under the SDK's provider as `otel_runtime::builder()` sets it up.

#[path = "behaviours/mod.rs"]
mod behaviours;

use otel_runtime::testing::Spans;

/// Whether a key that is set twice keeps its last value only.
const LAST_VALUE_WINS: bool = true;

type Started = otel_runtime::Telemetry;

fn start(spans: &Spans) -> Started {
    otel_runtime::builder()
        .span_exporter(spans.exporter())
        .init()
        .expect("telemetry starts")
}

/// Each span lands when it ends.
fn flush(_: &Started) {}
