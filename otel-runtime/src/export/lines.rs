//! `OTEL_LOGS_EXPORTER=console`: log records as lines on standard output.

use std::fmt::{self, Write as _};
use std::io::{self, Stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::AnyValue;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};

use super::page::Page;
use super::text;
use crate::diagnostics;
use crate::timestamp::timestamp;

/// Prints each record as one line, as soon as it is written:
///
/// ```text
/// 2026-01-31T12:00:00.000000Z INFO  dispo booked  room = 7  trace_id = 0af7651916cd43dd8448eb211c80319c  span_id = b7ad6b7169203331
/// ```
///
/// A processor and no exporter: those of the SDK cannot be run by a thread that drives a future by the same means.
pub(crate) struct Lines<P> {
    page: P,
    /// Whether it was said that nothing can be printed.
    told: AtomicBool,
}

impl Lines<Stdout> {
    /// Prints to standard output.
    pub(crate) fn stdout() -> Self {
        Self::new(io::stdout())
    }
}

impl<P> Lines<P> {
    /// Prints to `page`, one write a line.
    const fn new(page: P) -> Self {
        Self {
            page,
            told: AtomicBool::new(false),
        }
    }
}

impl<P: Page> LogProcessor for Lines<P> {
    fn emit(&self, record: &mut SdkLogRecord, _: &InstrumentationScope) {
        let line = line(record);
        let printed = self.page.print(|writer| {
            writer.write_all(line.as_bytes())?;
            writer.flush()
        });
        if let Err(error) = printed
            && !self.told.swap(true, Ordering::Relaxed)
        {
            diagnostics::error(&format!(
                "could not print a log record to standard output: {error}"
            ));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl<P> fmt::Debug for Lines<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lines").finish_non_exhaustive()
    }
}

fn line(record: &SdkLogRecord) -> String {
    let since_epoch = record
        .timestamp()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let mut line = timestamp(since_epoch.unwrap_or_default());
    // Writing to a string cannot fail.
    let _ = write!(
        line,
        " {:5} {} {}",
        record.severity_text().unwrap_or_default(),
        text::escaped(record.target().map_or("", |target| target)),
        record.body().map(value).unwrap_or_default()
    );
    for (key, attribute) in record.attributes_iter() {
        let key = text::escaped(key.as_str());
        let _ = write!(line, "  {key} = {}", value(attribute));
    }
    if let Some(context) = record.trace_context() {
        let (trace_id, span_id) = (context.trace_id, context.span_id);
        let _ = write!(line, "  trace_id = {trace_id}  span_id = {span_id}");
    }
    line.push('\n');
    line
}

fn value(value: &AnyValue) -> String {
    match value {
        AnyValue::String(text) => text::escaped(text.as_str()).into_owned(),
        AnyValue::Int(number) => number.to_string(),
        AnyValue::Double(number) => format!("{number:?}"),
        AnyValue::Boolean(flag) => flag.to_string(),
        // Not made by our bridge.
        other => text::escaped(&format!("{other:?}")).into_owned(),
    }
}
