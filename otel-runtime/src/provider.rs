//! Builds the provider and the propagator from the environment, and the guard that flushes them.

mod finishing;
#[cfg(feature = "otlp")]
mod leaving;
#[cfg(feature = "logs")]
mod logs;
#[cfg(not(feature = "logs"))]
#[path = "provider/no_logs.rs"]
mod logs;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(not(feature = "otlp"))]
#[path = "provider/no_otlp.rs"]
mod otlp;
mod propagation;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{InstrumentationScope, Key, KeyValue, Value, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{
    BatchConfig, BatchConfigBuilder, SdkTracer, SdkTracerProvider, ShouldSample, SpanExporter,
    SpanLimits, SpanProcessor,
};
use opentelemetry_semantic_conventions::attribute::{SERVICE_NAME, SERVICE_VERSION};

use self::finishing::Finishing;
use self::logs::Logs;
use crate::config::{Batch, Exporter, Settings, Signal};
use crate::delivery::reason;
use crate::engine::recorder::{self, AnyExporter, Journal, Sampling, SpanCounts, Told};
use crate::export::console::ConsoleExporter;
use crate::export::simple::Simple;
use crate::losses::Losses;
use crate::sites::SpanRules;
use crate::{diagnostics, engine};

/// How long a dropped [`Telemetry`] waits for its spans and log records to be exported.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// The specification's, for spans and log records of the SDK.
const SDK_MAX_QUEUE_SIZE: usize = 2_048;
const SDK_MAX_BATCH_SIZE: usize = 512;

/// Where spans go that an exporter of the application takes, for messages.
const OF_APPLICATION: &str = "an exporter of the application";

/// Whether a [`Telemetry`] is alive.
static ACTIVE: AtomicBool = AtomicBool::new(false);

/// Starts telemetry as the environment says; see [`Builder::init`].
///
/// ```
/// let telemetry = otel_runtime::init()?;
/// // ... the application ...
/// telemetry.shutdown(std::time::Duration::from_secs(5))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`Builder::init`].
pub fn init() -> Result<Telemetry, InitError> {
    builder().init()
}

/// What telemetry is started with, where the environment says nothing else.
#[must_use]
pub fn builder() -> Builder {
    Builder::default()
}

/// What telemetry is started with, where the environment says nothing else.
///
/// ```
/// let telemetry = otel_runtime::builder()
///     .service_name("dispo")
///     .service_version(env!("CARGO_PKG_VERSION"))
///     .init()?;
/// # Ok::<(), otel_runtime::InitError>(())
/// ```
#[derive(Debug, Default)]
pub struct Builder {
    resource: Vec<KeyValue>,
    processors: Vec<Box<dyn SpanProcessor>>,
    exporters: Vec<Box<dyn AnyExporter>>,
    rules: Option<SpanRules>,
    sampling: Option<Sampling>,
    wants_sdk: bool,
    journal: Option<PathBuf>,
}

impl Builder {
    /// Sets `service.name`; `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win over it.
    #[must_use]
    pub fn service_name(self, name: impl Into<Value>) -> Self {
        self.resource_attribute(KeyValue::new(SERVICE_NAME, name))
    }

    /// Sets `service.version`, most often to `env!("CARGO_PKG_VERSION")`; `OTEL_RESOURCE_ATTRIBUTES` wins over it.
    #[must_use]
    pub fn service_version(self, version: impl Into<Value>) -> Self {
        self.resource_attribute(KeyValue::new(SERVICE_VERSION, version))
    }

    /// Adds an attribute that describes the service, its host or its deployment; `OTEL_RESOURCE_ATTRIBUTES` wins over
    /// it.
    #[must_use]
    pub fn resource_attribute(mut self, attribute: KeyValue) -> Self {
        self.resource.push(attribute);
        self
    }

    /// Adds a span processor of the application's own, beside those that the environment asks for.
    ///
    /// The SDK makes the spans then: for a batch 2048 of them wait instead of 65536, no [`journal`](Self::journal) is kept,
    /// and [`Telemetry::span_counts`] is `None`.
    #[must_use]
    pub fn span_processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.processors.push(Box::new(processor));
        self
    }

    /// Exports each finished span by an exporter of the application's own, beside those that the environment asks for.
    ///
    /// It is called when the span ends, by the thread that ends it; for batches there is
    /// [`batch_span_exporter`](Self::batch_span_exporter). The SDK makes the spans then, as with a
    /// [`span_processor`](Self::span_processor).
    #[must_use]
    pub fn span_exporter(self, exporter: impl SpanExporter + 'static) -> Self {
        self.span_processor(Simple::new(exporter, OF_APPLICATION))
    }

