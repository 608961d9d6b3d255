//! The provider of log records, and what the variables of logs ask it for.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{BatchLogProcessor, SdkLoggerProvider};

use super::{InitError, otlp};
use crate::config::{Exporter, Signal};
use crate::delivery::Deadline;
use crate::export::lines::Lines;
use crate::instrument::log::bridge;
use crate::losses::Losses;

/// Where the lines of the `log` facade go besides the logger that the application has; `None` where they go nowhere else.
#[derive(Debug)]
pub(super) struct Logs(Option<Exported>);

#[derive(Debug)]
struct Exported {
    provider: SdkLoggerProvider,
    /// What did not arrive, of each place.
    losses: Vec<Arc<Losses>>,
    deadline: Arc<Deadline>,
}

/// What exports log records, and what it could not.
pub(super) type LogProcessor = (BatchLogProcessor, Arc<Losses>);

impl Logs {
    /// Exports nothing.
    pub(super) const OFF: Self = Self(None);

    pub(super) fn start(signal: &Signal, resource: Resource) -> Result<Self, InitError> {
        if signal.exporters.is_empty() {
            return Ok(Self::OFF);
        }
        let deadline = Arc::new(Deadline::default());
        let mut provider = SdkLoggerProvider::builder().with_resource(resource);
        let mut all_losses = Vec::new();
        for &exporter in &signal.exporters {
            provider = match exporter {
                Exporter::Console => provider.with_log_processor(Lines::stdout()),
                Exporter::Otlp(protocol) => {
                    let processor = otlp::log_processor(protocol, signal, &deadline);
                    let (processor, losses) = processor.map_err(InitError::LogExporter)?;
                    all_losses.push(losses);
                    provider.with_log_processor(processor)
                }
            };
        }
        let provider = provider.build();
        // The scope's name is each record's target.
        bridge::set_logger(Some(provider.logger("")));
        Ok(Self(Some(Exported {
            provider,
            losses: all_losses,
            deadline,
        })))
    }

    pub(super) fn force_flush(&self) -> OTelSdkResult {
        match &self.0 {
            Some(exported) => exported.provider.force_flush(),
            None => Ok(()),
        }
    }

    /// Lines written later are not exported.
    pub(super) fn stop(&mut self, timeout: Duration) -> OTelSdkResult {
        let Some(exported) = self.0.take() else {
            return Ok(());
        };
        bridge::set_logger(None);
        exported.deadline.set(timeout);
        exported.provider.shutdown_with_timeout(timeout)?;
        // The SDK does not say what became of the last ones.
        match exported.losses.iter().map(|losses| losses.count()).sum() {
            0 => Ok(()),
            lost => Err(OTelSdkError::InternalFailure(format!(
                "the last {lost} are lost"
            ))),
        }
    }
}
