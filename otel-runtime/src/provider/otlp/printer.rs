//! Spans and log records printed as OTLP.

use opentelemetry_sdk::trace::BatchSpanProcessor;

#[cfg(feature = "logs")]
use super::logs::batches_of as batches_of_logs;
use super::{BuildError, Reporting, batches_of};
use crate::config::Signal;
use crate::engine::recorder::{AnyExporter, Told};
use crate::export::json_lines::JsonLines;
use crate::losses::Losses;
#[cfg(feature = "logs")]
use crate::provider::logs::LogProcessor;

/// An output of the engine.
#[expect(clippy::unnecessary_wraps, reason = "it may not be built in")]
pub(in crate::provider) fn printing_output(
    resource: &opentelemetry_sdk::Resource,
) -> Result<Told, BuildError> {
    let mut printer = Box::new(JsonLines::stdout());
    AnyExporter::set_resource(&mut *printer, resource);
    Ok(Told {
        output: printer.into_output(),
        losses: losses("spans"),
    })
}

/// A batch processor of the SDK.
#[expect(clippy::unnecessary_wraps, reason = "it may not be built in")]
pub(in crate::provider) fn printing_span_processor(
    signal: &Signal,
) -> Result<BatchSpanProcessor, BuildError> {
    let printer = Reporting::new(JsonLines::stdout(), losses("spans"));
    Ok(batches_of(printer, &signal.batch))
}

/// The same for log records.
#[cfg(feature = "logs")]
#[expect(clippy::unnecessary_wraps, reason = "it may not be built in")]
pub(in crate::provider) fn printing_log_processor(
    signal: &Signal,
) -> Result<LogProcessor, BuildError> {
    let printer = Reporting::new(JsonLines::stdout(), losses("log records"));
    let losses = printer.losses();
    Ok((batches_of_logs(printer, &signal.batch), losses))
}

fn losses(what: &'static str) -> Losses {
    Losses::new(what, "standard output".to_owned())
}