    /// Exports finished spans in batches by an exporter of the application's own, beside those that the environment asks
    /// for. The spans are decoded for it on the thread that exports.
    ///
    /// `OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BSP_MAX_QUEUE_SIZE` (65536 spans where it is not set, and never more than 64 MiB)
    /// and `OTEL_BSP_MAX_EXPORT_BATCH_SIZE` (8192 spans) hold for it. Where the SDK makes the spans, its batch processor
    /// calls the exporter, with the defaults of the specification.
    #[must_use]
    pub fn batch_span_exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.exporters.push(Box::new(exporter));
        self
    }

    /// Decides which spans are recorded; `OTEL_TRACES_SAMPLER` wins over it.
    ///
    /// Without either, a span does as its parent, and is recorded where it has none: the SDK's `Sampler::ParentBased` around
    /// `Sampler::AlwaysOn`. A sampler of another kind is asked for every span. One that is set here is shown all that is known
    /// of a root; those that `OTEL_TRACES_SAMPLER` names look at its trace id alone, so that of a root that is not sampled
    /// nothing is evaluated.
    #[must_use]
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.sampling = Some(Sampling::new(sampler));
        self
    }

    /// Lets the SDK make the spans, also where this crate's own engine could.
    ///
    /// The SDK makes them anyway beside a span processor, an exporter that is not batched, or the console. Spans by
    /// hand and those of the attributes come out the same; they cost more, and what
    /// [`span_processor`](Self::span_processor) says holds.
    #[must_use]
    pub fn sdk_provider(mut self) -> Self {
        self.wants_sdk = true;
        self
    }

    /// Says which annotated functions and blocks make spans; `OTEL_RUNTIME_SPANS` wins over it, and
    /// [`set_span_rules`](crate::set_span_rules) changes it later.
    #[must_use]
    pub fn span_rules(mut self, rules: SpanRules) -> Self {
        self.rules = Some(rules);
        self
    }

    /// Keeps a journal in a folder, so that a trace has its parents also where the process is killed;
    /// `OTEL_RUNTIME_JOURNAL` wins over it. The folder is made where there is none, and several processes may share it.
    ///
    /// A span leaves the process some time after it ends. Those in it, and those that other processes make in its context, may
    /// arrive earlier, and would be without a parent if the process were killed. So before a context is written by the global
    /// propagator, and before spans are exported, the spans above are written to a file, as they were when they started, and
    /// once more, whole, when they end. What a killed process leaves behind is exported by the next one of the same
    /// `service.name` with the same folder: with its first export or, where one runs already, some ten seconds after the kill at
    /// the latest; with the resource of that one. A span that was open has ended with an error then, at the time of the last
    /// word in the journal. Where the receiver does not answer, it waits for the next time.
    ///
    /// This is safe from the end of the process, not from that of the machine. A span that was exported right before the kill
    /// may arrive twice. A parent that the receiver refused, that there was no room for, or that is still open when the
    /// provider is shut down and nobody named before, is lost as it is without a journal. Where the file cannot be written,
    /// standard error tells so, and it is tried again with each export. Where it cannot be made at the start, standard error tells
    /// so too, and there is no journal as long as this telemetry runs.
    ///
    /// It is this crate's own engine that keeps the journal: there is none where the SDK makes the spans. In memory, a span
    /// that waits takes two or three times the room; the file is never much longer than twice what is in it, and only its owner
    /// may read it.
    #[must_use]
    pub fn journal(mut self, folder: impl Into<PathBuf>) -> Self {
        self.journal = Some(folder.into());
        self
    }

    /// Installs provider and propagator globally, and hands out the guard that shuts them down.
    ///
    /// With neither an exporter nor an OTLP endpoint in the environment, and without a processor or
    /// exporter of the application's own, nothing is recorded and nothing printed; contexts of incoming requests are
    /// still passed on. That is so for as long as the [`Telemetry`] lives, also where the application sets a provider of its own
    /// meanwhile. Log records are exported only where `OTEL_LOGS_EXPORTER` says so, with the feature `logs`; see
    /// `instrument::log`. A variable that cannot be understood is named on standard error and ignored.
    ///
    /// The threads that export do not live on in a process that is forked: it has to call this itself, after the fork, and must
    /// not have been called before it.
    ///
    /// It may be called in async code as well: it reads files, but waits for no receiver.
    ///
    /// # Errors
    ///
    /// [`InitError::AlreadyStarted`] while an earlier [`Telemetry`] is alive, and nothing is changed. [`InitError::Exporter`] when
    /// an exporter of spans cannot be built, for example because its endpoint is no URL, or the thread that exports cannot be started;
    /// [`InitError::LogExporter`] when one of log records cannot be built. The propagator, the rules for spans and the level of
    /// `OTEL_LOG_LEVEL` have been set by then, and stay.
    pub fn init(self) -> Result<Telemetry, InitError> {
        let started = Started::begin()?;
        let settings = Settings::from_env();
        diagnostics::set_level(settings.diagnostics);
        for warning in &settings.warnings {
            diagnostics::warn(warning);
        }
        global::set_text_map_propagator(propagation::propagator(&settings.propagators));
        if let Some(rules) = settings.rules.or(self.rules) {
            engine::set_rules(rules);
        }
        let of_environment = settings.sampler.map(Sampling::of_environment);
        let sampling = of_environment.or(self.sampling).unwrap_or_default();
        let follows_parents = sampling.follows_parents();
        let (provider, logs) = if settings.disabled {
            (None, Logs::OFF)
        } else {
            let resource = resource(self.resource, settings.resource);
            let traces = Traces {
                signal: &settings.traces,
                sampling,
                wants_sdk: self.wants_sdk,
                limits: settings.limits,
                max_value_length: settings.max_value_length,
                journal: settings.journal.or(self.journal),
            };
            let provider = traces.build(self.processors, self.exporters, resource.clone())?;
            // Last, as log records flow from here on.
            let logs = Logs::start(&settings.logs, resource);
            let logs = logs.inspect_err(|_| {
                if let Some(provider) = &provider {
                    // It has no spans yet that could be lost.
                    let _ = provider.shut_down(Duration::ZERO);
                }
            })?;
            (provider, logs)
        };
        if let Some(provider) = &provider {
            if cfg!(not(feature = "recording")) {
                diagnostics::warn(
                    "what is annotated makes no spans, since otel-runtime was built without its feature `recording`",
                );
            }
            provider.install();
            engine::expect_provider();
        }
        engine::follow_parents(follows_parents);
        engine::switch_off(provider.is_none());
        Ok(Telemetry {
            provider,
            logs,
            _started: started,
        })
    }
}

