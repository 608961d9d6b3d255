//! Client spans for requests that are sent with reqwest.
//!
//! ```
//! use otel_runtime::instrument::reqwest::SendTraced as _;
//!
//! # async fn example(client: reqwest::Client) -> reqwest::Result<()> {
//! let rooms = client.get("http://localhost:8080/api/v1/rooms/").send_traced().await?;
//! let room = client
//!     .get(format!("http://localhost:8080/api/v1/rooms/{}", 7))
//!     .send_traced_to("/api/v1/rooms/{id}")
//!     .await?;
//! # drop((rooms, room));
//! # Ok(())
//! # }
//! ```
//!
//! The spans are called `GET` and `GET /api/v1/rooms/{id}`, and the service that is asked continues the trace: the
//! context is in the request's headers, by the global propagator.
//!
//! With the feature `metrics`, `http.client.request.duration` is measured too, in seconds and until the head of the answer is there,
//! of every request, sampled or not. The meter provider counts that is installed when the first request is sent.
//!
//! reqwest follows redirects and retries by itself and does not tell of it. So the span has the URL that was asked for
//! first and the status that came last, and no `http.request.resend_count`.

#[cfg(feature = "metrics")]
mod measure;
#[cfg(not(feature = "metrics"))]
#[path = "reqwest/no_measure.rs"]
mod measure;

use std::{any::type_name, borrow::Cow, error::Error as _, future::Future, io};

use opentelemetry::{Context, global, propagation::Injector, trace::SpanKind};
use opentelemetry_semantic_conventions::attribute::{
    HTTP_RESPONSE_STATUS_CODE, NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION,
    SERVER_ADDRESS, SERVER_PORT, URL_FULL, URL_TEMPLATE,
};
use reqwest::{
    Error, Request, RequestBuilder, Response, Result, StatusCode, Url, Version,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use self::measure::Measure;
use super::{
    address::{self, without_brackets},
    http::{Method, known_methods, redacted},
    running::{Running, described},
    starting::{Operation, Starting, joined},
};
use crate::engine::current;

static CLIENT: Operation = Operation::new("HTTP", SpanKind::Client);

/// Sends requests within client spans.
pub trait SendTraced {
    /// Sends the request within a client span named by the method.
    ///
    /// The span's parent is the span that is current when this is called. It is current while the request is sent,
    /// and ends when the head of the answer is there; reading the body is not part of it. An answer with a status of
    /// 400 or more, an error and a panic mark it as failed, a drop before the end marks it as
    /// [`CANCELLED`](crate::CANCELLED). User, password and known signatures in the URL are not recorded.
    ///
    /// # Errors
    ///
    /// As [`RequestBuilder::send`]. A request that cannot be built makes no span, as nothing is sent.
    fn send_traced(self) -> impl Future<Output = Result<Response>> + Send;

    /// Like [`send_traced`](Self::send_traced), with the path's `template` in the span's name and in `url.template`.
    ///
    /// # Errors
    ///
    /// As [`send_traced`](Self::send_traced).
    fn send_traced_to(
        self,
        template: impl Into<Cow<'static, str>>,
    ) -> impl Future<Output = Result<Response>> + Send;
}

impl SendTraced for RequestBuilder {
    fn send_traced(self) -> impl Future<Output = Result<Response>> + Send {
        send(self, None, current().unwrap_or_default())
    }

    fn send_traced_to(
        self,
        template: impl Into<Cow<'static, str>>,
    ) -> impl Future<Output = Result<Response>> + Send {
        send(self, Some(template.into()), current().unwrap_or_default())
    }
}

async fn send(
    request: RequestBuilder,
    template: Option<Cow<'static, str>>,
    parent: Context,
) -> Result<Response> {
    let (client, request) = request.build_split();
    let mut request = request?;
    let mut measure = Measure::start(&request);
    let mut span = Running::start(&CLIENT, &parent, |span| {
        describe(&request, template.as_ref(), span);
    });
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(span.context(), &mut Headers(request.headers_mut()));
    });
    let result = span.drive(client.execute(request)).await;
    match &result {
        Ok(response) => {
            measure.answered(response);
            if let Some(error_type) = failure(response.status()) {
                measure.failed(error_type);
            }
        }
        Err(error) => measure.failed(error_type(error).to_owned()),
    }
    if span.is_recording() {
        match &result {
            Ok(response) => record_response(&mut span, response),
            Err(error) => record_error(&mut span, error),
        }
    }
    span.end();
    result
}

