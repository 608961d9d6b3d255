//! Sends requests to a receiver. One that cannot be answered now is sent again, until the time for it is over.

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
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

/// Who waits for an answer looks that often whether there is less time now.
const LOOKED_EVERY: Duration = Duration::from_millis(50);

/// A receiver that wants nothing for longer is asked again after that, as it may have been set right meanwhile.
const LONGEST_ASKED: Duration = Duration::from_mins(5);

#[derive(Debug)]
pub(super) struct Network {
    client: Client,
    /// Of one batch, with all that is tried again.
    timeout: Duration,
    /// Before that the receiver wants nothing.
    not_before: Mutex<Option<Instant>>,
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
            not_before: Mutex::default(),
            runtime,
        })
    }

    /// When a batch that begins to leave now has to have left, with all that is tried again.
    pub(super) fn limit(&self) -> Instant {
        delivery::after(self.timeout)
    }

    /// Sends a request, again and again where that may help.
    pub(super) fn send(
        &self,
        request: Vec<u8>,
        limit: Instant,
        patience: &dyn Patience,
    ) -> Result<Answer, Failure> {
        let request = match &self.client {
            Client::Http(client) => client.body(request).map_err(Failure::Final)?,
            // Compressed with what frames it.
            Client::Grpc(_) => Bytes::from(request),
        };
        self.wait_until_wanted(limit, patience)?;
        let begun = Instant::now();
        let mut pauses = Pauses::new();
        loop {
            let is_hurried = patience.end().is_some();
            let sent = self.send_once(request.clone(), limit, patience);
            let failure = match sent.unwrap_or_else(|| Err(late(begun))) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let asked = match &failure {
                Failure::Final(_) | Failure::Late(_) => return Err(failure),
                // Nobody is there, and there is no time left to wait for somebody.
                Failure::Unreachable(_) if is_hurried => return Err(failure),
                Failure::Unreachable(_) => None,
                Failure::Busy { pause, .. } => *pause,
            };
            *self.not_before() = asked.map(|asked| delivery::after(asked.min(LONGEST_ASKED)));
            let pause = pauses.next(asked);
            if delivery::after(pause) >= patience.until(limit) {
                return Err(failure);
            }
            patience.pause(pause);
        }
    }

    /// Waits where the receiver has said when it takes something again. What would wait for too long is refused unasked.
    fn wait_until_wanted(&self, limit: Instant, patience: &dyn Patience) -> Result<(), Failure> {
        let Some(not_before) = *self.not_before() else {
            return Ok(());
        };
        let pause = not_before.saturating_duration_since(Instant::now());
        if pause.is_zero() {
            return Ok(());
        }
        if not_before >= patience.until(limit) {
            let seconds = pause.as_secs_f64().ceil();
            let message = format!(
                "they were not sent, as the receiver wants nothing for another {seconds} s"
            );
            return Err(Failure::Busy {
                error: OTelSdkError::InternalFailure(message),
                pause: Some(pause),
            });
        }
        patience.pause(pause);
        Ok(())
    }

    /// A panic elsewhere leaves nothing half done here.
    fn not_before(&self) -> MutexGuard<'_, Option<Instant>> {
        self.not_before
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` where there is no answer in time.
    fn send_once(
        &self,
        request: Bytes,
        limit: Instant,
        patience: &dyn Patience,
    ) -> Option<Result<Answer, Failure>> {
        let runtime = self.runtime.runtime.as_ref()?;
        runtime.block_on(async {
            // Nobody has worked on the connections since the last request. What they received meanwhile, such as that
            // they were closed, is seen before one of them is used.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            let sent = async {
                match &self.client {
                    Client::Http(client) => client.send(request).await,
                    Client::Grpc(client) => client.send(request).await,
                }
            };
            let mut sent = pin!(sent);
            // A shutdown may begin meanwhile.
            loop {
                let left = patience
                    .until(limit)
                    .saturating_duration_since(Instant::now());
                if left.is_zero() {
                    if let Client::Grpc(client) = &self.client {
                        client.connect_again();
                    }
                    return None;
                }
                let answer = tokio::time::timeout(left.min(LOOKED_EVERY), &mut sent);
                if let Ok(answer) = answer.await {
                    return Some(answer);
                }
            }
        })
    }
}

fn late(since: Instant) -> Failure {
    let waited = since.elapsed().as_millis();
    Failure::Late(if waited == 0 {
        OTelSdkError::InternalFailure("there was no time left".to_owned())
    } else {
        OTelSdkError::InternalFailure(format!("there was no answer in {waited} ms"))
    })
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