/// What the variables say of traces.
struct Traces<'a> {
    signal: &'a Signal,
    sampling: Sampling,
    wants_sdk: bool,
    limits: SpanLimits,
    max_value_length: Option<usize>,
    /// The folder.
    journal: Option<PathBuf>,
}

impl Traces<'_> {
    /// The provider; none where there is nothing that takes its spans.
    fn build(
        self,
        mut processors: Vec<Box<dyn SpanProcessor>>,
        exporters: Vec<Box<dyn AnyExporter>>,
        resource: Resource,
    ) -> Result<Option<Provider>, InitError> {
        let is_for_engine = !self.wants_sdk && processors.is_empty();
        let is_for_engine = is_for_engine && !self.signal.exporters.contains(&Exporter::Console);
        if is_for_engine {
            return self.start_engine(exporters, &resource);
        }
        for &exporter in &self.signal.exporters {
            processors.push(match exporter {
                // Printed as soon as it is finished, so without a batch.
                Exporter::Console => {
                    Box::new(Simple::shared(ConsoleExporter::stdout(), "standard output"))
                }
                Exporter::Otlp(protocol) => {
                    let processor = otlp::span_processor(protocol, self.signal);
                    Box::new(processor.map_err(InitError::Exporter)?)
                }
            });
        }
        for exporter in exporters {
            let processor = exporter.into_processor(batch_config(&self.signal.batch));
            processors.push(Box::new(processor));
        }
        if processors.is_empty() {
            return Ok(None);
        }
        if self.journal.is_some() {
            diagnostics::warn(
                "no journal is kept (OTEL_RUNTIME_JOURNAL), since the SDK makes the spans: it does with a processor of the application's, and where OTEL_TRACES_EXPORTER has `console`",
            );
        }
        let mut provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_span_limits(self.limits);
        provider = self.sampling.set(provider);
        for processor in processors {
            let processor = Finishing::new(processor, self.max_value_length);
            provider = provider.with_span_processor(processor);
        }
        Ok(Some(Provider::Sdk(provider.build())))
    }

    fn start_engine(
        self,
        exporters: Vec<Box<dyn AnyExporter>>,
        resource: &Resource,
    ) -> Result<Option<Provider>, InitError> {
        let mut outputs = Vec::new();
        for &exporter in &self.signal.exporters {
            match exporter {
                Exporter::Otlp(protocol) => {
                    let output = otlp::output(protocol, self.signal, resource);
                    outputs.push(output.map_err(InitError::Exporter)?);
                }
                // The SDK makes the spans then.
                Exporter::Console => {}
            }
        }
        for mut exporter in exporters {
            exporter.set_resource(resource);
            outputs.push(Told {
                output: exporter.into_output(),
                losses: Losses::new("span", OF_APPLICATION.to_owned()),
            });
        }
        if outputs.is_empty() {
            return Ok(None);
        }
        let batch = &self.signal.batch;
        let journal = self.journal.and_then(|folder| journal(&folder, resource));
        let setup = recorder::Setup {
            sampling: self.sampling,
            limits: recorder::Limits::new(self.limits, self.max_value_length),
            max_spans: batch.max_queue_size.unwrap_or(recorder::MAX_SPANS),
            max_batch: batch.max_export_batch_size.unwrap_or(recorder::MAX_BATCH),
            delay: batch.schedule_delay.unwrap_or(recorder::DELAY),
            journal,
        };
        recorder::Provider::start(setup, outputs)
            .map(|provider| Some(Provider::Engine(provider)))
            .map_err(|error| InitError::Exporter(error.into()))
    }
}

