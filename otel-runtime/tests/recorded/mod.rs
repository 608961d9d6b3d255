//! The spans of one test at a time.

#![allow(
    dead_code,
    reason = "shared by test binaries of which none needs all of it"
)]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use otel_runtime::Telemetry;
use otel_runtime::testing::{SpanRecord, Spans};

static SPANS: LazyLock<(Spans, Option<Telemetry>)> = LazyLock::new(install);
static ALONE: Mutex<()> = Mutex::new(());

/// How long to wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Has the spans made by a plain provider of the SDK, unless the name of the test binary says otherwise.
fn install() -> (Spans, Option<Telemetry>) {
    let spans = match env!("CARGO_CRATE_NAME") {
        "instrument_under_engine" | "instrument_under_sdk" => Spans::new(),
        _ => return (Spans::install(), None),
    };
    let builder = otel_runtime::builder();
    let builder = match env!("CARGO_CRATE_NAME") {
        "instrument_under_engine" => builder.batch_span_exporter(spans.exporter()),
        _ => builder.sdk_provider().span_exporter(spans.exporter()),
    };
    let telemetry = builder.init().expect("telemetry starts");
    (spans, Some(telemetry))
}

/// Spans that ended since this was made; other tests of the binary wait as long as it lives.
pub(crate) struct Recorded {
    _alone: MutexGuard<'static, ()>,
}

impl Recorded {
    pub(crate) fn start() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let this = Self { _alone: alone };
        this.spans().clear();
        this
    }

    /// The spans that have ended; none is held back.
    #[expect(
        clippy::unused_self,
        reason = "only who has the spans may look at them"
    )]
    fn spans(&self) -> &'static Spans {
        let (spans, telemetry) = &*SPANS;
        if let Some(telemetry) = telemetry {
            telemetry.force_flush().expect("spans are exported");
        }
        spans
    }

    /// All that is recorded, as text.
    pub(crate) fn tree(&self) -> String {
        self.spans().tree_with_attributes()
    }

    /// The same, without attributes.
    pub(crate) fn bare_tree(&self) -> String {
        self.spans().tree()
    }

    pub(crate) fn finished(&self) -> Vec<SpanRecord> {
        self.spans().finished()
    }

    /// Compares what is recorded with the lines of `expected`, without the indentation they have in the test.
    #[track_caller]
    pub(crate) fn check(&self, expected: &str) {
        assert_eq!(self.tree(), outdented(expected));
    }

    /// Waits until so many spans have ended.
    pub(crate) async fn wait_for(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.finished().len() < count {
            assert!(
                Instant::now() < deadline,
                "only these spans ended:\n{}",
                self.tree()
            );
            tokio::task::yield_now().await;
        }
    }
}

fn outdented(text: &str) -> String {
    let lines: Vec<_> = text
        .lines()
        .skip_while(|line| line.trim().is_empty())
        .collect();
    let margin = lines
        .first()
        .map_or(0, |line| line.len() - line.trim_start().len());
    let lines: Vec<_> = lines
        .iter()
        .map(|line| line.get(margin..).unwrap_or_default())
        .collect();
    lines.join("\n").trim_end().to_owned()
}
