//! Says when spans or log records are lost, instead of losing them in silence.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::diagnostics;

/// An exporter whose failures are printed: the first of a row at once, then what the row cost when it ends.
#[derive(Debug)]
pub(super) struct Reporting<E> {
    exporter: E,
    /// What is exported, in the plural.
    what: &'static str,
    /// Where it goes, for the message.
    target: String,
    /// Lost since the last export that worked.
    lost: AtomicU64,
}

impl<E> Reporting<E> {
    pub(super) fn new(exporter: E, what: &'static str, target: String) -> Reporting<E> {
        Reporting {
            exporter,
            what,
            target,
            lost: AtomicU64::new(0),
        }
    }

    fn note(&self, count: usize, result: &OTelSdkResult) {
        let (what, target) = (self.what, &self.target);
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        match result {
            Ok(()) => match self.lost.swap(0, Ordering::Relaxed) {
                0 => {}
                lost => {
                    diagnostics::warn(&format!("{target} takes {what} again; {lost} were lost"));
                }
            },
            Err(error) => {
                if self.lost.fetch_add(count, Ordering::Relaxed) == 0 {
                    diagnostics::error(&format!(
                        "could not export {count} {what} to {target}: {error}; they are lost"
                    ));
                }
            }
        }
    }
}

impl<E: SpanExporter> SpanExporter for Reporting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let result = self.exporter.export(batch).await;
        self.note(count, &result);
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

#[cfg(feature = "logs")]
impl<E: LogExporter> LogExporter for Reporting<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let count = batch.iter().count();
        let result = self.exporter.export(batch).await;
        self.note(count, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
