//! Processors of the SDK by which spans or log records leave: what exports for one knows how long its shutdown may take, and
//! what was lost is an error for who flushes or shuts down. The SDK does neither.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::delivery::Deadline;
use crate::losses::Losses;
use crate::otlp::OtlpExporter;

/// A processor that exports.
#[derive(Debug)]
pub(super) struct Leaving<P> {
    processor: P,
    losses: Arc<Losses>,
    deadline: Arc<Deadline>,
}

impl<P> Leaving<P> {
    /// Makes the processor of an exporter.
    pub(super) fn new(exporter: OtlpExporter, processor: impl FnOnce(OtlpExporter) -> P) -> Self {
        Self {
            losses: exporter.losses(),
            deadline: exporter.deadline(),
            processor: processor(exporter),
        }
    }

    fn flushed(&self, flush: impl FnOnce(&P) -> OTelSdkResult) -> OTelSdkResult {
        let flushed = flush(&self.processor);
        // Told in any case, so that the next one is not told again.
        let lost = self.losses.told();
        flushed.and(lost)
    }
}

impl<P: SpanProcessor> SpanProcessor for Leaving<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.processor.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.processor.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.flushed(P::force_flush)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.deadline.set(timeout);
        self.flushed(|processor| processor.shutdown_with_timeout(timeout))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.processor.set_resource(resource);
    }
}

#[cfg(feature = "logs")]
mod logs {
    use std::time::Duration;

    use opentelemetry::InstrumentationScope;
    use opentelemetry::logs::Severity;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};

    use super::Leaving;

    impl<P: LogProcessor> LogProcessor for Leaving<P> {
        fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
            self.processor.emit(record, scope);
        }

        fn event_enabled(&self, level: Severity, target: &str, name: Option<&str>) -> bool {
            self.processor.event_enabled(level, target, name)
        }

        fn force_flush(&self) -> OTelSdkResult {
            self.flushed(P::force_flush)
        }

        fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
            self.deadline.set(timeout);
            self.flushed(|processor| processor.shutdown_with_timeout(timeout))
        }

        fn set_resource(&mut self, resource: &Resource) {
            self.processor.set_resource(resource);
        }
    }
}
