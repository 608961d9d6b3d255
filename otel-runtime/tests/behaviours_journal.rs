//! The behaviours under this crate's own engine, where that keeps a journal.

#[path = "behaviours/mod.rs"]
mod behaviours;

use otel_runtime::testing::Spans;
use tempfile::TempDir;

/// Whether a key that is set twice keeps its last value only.
const LAST_VALUE_WINS: bool = true;

struct Started {
    telemetry: otel_runtime::Telemetry,
    _folder: TempDir,
}

fn start(spans: &Spans) -> Started {
    let folder = TempDir::new().expect("a folder");
    let telemetry = otel_runtime::builder()
        .journal(folder.path())
        .batch_span_exporter(spans.exporter())
        .init()
        .expect("telemetry starts");
    Started {
        telemetry,
        _folder: folder,
    }
}

fn flush(started: &Started) {
    started.telemetry.force_flush().expect("spans are exported");
}
