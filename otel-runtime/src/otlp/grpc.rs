//! OTLP by gRPC. <https://opentelemetry.io/docs/specs/otlp/#otlpgrpc>

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use opentelemetry_sdk::error::OTelSdkError;
use reqwest::header::HeaderMap;
use tonic::client::Grpc;
use tonic::codec::{
    BufferSettings, Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder,
};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, ConnectError, Extensions, Request, Status};

use super::answer::{Answer, Failure, failure, reason};
use super::{BuildError, Service, USER_AGENT, endpoint, headers, tls};
use crate::config::Signal;
use crate::engine::recorder::wire::{Fields, Value};

/// What a frame has before its message.
const FRAME: usize = 5;

#[derive(Debug)]
pub(super) struct Client {
    receiver: Box<Endpoint>,
    channel: Mutex<Channel>,
    is_compressed: bool,
    method: PathAndQuery,
    headers: HeaderMap,
}

fn receiver(signal: &Signal) -> Result<Endpoint, BuildError> {
    let url = endpoint::of_grpc(signal)?;
    let to = Endpoint::from_shared(url.to_string()).and_then(|to| to.user_agent(USER_AGENT));
    let to = to.map_err(|error| {
        let told = endpoint::told(url.as_str());
        format!("the endpoint `{told}` cannot be used: {error}")
    })?;
    tls::over_grpc(to, &url, &signal.tls)
}

impl Client {
    pub(super) fn new(service: Service, signal: &Signal) -> Result<Self, BuildError> {
        let receiver = receiver(signal)?;
        Ok(Self {
            // It connects when it is used.
            channel: Mutex::new(receiver.connect_lazy()),
            receiver: Box::new(receiver),
            is_compressed: signal.is_compressed,
            method: service.method(),
            headers: headers(signal)?,
        })
    }

    /// Leaves the connection that there is for another one. One that has died without a word is not found out otherwise: many
    /// requests go over it, and that one of them is given up does not end it.
    pub(super) fn connect_again(&self) {
        *self.channel() = self.receiver.connect_lazy();
    }

    /// A panic elsewhere leaves nothing half done here.
    fn channel(&self) -> MutexGuard<'_, Channel> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn send(&self, body: Bytes) -> Result<Answer, Failure> {
        let channel = self.channel().clone();
        let mut channel = Grpc::new(channel).accept_compressed(CompressionEncoding::Gzip);
        if self.is_compressed {
            channel = channel.send_compressed(CompressionEncoding::Gzip);
        }
        channel
            .ready()
            .await
            .map_err(|error| Failure::Unreachable(failure(&error)))?;
        let codec = Raw(FRAME + body.len());
        let metadata = MetadataMap::from_headers(self.headers.clone());
        let request = Request::from_parts(metadata, Extensions::default(), body);
        match channel.unary(request, self.method.clone(), codec).await {
            Ok(response) => Ok(Answer::read(response.get_ref())),
            Err(status) => Err(refusal(&status)),
        }
    }
}

/// Which codes are worth another try is said by the specification.
fn refusal(status: &Status) -> Failure {
    // Somebody answered only where there is nothing behind it.
    if let Some(source) = status.source() {
        let error = failure(source);
        let mut causes = std::iter::successors(Some(source), |cause| (*cause).source());
        return if causes.any(<dyn Error>::is::<ConnectError>) {
            Failure::Unreachable(error)
        } else {
            Failure::Busy { error, pause: None }
        };
    }
    let (code, reason) = (status.code(), reason(status.message().as_bytes()));
    let error = OTelSdkError::InternalFailure(format!("the receiver answered {code:?}{reason}"));
    let pause = retry_info(status.details());
    match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Failure::Busy { error, pause },
        // Only where the receiver knows when there will be room again.
        Code::ResourceExhausted if pause.is_some() => Failure::Busy { error, pause },
        _ => Failure::Final(error),
    }
}

/// The `retry_delay` of the `google.rpc.RetryInfo` among the details of a `google.rpc.Status`.
fn retry_info(details: &[u8]) -> Option<Duration> {
    const DETAILS: u8 = 3;
    const TYPE: u8 = 1;
    const VALUE: u8 = 2;
    const RETRY_DELAY: u8 = 1;
    const SECONDS: u8 = 1;
    const NANOS: u8 = 2;
    let field = |message, wanted| {
        let mut fields = Fields(message);
        fields.find_map(|(field, value)| (field == wanted).then_some(value))
    };
    let mut details = Fields(details)
        .filter(|(field, _)| *field == DETAILS)
        .filter_map(|(_, value)| value.bytes());
    let info = details.find_map(|detail| {
        let name = field(detail, TYPE)?.bytes()?;
        name.ends_with(b"/google.rpc.RetryInfo")
            .then_some(field(detail, VALUE)?)
    })?;
    let delay = field(info.bytes()?, RETRY_DELAY)?.bytes()?;
    // A time that is over is negative, which is as if nothing was said.
    let part = |number| i64::try_from(field(delay, number).map_or(0, Value::number)).ok();
    let seconds = Duration::from_secs(part(SECONDS)?.unsigned_abs());
    seconds.checked_add(Duration::from_nanos(part(NANOS)?.unsigned_abs()))
}

/// Messages are bytes already; the number is how many a frame takes.
#[derive(Debug)]
struct Raw(usize);

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw(self.0)
    }

    fn decoder(&mut self) -> Raw {
        Raw(self.0)
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(message);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(self.0, self.0)
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::recorder::wire;

    #[test]
    fn the_pause_a_receiver_asks_for_is_read() {
        let details = |delay: (u64, u64)| {
            let mut details = Vec::new();
            wire::number(&mut details, 1, 8);
            for (name, delay) in [
                ("google.rpc.ErrorInfo", (1, 1)),
                ("google.rpc.RetryInfo", delay),
            ] {
                wire::nested(&mut details, 3, |out| {
                    wire::bytes(out, 1, format!("type.googleapis.com/{name}").as_bytes());
                    wire::nested(out, 2, |out| {
                        wire::nested(out, 1, |out| {
                            wire::number(out, 1, delay.0);
                            wire::number(out, 2, delay.1);
                        });
                    });
                });
            }
            details
        };
        let pause = retry_info(&details((2, 500_000_000)));
        assert_eq!(pause, Some(Duration::from_millis(2_500)));
        let before_now = details((0_u64.wrapping_sub(1), 0_u64.wrapping_sub(500_000_000)));
        assert_eq!(retry_info(&before_now), None);
        assert_eq!(retry_info(b""), None);
        assert_eq!(retry_info(b"nonsense"), None);
    }
}
