//! Sends spans and log records over OTLP: by HTTP, by gRPC, or as lines on standard output.
//! <https://opentelemetry.io/docs/specs/otlp/>
//!
//! Requests are made by the engine ([`OtlpOutput`]), and of what the SDK hands out ([`OtlpExporter`]); the thread that exports
//! sends them.

mod answer;
mod endpoint;
mod exporter;
mod grpc;
mod http;
#[cfg(feature = "json")]
mod json;
#[cfg(not(feature = "json"))]
#[path = "no_json.rs"]
mod json;
mod network;
mod output;
mod retry;
mod service;
mod stdout;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use opentelemetry_sdk::error::OTelSdkError;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use self::answer::{Failure, reason};
use self::endpoint::told;
pub(crate) use self::exporter::OtlpExporter;
use self::network::Network;
pub(crate) use self::output::OtlpOutput;
pub(crate) use self::service::Service;
use self::stdout::Stdout;
use crate::config::{PAIRS, Protocol, Signal};
use crate::delivery::{self, Patience, Refused, UNLIMITED};
use crate::diagnostics;
use crate::losses::Losses;

/// Tells a receiver who sends.
const USER_AGENT: &str = concat!("otel-runtime/", env!("CARGO_PKG_VERSION"));

/// Why a client cannot be built.
pub(crate) type BuildError = Box<dyn Error + Send + Sync>;

/// Sends the requests of a service to one place.
#[derive(Debug)]
struct Sender {
    to: Place,
    /// Whether it was told that a receiver has something to say.
    has_warned: AtomicBool,
}

#[derive(Debug)]
enum Place {
    Network(Box<Network>),
    Stdout(Stdout),
}

impl Sender {
    fn new(service: Service, protocol: Protocol, signal: &Signal) -> Result<Self, BuildError> {
        let to = match protocol {
            Protocol::HttpProtobuf | Protocol::HttpJson | Protocol::Grpc => {
                Place::Network(Box::new(Network::new(service, protocol, signal)?))
            }
            Protocol::Stdout => Place::Stdout(Stdout::new(service)?),
        };
        Ok(Self {
            to,
            has_warned: AtomicBool::new(false),
        })
    }

    /// When a batch that begins to leave now has to have left.
    fn limit(&self) -> Instant {
        match &self.to {
            Place::Network(network) => network.limit(),
            Place::Stdout(_) => delivery::after(UNLIMITED),
        }
    }

    /// Sends a request with so many spans or log records.
    fn send(
        &self,
        request: Vec<u8>,
        count: usize,
        limit: Instant,
        patience: &dyn Patience,
    ) -> Result<(), Refused> {
        let sent = match &self.to {
            Place::Network(network) => network.send(request, limit, patience),
            Place::Stdout(stdout) => stdout.print(request),
        };
        let answer = sent.map_err(|failure| Refused {
            count,
            is_final: matches!(failure, Failure::Final(_)),
            error: failure.into_error(),
        })?;
        let said = reason(answer.message.as_bytes());
        match answer.refused {
            0 => {
                if !said.is_empty() && !self.has_warned.swap(true, Ordering::Relaxed) {
                    diagnostics::warn(&format!("what was exported was taken with a warning{said}"));
                }
                Ok(())
            }
            refused => Err(Refused {
                count: usize::try_from(refused).map_or(count, |of| of.min(count)),
                is_final: true,
                error: OTelSdkError::InternalFailure(format!("the receiver refused them{said}")),
            }),
        }
    }
}

/// What is said of what does not arrive.
pub(crate) fn losses(service: Service, protocol: Protocol, signal: &Signal) -> Losses {
    let (url, by) = match protocol {
        Protocol::HttpProtobuf | Protocol::HttpJson => {
            (endpoint::of_http(signal, service.path()), "HTTP")
        }
        Protocol::Grpc => (endpoint::of_grpc(signal), "gRPC"),
        Protocol::Stdout => return Losses::new(service.item(), "standard output".to_owned()),
    };
    // One that cannot be read was refused before.
    let url = url.map_or_else(
        |_| String::new(),
        |url| told(url.as_str().trim_end_matches('/')),
    );
    Losses::new(service.item(), format!("{url} by {by}"))
}

/// What the environment wants to be sent with each request.
fn headers(signal: &Signal) -> Result<HeaderMap, BuildError> {
    let variable = signal.headers.variable;
    let mut headers = HeaderMap::new();
    for (name, value) in &signal.headers.list {
        // What they hold may be secret, also what stands where a name should.
        let name = HeaderName::try_from(name).map_err(|_| {
            format!("{variable} has a name that no header can have; it takes {PAIRS}")
        })?;
        let mut value = HeaderValue::try_from(value).map_err(|_| {
            format!("{variable} has a value for `{name}` that cannot be sent in a header")
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}