/// Spans are recorded without one where it cannot be kept.
fn journal(folder: &Path, resource: &Resource) -> Option<Journal> {
    let service = resource.get(&Key::from_static_str(SERVICE_NAME));
    let service = service.unwrap_or_else(|| "".into());
    let journal = Journal::create(folder, &service.as_str());
    let told = journal.inspect_err(|error| {
        let folder = folder.display();
        diagnostics::error(&format!(
            "no journal is kept, since none can be written in {folder}: {error}"
        ));
    });
    told.ok()
}

/// Who makes the spans.
#[derive(Debug)]
enum Provider {
    /// This crate's engine.
    Engine(recorder::Provider),
    /// The SDK, where a span processor wants its spans.
    Sdk(SdkTracerProvider),
}

impl Provider {
    /// Makes it the global one.
    fn install(&self) {
        match self {
            Provider::Engine(provider) => {
                global::set_tracer_provider(provider.installed());
            }
            Provider::Sdk(provider) => {
                global::set_tracer_provider(InstalledSdk(provider.clone()));
            }
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        match self {
            Provider::Engine(provider) => provider.force_flush(),
            Provider::Sdk(provider) => provider.force_flush(),
        }
    }

    fn shut_down(&self, timeout: Duration) -> OTelSdkResult {
        match self {
            Provider::Engine(provider) => {
                let result = provider.shut_down(timeout);
                tell(provider.counts());
                result
            }
            Provider::Sdk(provider) => provider.shutdown_with_timeout(timeout),
        }
    }
}

/// The SDK's provider as the global one, until it is dropped because there is another one.
#[derive(Debug)]
struct InstalledSdk(SdkTracerProvider);

impl TracerProvider for InstalledSdk {
    type Tracer = SdkTracer;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> SdkTracer {
        self.0.tracer_with_scope(scope)
    }
}

impl Drop for InstalledSdk {
    fn drop(&mut self) {
        // What the sampler of the other one does is not known.
        engine::follow_parents(false);
    }
}

fn tell(counts: SpanCounts) {
    let SpanCounts {
        recorded,
        exported,
        dropped,
        refused,
        ..
    } = counts;
    if dropped > 0 {
        diagnostics::warn(&format!(
            "{dropped} spans were dropped, as too many waited to be exported"
        ));
    }
    diagnostics::info(&format!(
        "{recorded} spans recorded, {exported} exported, {dropped} dropped, {refused} refused"
    ));
}

/// What the variables say; the specification's defaults where they say nothing.
fn batch_config(batch: &Batch) -> BatchConfig {
    let mut config = BatchConfigBuilder::default();
    if let Some(delay) = batch.schedule_delay {
        config = config.with_scheduled_delay(delay);
    }
    // The SDK would take a 0.
    config
        .with_max_queue_size(batch.max_queue_size.unwrap_or(SDK_MAX_QUEUE_SIZE))
        .with_max_export_batch_size(batch.max_export_batch_size.unwrap_or(SDK_MAX_BATCH_SIZE))
        .build()
}

/// Keeps telemetry running; `main` holds it until its end.
///
/// Dropping it exports what is finished and shuts down, spans first and then log records, within five seconds for each
/// exporter; what was lost is told on standard error. [`Telemetry::shutdown`] does the same within another time, and returns it.
#[derive(Debug)]
#[must_use = "telemetry is shut down when this is dropped"]
pub struct Telemetry {
    /// `None` where nothing is recorded.
    provider: Option<Provider>,
    logs: Logs,
    _started: Started,
}

impl Telemetry {
    /// Exports every span that has ended, and every log record.
    ///
    /// Where nobody takes them it waits as long as an export may take, `OTEL_EXPORTER_OTLP_TIMEOUT`, and a second more for each
    /// further request that is needed; for log records, and where the SDK makes the spans, at most five seconds for each exporter.
    /// It has no bound of its own: without such a timeout, or with an exporter of the application's that does not return, it
    /// waits for ever.
    ///
    /// It blocks the thread that calls it, in async code as well; `spawn_blocking` of the executor keeps the other tasks going.
    ///
    /// # Errors
    ///
    /// [`ShutdownError`] with the reason, also where something was lost before since this was last called.
    pub fn force_flush(&self) -> Result<(), ShutdownError> {
        let spans = match &self.provider {
            Some(provider) => provider.force_flush(),
            None => Ok(()),
        };
        ShutdownError::check(spans, self.logs.force_flush())
    }

