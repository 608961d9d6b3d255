//! Trace and span id on the lines of the `log` facade.
//!
//! ```
//! # fn main() -> Result<(), log::SetLoggerError> {
//! let logger = env_logger::Builder::from_default_env().build();
//! let max_level = logger.filter();
//! otel_runtime::instrument::log::init(logger, max_level)
//! # }
//! ```
//!
//! The ids are key-values of the record, so they show up wherever the wrapped logger writes key-values; `env_logger`
//! does with its feature `kv`. [`json_line`] makes lines of JSON of them.
//!
//! # Export
//!
//! With the feature `logs`, while a [`Telemetry`](crate::Telemetry) lives, `OTEL_LOGS_EXPORTER` says where each record
//! that the wrapped logger takes goes besides: a comma list of `otlp`, `otlp/stdout`, `console` (a line on
//! standard output) and `none`, as the module [`environment`](crate::environment) has them with all variables. The
//! specification's default is `otlp`; here it is `none`, also where `OTEL_EXPORTER_OTLP_ENDPOINT` is set: what listens there
//! may take traces only, as a Jaeger does.
//!
//! | variables | say |
//! |---|---|
//! | `OTEL_EXPORTER_OTLP_LOGS_ENDPOINT`, `_HEADERS`, `_TIMEOUT`, `_COMPRESSION`, `_PROTOCOL` | where `otlp` goes and how; without them those without `LOGS_` do |
//! | `OTEL_BLRP_SCHEDULE_DELAY`, `_MAX_QUEUE_SIZE`, `_MAX_EXPORT_BATCH_SIZE`, `_EXPORT_TIMEOUT` | in which batches |
//! | `OTEL_SDK_DISABLED` | with `true`: nowhere |
//!
//! A record has the time, the severity (number and the level's name), the message as its body, the ids and flags of the
//! current span, the target as the name of its instrumentation scope, `code.file.path`, `code.line.number`, and the
//! key-values as attributes. What the exporters' own clients log is written by the wrapped logger, and never exported; so are
//! lines at the very end of a thread, from destructors of its thread-locals, when there is no current context any more, and those
//! of requests that make no spans by `skip_paths` or `skip_if`.

#[cfg(feature = "logs")]
pub(crate) mod bridge;
mod json;

use log::{
    LevelFilter, Log, Metadata, Record, SetLoggerError,
    kv::{Error, Key, Source, Value, VisitSource},
};
use opentelemetry::trace::{SpanId, TraceContextExt as _, TraceId};

pub use self::json::json_line;
use crate::{engine, hex::Digits};

const TRACE_ID: &str = "trace_id";
const SPAN_ID: &str = "span_id";

/// Installs `logger` for the whole process, with the ids of the current span added to each record.
///
/// # Errors
///
/// When a logger is installed already; that one stays.
pub fn init(logger: impl Log + 'static, max_level: LevelFilter) -> Result<(), SetLoggerError> {
    log::set_logger(Box::leak(Box::new(Correlated::new(logger))))?;
    log::set_max_level(max_level);
    Ok(())
}

/// A logger that hands each record on with the key-values `trace_id` and `span_id` of the current span.
///
/// Outside of a span the record stays as it is. A key that the record has of its own is kept, and not added again.
#[derive(Clone, Debug)]
pub struct Correlated<L> {
    logger: L,
}

impl<L: Log> Correlated<L> {
    /// Wraps a logger.
    #[must_use]
    pub fn new(logger: L) -> Self {
        Self { logger }
    }
}

impl<L: Log> Log for Correlated<L> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.logger.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        match current_ids() {
            Some((trace_id, span_id)) if self.logger.enabled(record.metadata()) => {
                let key_values = WithIds::new(record.key_values(), trace_id, span_id);
                self.logger
                    .log(&record.to_builder().key_values(&key_values).build());
            }
            _ => self.logger.log(record),
        }
        #[cfg(feature = "logs")]
        if bridge::is_on() && self.logger.enabled(record.metadata()) {
            bridge::emit(record);
        }
    }

    fn flush(&self) {
        self.logger.flush();
    }
}

/// The ids of the current span, if there is one.
///
/// No more is done while the current context is borrowed; formatting a record may need it again.
fn current_ids() -> Option<(TraceId, SpanId)> {
    engine::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| (span.trace_id(), span.span_id()))
    })
    .flatten()
}

/// A record's own key-values, followed by the ids it has not.
struct WithIds<'a> {
    own: &'a dyn Source,
    trace_id: Option<Digits<32>>,
    span_id: Option<Digits<16>>,
}

impl<'a> WithIds<'a> {
    fn new(own: &'a dyn Source, trace_id: TraceId, span_id: SpanId) -> Self {
        let lacks = |key| own.get(Key::from_str(key)).is_none();
        Self {
            own,
            trace_id: lacks(TRACE_ID).then(|| Digits::new(&trace_id.to_bytes())),
            span_id: lacks(SPAN_ID).then(|| Digits::new(&span_id.to_bytes())),
        }
    }

    fn ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let trace_id = self.trace_id.as_ref().map(|id| (TRACE_ID, id.as_str()));
        let span_id = self.span_id.as_ref().map(|id| (SPAN_ID, id.as_str()));
        [trace_id, span_id].into_iter().flatten()
    }
}

impl Source for WithIds<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), Error> {
        self.own.visit(visitor)?;
        for (key, id) in self.ids() {
            visitor.visit_pair(Key::from_str(key), Value::from(id))?;
        }
        Ok(())
    }

    fn get(&self, key: Key<'_>) -> Option<Value<'_>> {
        self.own.get(key.clone()).or_else(|| {
            let found = self.ids().find(|(name, _)| *name == key.as_str());
            found.map(|(_, id)| Value::from(id))
        })
    }

    fn count(&self) -> usize {
        self.own.count() + self.ids().count()
    }
}
