//! Sends spans of the engine over OTLP, by HTTP or by gRPC. <https://opentelemetry.io/docs/specs/otlp/>
//!
//! A request that cannot be answered now is sent again, until the time for it is over. The clients run on the exporting
//! thread.

mod answer;
mod endpoint;
mod grpc;
mod http;
#[cfg(feature = "json")]
pub(crate) mod json;
#[cfg(not(feature = "json"))]
#[path = "no_json.rs"]
pub(crate) mod json;
mod retry;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Runtime;

pub(crate) use self::answer::chain;
use self::answer::{Answer, Failure};
pub(crate) use self::endpoint::told;
pub(crate) use self::grpc::channel;
use self::http::Encoding;
pub(crate) use self::http::client as http_client;
use self::retry::Pauses;
use crate::config::{Protocol, Signal};
use crate::engine::recorder::{Batch, Envelope, Output, Patience, Refused};

/// Tells a receiver who sends.
const USER_AGENT: &str = concat!("otel-runtime/", env!("CARGO_PKG_VERSION"));

/// Why a client cannot be built.
type BuildError = Box<dyn Error + Send + Sync>;

/// Sends spans to one place.
#[derive(Debug)]
pub(crate) struct OtlpOutput {
    envelope: Envelope,
    client: Client,
    /// Of one batch, with all that is tried again.
    timeout: Duration,
    /// Dropped last: the client works on it.
    runtime: Runtime,
}

#[derive(Debug)]
enum Client {
    Http(http::Client),
    Grpc(grpc::Client),
}

impl OtlpOutput {
    pub(crate) fn new(
        protocol: Protocol,
        signal: &Signal,
        resource: &Resource,
    ) -> Result<Self, BuildError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .thread_name("otel-runtime-resolve")
            // Names are looked up on threads of their own, which nothing else uses.
            .on_thread_start(|| std::mem::forget(Context::enter_telemetry_suppressed_scope()))
            .enable_all()
            .build()?;
        let client = {
            let _entered = runtime.enter();
            match protocol {
                Protocol::HttpProtobuf => {
                    Client::Http(http::Client::new(signal, Encoding::protobuf())?)
                }
                Protocol::HttpJson => Client::Http(http::Client::new(signal, json::encoding()?)?),
                Protocol::Grpc => Client::Grpc(grpc::Client::new(signal)?),
            }
        };
        Ok(Self {
            envelope: Envelope::new(resource),
            client,
            timeout: signal.of_batch(),
            runtime,
        })
    }

    /// Sends a request once.
    fn send(&self, request: Bytes, left: Duration) -> Result<Answer, Failure> {
        let sent = async {
            match &self.client {
                Client::Http(client) => client.send(request).await,
                Client::Grpc(client) => client.send(request).await,
            }
        };
        self.runtime
            .block_on(async { tokio::time::timeout(left, sent).await })
            .unwrap_or(Err(Failure::Late(OTelSdkError::Timeout(self.timeout))))
    }

    /// Sends a request, again and again where that may help.
    fn deliver(&self, request: &Bytes, patience: &Patience<'_>) -> Result<Answer, Failure> {
        let until = Instant::now() + self.timeout;
        let mut pauses = Pauses::new();
        loop {
            let end = patience.end();
            let left = end
                .map_or(until, |end| end.min(until))
                .saturating_duration_since(Instant::now());
            let failure = match self.send(request.clone(), left) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let asked = match &failure {
                Failure::Final(_) | Failure::Late(_) => return Err(failure),
                // Nobody is there, and there is no time left to wait for somebody.
                Failure::Unreachable(_) if end.is_some() => return Err(failure),
                Failure::Unreachable(_) => None,
                Failure::Busy { pause, .. } => *pause,
            };
            let pause = pauses.next(asked);
            let end = patience.end().map_or(until, |end| end.min(until));
            if Instant::now() + pause >= end {
                return Err(failure);
            }
            patience.pause(pause);
        }
    }
}

impl Output for OtlpOutput {
    fn export(&mut self, spans: &Batch<'_>, patience: &Patience<'_>) -> Result<(), Refused> {
        let all = |failure| {
            let is_final = matches!(failure, Failure::Final(_));
            let (Failure::Final(error)
            | Failure::Unreachable(error)
            | Failure::Late(error)
            | Failure::Busy { error, .. }) = failure;
            Refused {
                spans: spans.len(),
                is_final,
                error,
            }
        };
        let request = self.envelope.request(spans);
        let request = match &self.client {
            Client::Http(client) => client
                .body(request)
                .map_err(|error| all(Failure::Final(error)))?,
            // Compressed with what frames it.
            Client::Grpc(_) => Bytes::from(request),
        };
        let answer = self.deliver(&request, patience).map_err(all)?;
        match answer.refused {
            0 => Ok(()),
            refused => Err(Refused {
                spans: usize::try_from(refused).map_or(spans.len(), |of| of.min(spans.len())),
                is_final: true,
                error: OTelSdkError::InternalFailure(format!(
                    "the receiver refused them: {}",
                    answer.message
                )),
            }),
        }
    }

    fn shut_down(&mut self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// What the environment wants to be sent with each request.
fn headers(signal: &Signal) -> Result<HeaderMap, BuildError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &signal.headers {
        let header = HeaderName::try_from(name);
        let header = header.map_err(|_| format!("the header name `{name}` is none"))?;
        // What it holds may be secret.
        let value = HeaderValue::try_from(value)
            .map_err(|_| format!("the value of the header `{name}` cannot be sent"))?;
        headers.append(header, value);
    }
    Ok(headers)
}
