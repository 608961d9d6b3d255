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
//!
//! Recorded are, as far as they are known: `http.request.method` (and `http.request.method_original` of one that is not
//! known), `http.route`, `http.response.status_code`, `error.type`, `url.scheme`, `url.path`, `url.query` (without the values of
//! `X-Amz-Signature`, `X-Amz-Credential`, `X-Amz-Security-Token`, `X-Goog-Signature` and `sig`), `server.address`,
//! `server.port`, `client.address`, `network.peer.address`, `network.peer.port`, `network.protocol.version`,
//! `user_agent.original`, and of a panic an event `exception` with its message. Behind a proxy, scheme, server and client are
//! those that `Forwarded` or `X-Forwarded-*` tell.
//!
//! What is skipped, recorded in addition, or named in another way:
//!
//! ```
//! use actix_web::{App, HttpMessage as _, dev::{ResponseHead, ServiceRequest}};
//! use opentelemetry::KeyValue;
//! use otel_runtime::instrument::actix_web::RequestTracing;
//!
//! let tracing = RequestTracing::new()
//!     .skip_paths(["/metrics", "/health/*"])
//!     .request_headers(["x-request-id"])
//!     .response_headers(["content-type"])
//!     .request_attributes(|request: &ServiceRequest| {
//!         [KeyValue::new("booking.chunked", request.chunked().unwrap_or(false))]
//!     })
//!     .response_attributes(|response: &ResponseHead| {
//!         Some(KeyValue::new("booking.upgraded", response.upgrade()))
//!     })
//!     .span_name(|request: &ServiceRequest| {
//!         request.path().starts_with("/admin/").then(|| format!("{} admin", request.method()))
//!     });
//! # drop(App::new().wrap(tracing));
//! ```
//!
//! With the feature `metrics`, requests are measured by the meter provider that is installed when the server starts (the
//! exporter here needs the features `metrics` and `testing` of `opentelemetry_sdk`):
//!
//! ```
//! # #[cfg(feature = "metrics")]
//! # {
//! use actix_web::{App, HttpServer};
//! use opentelemetry::global;
//! use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
//! use otel_runtime::instrument::actix_web::RequestTracing;
//!
//! let exporter = InMemoryMetricExporter::default();
//! let metrics = SdkMeterProvider::builder().with_periodic_exporter(exporter).build();
//! global::set_meter_provider(metrics);
//! let server = HttpServer::new(|| App::new().wrap(RequestTracing::new()));
//! # drop(server);
//! # }
//! ```

mod body;
#[cfg(feature = "metrics")]
mod measure;
#[cfg(not(feature = "metrics"))]
#[path = "no_measure.rs"]
mod measure;
mod observed;
mod options;
mod request;
mod routes;

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context as Waker, Poll, ready},
};

