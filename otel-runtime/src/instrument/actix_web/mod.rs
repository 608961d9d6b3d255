//! Server spans for actix-web.
//!
//! ```
//! use actix_web::{App, web};
//! use otel_runtime::instrument::actix_web::RequestTracing;
//!
//! let app = App::new()
//!     .wrap(RequestTracing::new())
//!     .route("/api/v1/rooms/{id}", web::get().to(async || "a room"));
//! # drop(app);
//! ```
//!
//! A request to it makes the span `GET /api/v1/rooms/{id}`, as a child of the caller's span if the request's headers
//! name one. Wrap it last, so that it is outermost and sees what the other middleware does.

mod body;
mod request;

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context as Waker, Poll},
};

use actix_web::{
    Error, HttpMessage as _,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    error::BlockingError,
    http::StatusCode,
};
use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute::{HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE};
use pin_project_lite::pin_project;

use self::request::Method;
use super::running::Running;

pub use self::body::TracedBody;

/// Runs blocking work on actix-web's thread pool, in the context that is current now.
///
/// This is [`actix_web::web::block`] with the trace carried over: spans made by the work, such as those of
/// database queries, become children of the current span.
///
/// # Errors
///
/// When the work panicked, or the pool is gone because the server stops.
pub async fn block<F, T>(work: F) -> Result<T, BlockingError>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    actix_web::web::block(crate::context::carry(work)).await
}

/// Middleware that makes a server span of each request, by the stable HTTP conventions.
///
/// The span is current while the inner services are polled, and while the body is streamed; it ends with the body. A
/// 5xx answer and a panic mark it as failed; a client that goes away marks it as
/// [`CANCELLED`](crate::CANCELLED).
#[derive(Clone, Debug)]
pub struct RequestTracing {
    known_methods: Rc<[Box<str>]>,
}

impl RequestTracing {
    /// Traces every request; the known methods are those of RFC 9110, `PATCH` and `QUERY`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            known_methods: request::KNOWN_METHODS
                .iter()
                .map(|&method| method.into())
                .collect(),
        }
    }

    /// Replaces the methods that may stand in span names; all others are recorded as `_OTHER`.
    #[must_use]
    pub fn known_methods<'a>(self, methods: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            known_methods: methods.into_iter().map(Box::from).collect(),
        }
    }
}

impl Default for RequestTracing {
    fn default() -> Self {
        Self::new()
    }
}

impl<S, B> Transform<S, ServiceRequest> for RequestTracing
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<TracedBody<B>>;
    type Error = Error;
    type Transform = TracedService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(TracedService {
            service,
            known_methods: Rc::clone(&self.known_methods),
        }))
    }
}

/// A service wrapped by [`RequestTracing`].
#[derive(Debug)]
pub struct TracedService<S> {
    service: S,
    known_methods: Rc<[Box<str>]>,
}

impl<S, B> Service<ServiceRequest> for TracedService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<TracedBody<B>>;
    type Error = Error;
    type Future = TracedResponse<S::Future>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        // Around an app and again around one of its scopes: the outer one has the span.
        if request.extensions().contains::<Traced>() {
            return TracedResponse {
                response: self.service.call(request),
                span: None,
            };
        }
        request.extensions_mut().insert(Traced);

        let method = Method::new(request.method(), &self.known_methods);
        let mut span = Running::start(
            || request::span(&request, &method),
            &request::parent(&request),
        );
        let mut route = None;
        if span.is_recording() {
            // Routing is still to come, but most often its result is known by the path alone. Taken now, it is there
            // also when no response tells it: after a panic, an error, or when the client goes away.
            route = request.match_pattern();
            record_route(&mut span, &method, route.as_deref());
        }
        let response = span.step(|| self.service.call(request));
        TracedResponse {
            response,
            span: Some(RequestSpan {
                span,
                method,
                route,
            }),
        }
    }
}

/// In a request's extensions: there is a span for it.
struct Traced;

#[derive(Debug)]
struct RequestSpan {
    span: Running,
    method: Method,
    route: Option<String>,
}

pin_project! {
    /// The future of a request wrapped by [`RequestTracing`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct TracedResponse<F> {
        #[pin]
        response: F,
        span: Option<RequestSpan>,
    }
}

impl<F, B> Future for TracedResponse<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<TracedBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let poll = match this.span {
            Some(RequestSpan { span, .. }) => span.step(|| this.response.poll(waker)),
            None => this.response.poll(waker),
        };
        poll.map(|result| match (result, this.span.take()) {
            (Ok(response), Some(request)) => Ok(respond(response, request)),
            (Ok(response), None) => Ok(response.map_body(|_, body| TracedBody::untraced(body))),
            (Err(error), Some(mut request)) => {
                record_status(&mut request.span, error.as_response_error().status_code());
                request.span.end();
                Err(error)
            }
            (Err(error), None) => Err(error),
        })
    }
}

/// Records what the response tells, and leaves the span to its body.
fn respond<B: MessageBody>(
    response: ServiceResponse<B>,
    request: RequestSpan,
) -> ServiceResponse<TracedBody<B>> {
    let RequestSpan {
        mut span,
        method,
        route,
    } = request;
    let status = response.status();
    if span.is_recording() {
        // The path may have been rewritten on its way to the router, and routes may differ by guards only.
        let matched = response.request().match_pattern();
        if matched.is_some() && matched != route {
            record_route(&mut span, &method, matched.as_deref());
        }
        record_status(&mut span, status);
    }
    let bodiless = method.is_head()
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    response.map_body(|_, body| TracedBody::new(body, span, bodiless))
}

fn record_route(span: &mut Running, method: &Method, route: Option<&str>) {
    if let Some(route) = route {
        span.rename(format!("{} {route}", method.span_name()));
        span.set_late(KeyValue::new(HTTP_ROUTE, route.to_owned()));
    }
}

fn record_status(span: &mut Running, status: StatusCode) {
    if span.is_recording() {
        span.set(KeyValue::new(
            HTTP_RESPONSE_STATUS_CODE,
            i64::from(status.as_u16()),
        ));
        if status.is_server_error() {
            span.fail(status.as_str().to_owned(), String::new());
        }
    }
}
