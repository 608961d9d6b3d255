//! Sends requests to a receiver. One that cannot be answered now is sent again, until the time for it is over.

use std::time::{Duration, Instant};

use bytes::Bytes;
use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkError;
use tokio::runtime::{self, EnterGuard, Runtime};

use super::answer::{Answer, Failure};
use super::http::Encoding;
use super::retry::Pauses;
use super::{BuildError, Service, grpc, http, json};
use crate::config::{Protocol, Signal};
use crate::delivery::{self, Patience};

#[derive(Debug)]
pub(super) struct Network {
    client: Client,
    /// Of one request, with all that is tried again.
    timeout: Duration,
    /// Dropped last: the client works on it.
    runtime: ClientRuntime,
}

#[derive(Debug)]
enum Client {
    Http(http::Client),
    Grpc(grpc::Client),
}

impl Network {
    pub(super) fn new(
        service: Service,
        protocol: Protocol,
        signal: &Signal,
    ) -> Result<Self, BuildError> {
        let runtime = ClientRuntime::start()?;
        let client = {
            let _entered = runtime.enter();
            match protocol {
                Protocol::Grpc => Client::Grpc(grpc::Client::new(service, signal)?),
                Protocol::HttpJson => {
                    let encoding = json::encoding(service)?;
                    Client::Http(http::Client::new(service, signal, encoding)?)
                }
                _ => Client::Http(http::Client::new(service, signal, Encoding::protobuf())?),
            }
        };
        Ok(Self {
            client,
            timeout: signal.of_batch(),
            runtime,
        })
    }

    /// Sends a request, again and again where that may help.
    pub(super) fn send(
        &self,
        request: Vec<u8>,
        patience: &dyn Patience,
    ) -> Result<Answer, Failure> {
        let request = match &self.client {
            Client::Http(client) => client.body(request).map_err(Failure::Final)?,
            // Compressed with what frames it.
            Client::Grpc(_) => Bytes::from(request),
        };
        let until = delivery::after(self.timeout);
        let mut pauses = Pauses::new();
        loop {
            let end = patience.end();
            let left = end
                .map_or(until, |end| end.min(until))
                .saturating_duration_since(Instant::now());
            let failure = match self.send_once(request.clone(), left) {
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
            if delivery::after(pause) >= end {
                return Err(failure);
            }
            patience.pause(pause);
        }
    }

    fn send_once(&self, request: Bytes, left: Duration) -> Result<Answer, Failure> {
        self.runtime.block_on(async {
            let sent = async {
                match &self.client {
                    Client::Http(client) => client.send(request).await,
                    Client::Grpc(client) => client.send(request).await,
                }
            };
            let sent = tokio::time::timeout(left, sent).await;
            sent.unwrap_or(Err(Failure::Late(OTelSdkError::Timeout(self.timeout))))
        })
    }
}

/// What a client works on, whatever the application runs on: the thread that sends.
#[derive(Debug)]
struct ClientRuntime {
    /// Until it is dropped.
    runtime: Option<Runtime>,
}

impl ClientRuntime {
    fn start() -> std::io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .thread_name("otel-runtime-resolve")
            // Names are looked up on threads of their own, which nothing else uses.
            .on_thread_start(|| std::mem::forget(Context::enter_telemetry_suppressed_scope()))
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    fn enter(&self) -> Option<EnterGuard<'_>> {
        self.runtime.as_ref().map(Runtime::enter)
    }

    fn block_on<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(work),
            None => Err(Failure::Final(OTelSdkError::AlreadyShutdown)),
        }
    }
}

impl Drop for ClientRuntime {
    fn drop(&mut self) {
        // What the client logs at its end is not exported either.
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        // It must not be waited for where that is forbidden, as in an async `main` whose telemetry cannot start.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
