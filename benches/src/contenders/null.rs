//! Providers of the SDK, for those who need one.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, global};
use opentelemetry_otlp::{Protocol, SpanExporter as Otlp, WithExportConfig as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter,
};

use super::{BATCH, Failure, Flush, Parent, QUEUE, Setup};

/// Takes spans, and nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Null;

impl SpanExporter for Null {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        drop(std::hint::black_box(batch));
        Ok(())
    }
}

/// The exporter of `opentelemetry-otlp`.
pub(crate) fn otlp(setup: &Setup) -> Result<Otlp, Failure> {
    Ok(match setup {
        Setup::Grpc(endpoint) => {
            // Its client needs a runtime, for as long as the process lives.
            let runtime = Box::leak(Box::new(
                tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_all()
                    .build()?,
            ));
            let _entered = runtime.enter();
            Otlp::builder()
                .with_tonic()
                .with_endpoint(endpoint)
                .build()?
        }
        Setup::Http(endpoint) => Otlp::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .build()?,
        Setup::Off | Setup::Null => return Err("not over OTLP".into()),
    })
}

/// None where there is to be none.
pub(crate) fn provider(setup: &Setup) -> Result<Option<SdkTracerProvider>, Failure> {
    let processor = match setup {
        Setup::Off => return Ok(None),
        Setup::Null => batches(Null),
        Setup::Http(_) | Setup::Grpc(_) => batches(otlp(setup)?),
    };
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .build();
    global::set_tracer_provider(provider.clone());
    Ok(Some(provider))
}

fn batches(exporter: impl SpanExporter + 'static) -> BatchSpanProcessor {
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .build();
    BatchSpanProcessor::builder(exporter)
        .with_batch_config(config)
        .build()
}

pub(crate) fn flush(provider: Option<SdkTracerProvider>) -> Flush {
    Box::new(move || {
        if let Some(provider) = &provider {
            let _ = provider.force_flush();
        }
        None
    })
}

/// A remote parent; each call has another.
pub(crate) fn remote(parent: Parent) -> Context {
    let flags = TraceFlags::default().with_sampled(parent == Parent::Sampled);
    let span = SpanContext::new(
        TraceId::from(0x0bad_c0de_dead_beef_0102_0304_0506_0708),
        SpanId::from(0x42),
        flags,
        true,
        TraceState::NONE,
    );
    Context::new().with_remote_span_context(span)
}

/// Makes a remote parent the current one.
pub(crate) fn under(parent: Parent, work: &mut dyn FnMut()) {
    let _current = (parent != Parent::None).then(|| remote(parent).attach());
    work();
}
