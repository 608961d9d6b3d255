//! The finished spans of this process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter, SpanLimits};

use super::{Detail, SpanRecord, tree};
use crate::baggage::Baggage;
use crate::engine;
use crate::export::simple::Simple;
use crate::export::testing::shared_resource;
use crate::trace_context::TraceContext;

/// Keeps the finished spans of this process in memory, to look at them in a test.
///
/// The provider behind it samples what the parent samples, has the limits of the specification and an empty resource,
/// whatever the environment says. A clone shares the spans.
#[derive(Debug, Clone)]
pub struct Spans {
    provider: SdkTracerProvider,
    finished: Finished,
}

impl Spans {
    /// Starts to keep the spans of [`provider`](Self::provider), which nothing uses yet.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a default would hide that each one is a provider of its own"
    )]
    pub fn new() -> Self {
        let finished = Finished::default();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Simple::new(Exporter::new(&finished), "memory"))
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .with_span_limits(SpanLimits::default())
            .with_resource(Resource::builder_empty().build())
            .build();
        Self { provider, finished }
    }

    /// Starts to keep all spans of the process: makes the provider the global one, and the W3C trace context and
    /// baggage the global propagator.
    ///
    /// Tests of one binary share it; give each test that looks at the spans a binary of its own, or a lock.
    #[must_use]
    pub fn install() -> Self {
        let spans = Self::new();
        // What was started before without an exporter has switched them off.
        engine::switch_off(false);
        global::set_tracer_provider(spans.provider.clone());
        global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
            Box::new(TraceContext::default()),
            Box::new(Baggage::default()),
        ]));
        spans
    }

    /// The provider whose spans are kept.
    #[must_use]
    pub const fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// An exporter for another provider, whose finished spans are then kept here too.
    ///
    /// What that provider holds back in batches is here after it was flushed.
    ///
    /// ```
    /// use otel_runtime::testing::Spans;
    ///
    /// #[otel_runtime::traced_span("room.find")]
    /// fn find() {}
    ///
    /// let spans = Spans::new();
    /// let telemetry = otel_runtime::builder().span_exporter(spans.exporter()).init()?;
    /// find();
    /// assert_eq!(spans.tree(), "INTERNAL room.find");
    /// # drop(telemetry);
    /// # Ok::<(), otel_runtime::InitError>(())
    /// ```
    #[must_use]
    pub fn exporter(&self) -> impl SpanExporter + use<> {
        Exporter::new(&self.finished)
    }

    /// The spans that have ended so far, in that order.
    #[must_use]
    pub fn finished(&self) -> Vec<SpanRecord> {
        self.flush();
        self.finished.lock().clone()
    }

    /// The finished spans as [`tree`] shows them, by kind, name and status: `INTERNAL find`, or `INTERNAL find ERROR: why` of one that
    /// failed, and `  INTERNAL child` below its parent.
    #[must_use]
    pub fn tree(&self) -> String {
        tree(&self.finished(), Detail::NAMES)
    }

    /// The finished spans as [`tree`] shows them, with attributes, events and links.
    #[must_use]
    pub fn tree_with_attributes(&self) -> String {
        tree(&self.finished(), Detail::NAMES.with_attributes())
    }

    /// Forgets the spans that have ended so far.
    pub fn clear(&self) {
        self.flush();
        self.finished.lock().clear();
    }

    /// For a provider that was shut down there is nothing to flush: its spans are here already.
    fn flush(&self) {
        let _ = self.provider.force_flush();
    }
}

#[derive(Debug, Clone, Default)]
struct Finished(Arc<Mutex<Vec<SpanRecord>>>);

impl Finished {
    fn lock(&self) -> MutexGuard<'_, Vec<SpanRecord>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Exporter {
    finished: Finished,
    resource: Arc<[KeyValue]>,
}

impl Exporter {
    fn new(finished: &Finished) -> Self {
        Self {
            finished: finished.clone(),
            resource: Arc::new([]),
        }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let records = batch
            .into_iter()
            .map(|span| SpanRecord::from_sdk(span, &self.resource));
        self.finished.lock().extend(records);
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = shared_resource(resource);
    }
}
