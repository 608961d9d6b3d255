//! What became of the spans.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of the spans that were recorded, since telemetry was started. What is neither exported nor dropped nor refused
/// still waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanCounts {
    /// Spans that ended, were sampled, and came before the shutdown.
    pub recorded: u64,
    /// Spans that every exporter took.
    pub exported: u64,
    /// Spans for which there was no room, as too many waited.
    pub dropped: u64,
    /// Spans that an exporter did not take: what received them refused them, or could not be reached in time.
    pub refused: u64,
}

/// What is counted while it happens; how many were recorded follows from it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    drained: AtomicU64,
    exported: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
}

impl Counters {
    /// So many spans left the lanes.
    pub(super) fn drained(&self, spans: usize) {
        add(&self.drained, spans);
    }

    pub(super) fn exported(&self, spans: usize) {
        add(&self.exported, spans);
    }

    pub(super) fn dropped(&self) {
        add(&self.dropped, 1);
    }

    pub(super) fn refused(&self, spans: usize) {
        add(&self.refused, spans);
    }

    /// `waiting` are those in the lanes.
    pub(super) fn read(&self, waiting: usize) -> SpanCounts {
        let dropped = self.dropped.load(Ordering::Relaxed);
        SpanCounts {
            recorded: self.drained.load(Ordering::Relaxed) + number(waiting) + dropped,
            exported: self.exported.load(Ordering::Relaxed),
            dropped,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

fn add(counter: &AtomicU64, spans: usize) {
    counter.fetch_add(number(spans), Ordering::Relaxed);
}

fn number(spans: usize) -> u64 {
    u64::try_from(spans).unwrap_or(u64::MAX)
}