use actix_web::{
    Error, HttpMessage as _,
    body::MessageBody,
    dev::{ResponseHead, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    error::BlockingError,
    http::StatusCode,
};
use opentelemetry::KeyValue;
use pin_project_lite::pin_project;

use self::{
    measure::{Instruments, Measure},
    observed::Observed,
    options::Options,
    routes::Routes,
};
use super::{http::Method, running::Running, starting::joined};
use crate::engine::{Around, Within};

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
/// With the feature `metrics` it measures `http.server.request.duration`, in seconds, and `http.server.active_requests` as well,
/// of every request, skipped or sampled or not. The meter provider has to be installed globally before the server starts;
/// what is measured ends with the body, as the span does.
///
/// The span is current while the inner services are polled, and while the body is streamed. It ends with the body, or with
/// the head of an answer that has none; that to an upgrade (101) is one of those, as the connection is something else by then, but what
/// is done on it still belongs to the trace. A 5xx answer, a panic, and a body that fails or is shorter than told mark the
/// span as failed; so does a client that goes away, which marks it as [`CANCELLED`](crate::CANCELLED) as well, with the
/// `error.type` `cancelled`. A client that goes away is noticed when
/// bytes are sent to it; with [`h1_allow_half_closed(false)`](actix_web::HttpServer::h1_allow_half_closed) also while the
/// handler works.
///
/// What a handler, an inner middleware or a body holds is dropped within the span, but not the extensions of the request: actix-web
/// drops them once the response is there.
#[derive(Clone, Debug)]
pub struct RequestTracing {
    options: Rc<Options>,
}

impl RequestTracing {
    /// Traces every request; the known methods are those of RFC 9110, `PATCH` and `QUERY`, unless the variable
    /// `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS` names others, with commas between them.
    #[must_use]
    pub fn new() -> Self {
        Self {
            options: Rc::new(Options::new()),
        }
    }

    /// Replaces the methods that may stand in span names; all others are recorded as `_OTHER`.
    #[must_use]
    pub fn known_methods<'a>(self, methods: impl IntoIterator<Item = &'a str>) -> Self {
        self.with(|options| {
            options.known_methods = methods.into_iter().map(str::to_owned).collect();
        })
    }

    /// Makes no span of requests to these paths, nor of anything that is done for them; with `*` at its end, a path
    /// stands for all that begin so.
    ///
    /// What is done for such a request includes what other services do: they are told that the trace is not sampled.
    /// Paths are compared as they come from the client, before any middleware rewrites them. Lines that are logged for such a
    /// request are written as ever, and not exported.
    #[must_use]
    pub fn skip_paths<'a>(self, paths: impl IntoIterator<Item = &'a str>) -> Self {
        self.with(|options| paths.into_iter().for_each(|path| options.skip_path(path)))
    }

    /// Like [`skip_paths`](Self::skip_paths), for requests that `skip` says yes to.
    #[must_use]
    pub fn skip_if(self, skip: impl Fn(&ServiceRequest) -> bool + 'static) -> Self {
        self.with(|options| options.skip_if(skip))
    }

    /// Records these headers of the request, as `http.request.header.<name>` with the name in lower case.
    ///
    /// No header is recorded unless it is listed, as there are secrets in them.
    #[must_use]
    pub fn request_headers<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.with(|options| {
            names
                .into_iter()
                .for_each(|name| options.request_header(name));
        })
    }

    /// Records these headers of the response, as `http.response.header.<name>` with the name in lower case.
    ///
    /// An error that an inner middleware returns, instead of a response, has the status recorded that its `status_code` says, and
    /// nothing else: its response is made later, may have another status, and some can be made only once. (What a handler returns is a response here.)
    #[must_use]
    pub fn response_headers<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.with(|options| {
            names
                .into_iter()
                .for_each(|name| options.response_header(name));
        })
    }

    /// Records more about each request whose span records, before it is handled. Samplers do not see it.
    #[must_use]
    pub fn request_attributes<I>(self, attributes: impl Fn(&ServiceRequest) -> I + 'static) -> Self
    where
        I: IntoIterator<Item = KeyValue>,
    {
        self.with(|options| options.add_request_attributes(attributes))
    }

    /// Records more about each response to a request whose span records, before its body is sent.
    ///
    /// Errors that an inner middleware returns have none: see [`response_headers`](Self::response_headers).
    #[must_use]
    pub fn response_attributes<I>(self, attributes: impl Fn(&ResponseHead) -> I + 'static) -> Self
    where
        I: IntoIterator<Item = KeyValue>,
    {
        self.with(|options| options.add_response_attributes(attributes))
    }

    /// Names spans; where it answers `None`, the name is `{method} {route}`, or the method without a route.
    ///
    /// There should be few different names, so no ids in them. Samplers see the method alone, whatever the name.
    #[must_use]
    pub fn span_name(self, name: impl Fn(&ServiceRequest) -> Option<String> + 'static) -> Self {
        self.with(|options| options.name_by(name))
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(Rc::make_mut(&mut self.options));
        self
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
            options: Rc::clone(&self.options),
            instruments: Instruments::new(),
            routes: Routes::new(),
        }))
    }
}

/// A service wrapped by [`RequestTracing`].
#[derive(Debug)]
pub struct TracedService<S> {
    service: S,
    options: Rc<Options>,
    instruments: Rc<Instruments>,
    routes: Routes,
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
                within: Within::new(self.service.call(request), None),
            };
        }
        request.extensions_mut().insert(Traced);

        let mut span = RequestSpan::start(&request, &self.options, &self.instruments, &self.routes);
        let response = span.observed.step(|| self.service.call(request));
        TracedResponse {
            within: Within::new(response, Some(span)),
        }
    }
}

/// In a request's extensions: there is a span for it.
struct Traced;

