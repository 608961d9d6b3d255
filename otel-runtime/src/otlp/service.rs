//! The services of a receiver.

use tonic::codegen::http::uri::PathAndQuery;

/// What a receiver takes, each by a service of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    Trace,
    #[cfg(feature = "logs")]
    Logs,
}

impl Service {
    /// What one of those is called that it takes, for messages.
    pub(super) fn item(self) -> &'static str {
        match self {
            Self::Trace => "span",
            #[cfg(feature = "logs")]
            Self::Logs => "log record",
        }
    }

    /// By HTTP.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Trace => "/v1/traces",
            #[cfg(feature = "logs")]
            Self::Logs => "/v1/logs",
        }
    }

    /// By gRPC.
    pub(super) fn method(self) -> PathAndQuery {
        PathAndQuery::from_static(match self {
            Self::Trace => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            #[cfg(feature = "logs")]
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        })
    }
}
