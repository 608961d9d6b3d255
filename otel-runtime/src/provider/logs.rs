//! The provider of log records, and what the variables of logs ask it for.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{BatchLogProcessor, SdkLoggerProvider};

use super::{InitError, otlp};
use crate::config::{Exporter, Signal};
use crate::export::lines::Lines;
use crate::instrument::log::bridge;
use crate::losses::Losses;

/// Where the lines of the `log` facade go besides the logger that the application has.
#[derive(Debug)]
pub(super) struct Logs {
    /// `None` where they go nowhere else.
    provider: Option<SdkLoggerProvider>,
    /// What did not arrive, of each place.
    losses: Vec<Arc<Losses>>,
}

/// What exports log records, and what it could not.
pub(super) type LogProcessor = (BatchLogProcessor, Arc<Losses>);

impl Logs {
    /// Exports nothing.
    pub(super) const OFF: Self = Self {
        provider: None,
        losses: Vec::new(),
    };

    pub(super) fn start(
        signal: &Signal,
        resource: Resource,
        runtime: &mut otlp::ExportRuntime,
    ) -> Result<Self, InitError> {
        if signal.exporters.is_empty() {
            return Ok(Self::OFF);
        }
        let mut provider = SdkLoggerProvider::builder().with_resource(resource);
        let mut all_losses = Vec::new();
        for &exporter in &signal.exporters {
            provider = match exporter {
                Exporter::Console => provider.with_log_processor(Lines::stdout()),
                Exporter::OtlpStdout => {
                    let printer = otlp::printing_log_processor(signal);
                    let (printer, losses) = printer.map_err(InitError::LogExporter)?;
                    all_losses.push(losses);
                    provider.with_log_processor(printer)
                }
                Exporter::Otlp(protocol) => {
                    let processor = otlp::log_processor(protocol, signal, runtime);
                    let (processor, losses) = processor.map_err(InitError::LogExporter)?;
                    all_losses.push(losses);
                    provider.with_log_processor(processor)
                }
            };
        }
        let provider = provider.build();
        // The scope's name is each record's target.
        bridge::set_logger(Some(provider.logger("")));
        Ok(Self {
            provider: Some(provider),
            losses: all_losses,
        })
    }

    pub(super) fn force_flush(&self) -> OTelSdkResult {
        match &self.provider {
            Some(provider) => provider.force_flush(),
            None => Ok(()),
        }
    }

    /// Lines written later are not exported.
    pub(super) fn stop(&mut self, timeout: Duration) -> OTelSdkResult {
        match self.provider.take() {
            Some(provider) => {
                bridge::set_logger(None);
                provider.shutdown_with_timeout(timeout)?;
                // The SDK does not say what became of the last ones.
                match self.losses.iter().map(|losses| losses.count()).sum() {
                    0 => Ok(()),
                    lost => Err(OTelSdkError::InternalFailure(format!(
                        "the last {lost} are lost"
                    ))),
                }
            }
            None => Ok(()),
        }
    }
}
