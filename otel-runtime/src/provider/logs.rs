//! The provider of log records, and what the variables of logs ask it for.

use std::time::Duration;

use opentelemetry::logs::LoggerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::SdkLoggerProvider;

use super::{InitError, otlp};
use crate::config::{Exporter, Signal};
use crate::export::lines::Lines;
use crate::instrument::log::bridge;

/// Where the lines of the `log` facade go besides the logger that the application has; `None` where they go nowhere else.
#[derive(Debug)]
pub(super) struct Logs(Option<SdkLoggerProvider>);

impl Logs {
    /// Exports nothing.
    pub(super) const OFF: Self = Self(None);

    pub(super) fn start(signal: &Signal, resource: Resource) -> Result<Self, InitError> {
        if signal.exporters.is_empty() {
            return Ok(Self::OFF);
        }
        let mut provider = SdkLoggerProvider::builder().with_resource(resource);
        for &exporter in &signal.exporters {
            provider = match exporter {
                Exporter::Console => provider.with_log_processor(Lines::stdout()),
                Exporter::Otlp(protocol) => {
                    let processor = otlp::log_processor(protocol, signal);
                    provider.with_log_processor(processor.map_err(InitError::LogExporter)?)
                }
            };
        }
        let provider = provider.build();
        // The scope's name is each record's target.
        bridge::set_logger(Some(provider.logger("")));
        Ok(Self(Some(provider)))
    }

    pub(super) fn force_flush(&self) -> OTelSdkResult {
        match &self.0 {
            Some(provider) => provider.force_flush(),
            None => Ok(()),
        }
    }

    /// Lines written later are not exported.
    pub(super) fn stop(&mut self, timeout: Duration) -> OTelSdkResult {
        match self.0.take() {
            Some(provider) => {
                bridge::set_logger(None);
                provider.shutdown_with_timeout(timeout)
            }
            None => Ok(()),
        }
    }
}
