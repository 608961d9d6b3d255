//! What stands in for logs where the feature `logs` is off.

use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;

use super::InitError;
use crate::config::Signal;
use crate::diagnostics;

/// There is nothing to export.
#[derive(Debug)]
pub(super) struct Logs(());

impl Logs {
    pub(super) const OFF: Self = Self(());

    /// Says that what the environment asks for was not built in. The service has its lines all the same, wherever its
    /// logger writes them.
    #[expect(clippy::unnecessary_wraps, reason = "stands in for what can fail")]
    pub(super) fn start(signal: &Signal, _: Resource) -> Result<Self, InitError> {
        if !signal.exporters.is_empty() {
            diagnostics::warn(
                "OTEL_LOGS_EXPORTER is ignored: otel-runtime was built without its feature `logs`",
            );
        }
        Ok(Self::OFF)
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "stands in for what can fail"
    )]
    pub(super) fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "stands in for what can fail"
    )]
    pub(super) fn stop(&mut self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
