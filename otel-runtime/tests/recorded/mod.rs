//! The spans of one test at a time.

#![allow(
    dead_code,
    reason = "shared by test binaries of which none needs all of it"
)]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use otel_runtime::testing::{SpanRecord, Spans};

static SPANS: LazyLock<Spans> = LazyLock::new(Spans::install);
static ALONE: Mutex<()> = Mutex::new(());

/// How long to wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Spans that ended since this was made; other tests of the binary wait as long as it lives.
pub(crate) struct Recorded {
    spans: &'static Spans,
    _alone: MutexGuard<'static, ()>,
}

impl Recorded {
    pub(crate) fn start() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        SPANS.clear();
        Self {
            spans: &SPANS,
            _alone: alone,
        }
    }

    /// All that is recorded, as text.
    pub(crate) fn tree(&self) -> String {
        self.spans.tree_with_attributes()
    }

    pub(crate) fn finished(&self) -> Vec<SpanRecord> {
        self.spans.finished()
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