    /// What became of the spans so far; `None` where nothing is recorded, and where the SDK makes the spans, which does not
    /// count them.
    #[must_use]
    pub fn span_counts(&self) -> Option<SpanCounts> {
        match &self.provider {
            Some(Provider::Engine(provider)) => Some(provider.counts()),
            _ => None,
        }
    }

    /// Exports every span that has ended and then every log record, and shuts down, within `timeout` for each exporter. Spans
    /// that end later and lines that are written later are not exported.
    ///
    /// It blocks the thread that calls it, in async code as well, as dropping the [`Telemetry`] does.
    ///
    /// # Errors
    ///
    /// [`ShutdownError`] when spans or log records were not exported in time.
    pub fn shutdown(mut self, timeout: Duration) -> Result<(), ShutdownError> {
        self.stop(timeout)
    }

    fn stop(&mut self, timeout: Duration) -> Result<(), ShutdownError> {
        // The application may install another provider after this one.
        engine::follow_parents(false);
        engine::switch_off(false);
        let spans = match self.provider.take() {
            Some(provider) => provider.shut_down(timeout),
            None => Ok(()),
        };
        // After the spans, since what is done for those may log.
        ShutdownError::check(spans, self.logs.stop(timeout))
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Err(error) = self.stop(DROP_TIMEOUT) {
            diagnostics::error(&error.to_string());
        }
    }
}

/// Why telemetry could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// There is a [`Telemetry`] already; it has to be shut down first.
    #[error("telemetry is running already; shut the first one down, or start it in one place only")]
    AlreadyStarted,
    /// An exporter cannot be built.
    #[error("the exporter of spans cannot be built: {0}")]
    Exporter(Box<dyn Error + Send + Sync>),
    /// An exporter of log records cannot be built.
    #[error("the exporter of log records cannot be built: {0}")]
    LogExporter(Box<dyn Error + Send + Sync>),
}

/// What went wrong at the end: the spans that had ended, or the log records, may not all have been exported.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ShutdownError(String);

impl ShutdownError {
    fn check(spans: OTelSdkResult, log_records: OTelSdkResult) -> Result<(), ShutdownError> {
        let failures: Vec<_> = [("span", spans), ("log record", log_records)]
            .into_iter()
            .filter_map(|(what, result)| {
                let error = result.err()?;
                let reason = reason(&error);
                Some(format!("not every {what} could be exported: {reason}"))
            })
            .collect();
        if failures.is_empty() {
            Ok(())
        } else {
            Err(ShutdownError(failures.join("; ")))
        }
    }
}

/// The proof that no other [`Telemetry`] is alive.
#[derive(Debug)]
struct Started;

impl Started {
    fn begin() -> Result<Started, InitError> {
        if ACTIVE.swap(true, Ordering::AcqRel) {
            return Err(InitError::AlreadyStarted);
        }
        Ok(Started)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        ACTIVE.store(false, Ordering::Release);
    }
}

/// The SDK's own attributes, then those of the code, then those of the environment; of the same key the last one wins. The
/// SDK does not read the environment: it takes a part of a list that is malformed.
fn resource(code: Vec<KeyValue>, environment: Vec<KeyValue>) -> Resource {
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attribute(KeyValue::new(SERVICE_NAME, unknown_service()))
        .with_attributes(code)
        .with_attributes(environment)
        .build()
}

/// What a service is called that nobody has named.
fn unknown_service() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(Path::file_name);
    name.map_or_else(
        || "unknown_service".to_owned(),
        |name| format!("unknown_service:{}", name.to_string_lossy()),
    )
}
