//! What `opentelemetry-otlp` sends by, where it is HTTP.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::Protocol;
use opentelemetry_sdk::error::OTelSdkError;

use super::BuildError;
use crate::config::Signal;
use crate::otlp as sender;

/// The client is our own, since the one that `opentelemetry-otlp` would make works, and logs, on threads that are not.
#[derive(Debug)]
pub(super) struct Client {
    inner: reqwest::Client,
    #[cfg(feature = "json")]
    is_json: bool,
    cause: Cause,
}

/// Why the last request could not be sent: `opentelemetry-otlp` tells of a network error, and no more.
#[derive(Clone, Debug, Default)]
pub(super) struct Cause(Arc<Mutex<Option<String>>>);

impl Client {
    /// A client, and the address of a signal that it is to send to.
    #[cfg_attr(
        not(feature = "json"),
        expect(unused_variables, reason = "there is one protocol only")
    )]
    pub(super) fn new(
        signal: &Signal,
        path: &str,
        protocol: Protocol,
        cause: Cause,
    ) -> Result<(Self, String), BuildError> {
        let timeout = signal.timeout;
        let (client, url) = sender::http_client(signal, path, |client| client.timeout(timeout))?;
        let client = Self {
            inner: client,
            #[cfg(feature = "json")]
            is_json: matches!(protocol, Protocol::HttpJson),
            cause,
        };
        Ok((client, url.into()))
    }
}

#[tonic::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        #[cfg(feature = "json")]
        let request = if self.is_json {
            sender::json::without_null(request)?
        } else {
            request
        };
        let sent = self.inner.send_bytes(request).await;
        *self.cause.lock() = sent.as_ref().err().map(|error| sender::chain(&**error));
        sent
    }
}

impl Cause {
    /// Completes what `opentelemetry-otlp` tells.
    pub(super) fn complete(&self, error: OTelSdkError) -> OTelSdkError {
        match (error, self.lock().take()) {
            (OTelSdkError::InternalFailure(text), Some(cause)) => {
                OTelSdkError::InternalFailure(format!("{text}: {cause}"))
            }
            (error, _) => error,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
