//! OTLP by HTTP. <https://opentelemetry.io/docs/specs/otlp/#otlphttp>

use std::io::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_sdk::error::OTelSdkError;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode, Url};

use super::answer::{Answer, Failure, chain, failure, reason};
use super::{BuildError, Service, USER_AGENT, endpoint, headers, tls};
use crate::config::Signal;

/// No more of an answer is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Client {
    sender: reqwest::Client,
    url: Url,
    encoding: Encoding,
    is_compressed: bool,
}

/// How requests are written, and answers read.
#[derive(Debug)]
pub(super) struct Encoding {
    pub(super) content_type: HeaderValue,
    /// Of a request as protobuf.
    pub(super) request: fn(Vec<u8>) -> Result<Vec<u8>, OTelSdkError>,
    pub(super) answer: fn(&[u8]) -> Answer,
}

impl Encoding {
    pub(super) fn protobuf() -> Self {
        Self {
            content_type: HeaderValue::from_static("application/x-protobuf"),
            request: Ok,
            answer: Answer::read,
        }
    }
}

impl Client {
    pub(super) fn new(
        service: Service,
        signal: &Signal,
        encoding: Encoding,
    ) -> Result<Self, BuildError> {
        let url = endpoint::of_http(signal, service.path())?;
        let mut headers = headers(signal)?;
        headers.insert(CONTENT_TYPE, encoding.content_type.clone());
        if signal.is_compressed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let sender = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .default_headers(headers)
            // A request that is given up takes its connection with it, which may have died without a word.
            .http1_only()
            // What is redirected would not be sent on whole.
            .redirect(Policy::none());
        let sender = tls::over_http(sender, &url, &signal.tls)?;
        Ok(Self {
            sender: sender.build().map_err(|error| chain(&error))?,
            url,
            encoding,
            is_compressed: signal.is_compressed,
        })
    }

    /// A request as it is sent.
    pub(super) fn body(&self, request: Vec<u8>) -> Result<Bytes, OTelSdkError> {
        let request = (self.encoding.request)(request)?;
        if !self.is_compressed {
            return Ok(request.into());
        }
        compressed(&request).map_err(|error| failure(&error))
    }

    pub(super) async fn send(&self, body: Bytes) -> Result<Answer, Failure> {
        let request = self.sender.post(self.url.clone()).body(body);
        let response = request.send().await.map_err(|error| {
            let cannot_connect = error.is_connect();
            let error = failure(&error.without_url());
            if cannot_connect {
                Failure::Unreachable(error)
            } else {
                // It may have been taken. It is sent again, as a span that comes twice is better than none.
                Failure::Busy { error, pause: None }
            }
        })?;
        let status = response.status();
        let pause = retry_after(&response);
        let answer = read(response).await;
        if status.is_success() {
            return Ok((self.encoding.answer)(&answer));
        }
        let reason = reason(&answer);
        let error =
            OTelSdkError::InternalFailure(format!("the receiver answered {status}{reason}"));
        Err(match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Failure::Busy { error, pause },
            _ => Failure::Final(error),
        })
    }
}

fn compressed(body: &[u8]) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish().map(Bytes::from)
}

/// What was read before the connection broke is as good as what there is.
async fn read(mut response: Response) -> Vec<u8> {
    let mut answer = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        answer.extend_from_slice(&chunk);
        if answer.len() > MAX_ANSWER {
            break;
        }
    }
    answer
}

/// In seconds; a date is not understood, and what comes then is as if nothing was said.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}
