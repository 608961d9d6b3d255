//! Exports spans of the engine.

use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;

use super::{BuildError, Sender, Service};
use crate::config::{Protocol, Signal};
use crate::delivery::{Patience, Refused};
use crate::engine::recorder::{Batch, Envelope, Output};

/// Sends spans to one place.
#[derive(Debug)]
pub(crate) struct OtlpOutput {
    envelope: Envelope,
    sender: Sender,
}

impl OtlpOutput {
    pub(crate) fn new(
        protocol: Protocol,
        signal: &Signal,
        resource: &Resource,
    ) -> Result<Self, BuildError> {
        Ok(Self {
            envelope: Envelope::new(resource),
            sender: Sender::new(Service::Trace, protocol, signal)?,
        })
    }
}

impl Output for OtlpOutput {
    fn export(&mut self, spans: &Batch<'_>, patience: &dyn Patience) -> Result<(), Refused> {
        let request = self.envelope.request(spans);
        let limit = self.sender.limit();
        self.sender.send(request, spans.len(), limit, patience)
    }

    fn shut_down(&mut self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
