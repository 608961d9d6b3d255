//! The lines of the `log` facade as log records of OpenTelemetry.

use std::{
    fmt::{Display, Write as _},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use log::{
    Level, Record,
    kv::{Error, Key, Value, VisitSource, VisitValue},
};
use opentelemetry::{
    Context,
    logs::{AnyValue, LogRecord as _, Logger as _, Severity},
};
use opentelemetry_sdk::logs::SdkLogger;
use opentelemetry_semantic_conventions::attribute::{CODE_FILE_PATH, CODE_LINE_NUMBER};

use crate::{engine, export::simple};

/// Whether there is a logger, so that lines cost next to nothing where there is none.
static IS_ON: AtomicBool = AtomicBool::new(false);
/// OpenTelemetry's API has no global provider of loggers.
static LOGGER: RwLock<Option<Arc<SdkLogger>>> = RwLock::new(None);

/// What lines are handed to from now on.
pub(crate) fn set_logger(logger: Option<SdkLogger>) {
    let mut current = LOGGER.write().unwrap_or_else(PoisonError::into_inner);
    IS_ON.store(logger.is_some(), Ordering::Relaxed);
    *current = logger.map(Arc::new);
}

/// Whether [`emit`] does anything here: not where telemetry is suppressed, as on the exporters' own threads, nor while this
/// thread exports a span, nor at its end, where the SDK cannot look for the current span.
pub(super) fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
        && !simple::is_exporting()
        && engine::map_current(Context::is_telemetry_suppressed) == Some(false)
}

/// Hands a record on. The ids are those of the current span.
pub(super) fn emit(record: &Record<'_>) {
    // Cloned, as what is formatted below is the user's, and may log or start and stop telemetry.
    let current = LOGGER
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let Some(logger) = current else { return };
    let mut out = logger.create_log_record();
    let now = SystemTime::now();
    out.set_timestamp(now);
    out.set_observed_timestamp(now);
    // Exported as the name of the instrumentation scope.
    out.set_target(record.target().to_owned());
    out.set_severity_number(severity(record.level()));
    out.set_severity_text(record.level().as_str());
    out.set_body(text(record.args()));
    out.add_attributes(attributes(record));
    logger.emit(out);
}

/// The key-values, and the place in the source where they do not name one.
fn attributes(record: &Record<'_>) -> Vec<(String, AnyValue)> {
    let mut attributes = Attributes(Vec::new());
    if let Some(file) = record.file() {
        attributes.set(CODE_FILE_PATH, file.to_owned().into());
    }
    if let Some(line) = record.line() {
        attributes.set(CODE_LINE_NUMBER, line.into());
    }
    // A source that fails half way has given what comes before.
    let _ = record.key_values().visit(&mut attributes);
    attributes.0
}

/// Of each key the last value.
struct Attributes(Vec<(String, AnyValue)>);

impl Attributes {
    fn set(&mut self, key: &str, value: AnyValue) {
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, earlier)) => *earlier = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }
}

impl<'kvs> VisitSource<'kvs> for Attributes {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let mut attribute = Attribute(None);
        value.visit(&mut attribute)?;
        if let Some(value) = attribute.0 {
            self.set(key.as_str(), value);
        }
        Ok(())
    }
}

/// One value: numbers and booleans as such, everything else as text; nothing for a null.
struct Attribute(Option<AnyValue>);

impl VisitValue<'_> for Attribute {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.0 = Some(text(value));
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        self.0 = Some(i64::try_from(value).map_or_else(|_| text(value), AnyValue::from));
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        self.0 = Some(value.into());
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        self.0 = Some(value.into());
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.0 = Some(value.into());
        Ok(())
    }
}

/// What a value says of itself, up to where its own formatting fails.
fn text(value: impl Display) -> AnyValue {
    let mut text = String::new();
    let _ = write!(text, "{value}");
    text.into()
}

fn severity(level: Level) -> Severity {
    match level {
        Level::Error => Severity::Error,
        Level::Warn => Severity::Warn,
        Level::Info => Severity::Info,
        Level::Debug => Severity::Debug,
        Level::Trace => Severity::Trace,
    }
}
