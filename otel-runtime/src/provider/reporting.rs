//! Says when spans are lost, instead of losing them in silence.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::diagnostics;

/// An exporter whose failures are printed: the first of a row at once, then how many spans the row cost when it ends.
#[derive(Debug)]
pub(super) struct Reporting<E> {
    exporter: E,
    /// Where the spans go, for the message.
    target: String,
    /// Spans lost since the last export that worked.
    lost: AtomicU64,
}

impl<E> Reporting<E> {
    pub(super) fn new(exporter: E, target: String) -> Reporting<E> {
        Reporting {
            exporter,
            target,
            lost: AtomicU64::new(0),
        }
    }

    fn note(&self, spans: u64, result: &OTelSdkResult) {
        let target = &self.target;
        match result {
            Ok(()) => match self.lost.swap(0, Ordering::Relaxed) {
                0 => {}
                lost => diagnostics::warn(&format!("{target} takes spans again; {lost} were lost")),
            },
            Err(error) => {
                if self.lost.fetch_add(spans, Ordering::Relaxed) == 0 {
                    diagnostics::error(&format!(
                        "could not export {spans} spans to {target}: {error}; they are lost"
                    ));
                }
            }
        }
    }
}

impl<E: SpanExporter> SpanExporter for Reporting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let result = self.exporter.export(batch).await;
        self.note(spans, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