fn describe(request: &Request, template: Option<&Cow<'static, str>>, span: &mut Starting<'_>) {
    let method = Method::new(request.method().as_str(), known_methods());
    let name = method.span_name();
    span.set_name(match template {
        Some(template) => Cow::Owned(joined(&name, template)),
        None => name,
    });
    let url = request.url();
    let mut fields = span.fields();
    method.record(&mut fields);
    fields.set(URL_FULL, &without_secrets(url));
    if let Some(host) = url.host_str() {
        fields.set(SERVER_ADDRESS, without_brackets(host));
    }
    fields.set(SERVER_PORT, &url.port_or_known_default());
    fields.set(URL_TEMPLATE, &template);
}

fn record_response(span: &mut Running, response: &Response) {
    let status = response.status();
    if let Some(mut fields) = span.fields() {
        fields.set(HTTP_RESPONSE_STATUS_CODE, &status.as_u16());
        if let Some(version) = protocol_version(response.version()) {
            fields.set_static(NETWORK_PROTOCOL_VERSION, version);
        }
        if let Some(peer) = response.remote_addr() {
            fields.set(NETWORK_PEER_ADDRESS, &address::text(peer.ip()));
            fields.set(NETWORK_PEER_PORT, &peer.port());
        }
    }
    if let Some(error_type) = failure(status) {
        span.fail(error_type, String::new());
    }
}

/// The `error.type` of an answer that is one for who asked.
fn failure(status: StatusCode) -> Option<String> {
    let is_failure = status.is_client_error() || status.is_server_error();
    is_failure.then(|| status.as_str().to_owned())
}

fn record_error(span: &mut Running, error: &Error) {
    let message = reason(error);
    span.exception(type_name::<Error>(), Some(message.clone()));
    span.fail(error_type(error), message);
}

/// One of few words. The error's type would be the same for all.
fn error_type(error: &Error) -> &'static str {
    let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    match io.map(io::Error::kind) {
        _ if error.is_timeout() => "timeout",
        Some(io::ErrorKind::ConnectionRefused) => "connection_refused",
        Some(io::ErrorKind::ConnectionReset) => "connection_reset",
        _ if error.is_dns() => "dns",
        _ if error.is_connect() => "connect",
        _ if error.is_redirect() => "redirect",
        _ if error.is_body() => "body",
        _ => "_OTHER",
    }
}

/// The deepest cause in words. The error itself has the whole URL in its text.
fn reason(error: &Error) -> String {
    causes(error)
        .last()
        .and_then(|cause| described(cause))
        .unwrap_or_else(|| error_type(error).to_owned())
}

fn causes(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// The URL without user, password and signatures.
fn without_secrets(url: &Url) -> Cow<'_, str> {
    let query = url.query().map(redacted);
    let has_user = !url.username().is_empty() || url.password().is_some();
    if !has_user && !matches!(query, Some(Cow::Owned(_))) {
        return Cow::Borrowed(url.as_str());
    }
    let mut clean = url.clone();
    // Both calls fail only for URLs without a host, which have neither.
    if !url.username().is_empty() {
        let _ = clean.set_username("REDACTED");
    }
    if url.password().is_some() {
        let _ = clean.set_password(Some("REDACTED"));
    }
    if let Some(query) = query {
        clean.set_query(Some(&query));
    }
    String::from(clean).into()
}

fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        // What a propagator writes and no header can hold is left out.
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(key.as_bytes()),
            HeaderValue::try_from(value),
        ) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_recorded_without_their_secrets() {
        let cases = [
            ("http://a/", "http://a/"),
            ("http://a:81/b?c=1#d", "http://a:81/b?c=1#d"),
            ("https://u:p@[::1]/", "https://REDACTED:REDACTED@[::1]/"),
            ("https://u@a/", "https://REDACTED@a/"),
            ("https://:p@a/", "https://:REDACTED@a/"),
            ("http://a/?sig=s&b=2", "http://a/?sig=REDACTED&b=2"),
        ];
        for (url, expected) in cases {
            let url = url.parse().expect("a URL");
            assert_eq!(without_secrets(&url), expected);
        }
    }
}