#[derive(Debug)]
struct RequestSpan {
    observed: Observed,
    method: Method,
    /// Whether the user chose the name, so that the route does not change it.
    named: bool,
    options: Rc<Options>,
}

impl RequestSpan {
    fn start(
        request: &ServiceRequest,
        options: &Rc<Options>,
        instruments: &Rc<Instruments>,
        routes: &Routes,
    ) -> Self {
        let method = Method::new(request.method().as_str(), &options.known_methods);
        let measure = Measure::start(instruments, request, &method);
        let parent = request::parent(request);
        // Routing is still to come, but most often its result is known by the path alone. Taken now, it is there also when no
        // response tells it: after a panic, an error, or when the client goes away. A sampler would see the name.
        let mut route = None;
        let span = if options.skips(request) {
            Running::skipped(&parent)
        } else {
            Running::start(&request::SERVER, &parent, |span| {
                request::describe(request, &method, options, span);
                if span.is_decided() && !options.names() {
                    route = routes.route(request);
                    if let Some(route) = &route {
                        span.set_name(joined(&method.span_name(), route));
                    }
                }
            })
        };
        let mut this = Self {
            observed: Observed::new(span, measure),
            method,
            named: false,
            options: Rc::clone(options),
        };
        if this.observed.span.is_recording() {
            if let Some(name) = options.span_name(request) {
                this.observed.span.rename(name);
                this.named = true;
            }
            if options.look_at_requests()
                && let Some(mut fields) = this.observed.span.fields()
            {
                for attribute in options.request_attributes(request) {
                    fields.add(attribute);
                }
            }
        }
        if let Some(route) = route {
            this.observed.record_route(route);
        } else if this.observed.wants_route() {
            this.record_route(routes.route(request));
        }
        this
    }

    fn record_route(&mut self, route: Option<String>) {
        // Of a span that records the route is known already, most often.
        if let Some(route) = route.filter(|route| self.observed.span.late() != Some(route.as_str()))
        {
            if !self.named && self.observed.span.is_recording() {
                let name = joined(&self.method.span_name(), &route);
                self.observed.span.rename(name);
            }
            self.observed.record_route(route);
        }
    }

    fn record_response(&mut self, response: &ResponseHead) {
        if self.options.look_at_responses()
            && let Some(mut fields) = self.observed.span.fields()
        {
            for attribute in self.options.response_attributes(response) {
                fields.add(attribute);
            }
        }
    }
}

impl Around for RequestSpan {
    type Attached = <Running as Around>::Attached;

    fn make_current(&self) -> Self::Attached {
        self.observed.span.make_current()
    }
}

pin_project! {
    /// The future of a request wrapped by [`RequestTracing`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct TracedResponse<F> {
        #[pin]
        within: Within<F, Option<RequestSpan>>,
    }
}

impl<F, B> Future for TracedResponse<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<TracedBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<Self::Output> {
        let mut within = self.project().within;
        let (response, span) = within.as_mut().parts();
        let result = ready!(match span {
            Some(RequestSpan { observed, .. }) => observed.step(|| response.poll(waker)),
            None => response.poll(waker),
        });
        let span = span.take();
        {
            let _current = span.make_current();
            within.clear();
        }
        Poll::Ready(match (result, span) {
            (Ok(response), Some(request)) => Ok(respond(response, request)),
            (Ok(response), None) => Ok(response.map_body(|_, body| TracedBody::untraced(body))),
            (Err(error), Some(mut request)) => {
                // Its response is not looked at: the server asks for it, and some can be had only once.
                let status = error.as_response_error().status_code();
                request.observed.record_status(status);
                request.observed.end();
                Err(error)
            }
            (Err(error), None) => Err(error),
        })
    }
}

/// Records what the response tells, and leaves the span to its body.
fn respond<B: MessageBody>(
    response: ServiceResponse<B>,
    mut request: RequestSpan,
) -> ServiceResponse<TracedBody<B>> {
    let status = response.status();
    if request.observed.wants_route() {
        // The path may have been rewritten on its way to the router, and routes may differ by guards only.
        request.record_route(response.request().match_pattern());
    }
    request.observed.record_status(status);
    request.record_response(response.response().head());
    let bodiless = request.method.is_head()
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    response.map_body(|_, body| TracedBody::new(body, request.observed, bodiless))
}
