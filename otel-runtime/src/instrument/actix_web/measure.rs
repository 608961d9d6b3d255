//! How long requests take and how many there are at a time, by the conventions for metrics of HTTP servers.
//! <https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>

use std::{borrow::Cow, rc::Rc, time::Instant};

use actix_web::{dev::ServiceRequest, http::StatusCode};
use opentelemetry::{
    KeyValue,
    metrics::{Histogram, UpDownCounter},
};
use opentelemetry_semantic_conventions::{
    attribute::{
        ERROR_TYPE, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE, NETWORK_PROTOCOL_VERSION, URL_SCHEME,
    },
    metric::{HTTP_SERVER_ACTIVE_REQUESTS, HTTP_SERVER_REQUEST_DURATION},
};

use super::request;
use crate::instrument::{
    http::{self, Method},
    scope::meter,
};

/// What is measured with.
#[derive(Debug)]
pub(super) struct Instruments {
    duration: Histogram<f64>,
    active: UpDownCounter<i64>,
}

impl Instruments {
    /// From the meter provider that is installed now.
    pub(super) fn new() -> Rc<Self> {
        let meter = meter();
        let duration = meter
            .f64_histogram(HTTP_SERVER_REQUEST_DURATION)
            .with_unit("s")
            .with_description("Duration of HTTP server requests.")
            .with_boundaries(http::BOUNDARIES.to_vec());
        let active = meter
            .i64_up_down_counter(HTTP_SERVER_ACTIVE_REQUESTS)
            .with_unit("{request}")
            .with_description("Number of active HTTP server requests.");
        Rc::new(Self {
            duration: duration.build(),
            active: active.build(),
        })
    }
}

/// One request as it is measured, until this is dropped.
#[derive(Debug)]
pub(super) struct Measure {
    instruments: Rc<Instruments>,
    started: Instant,
    /// The attributes that are known when the request starts, and the same when it ends.
    known: [KeyValue; 2],
    version: Option<&'static str>,
    route: Option<String>,
    status: Option<StatusCode>,
    error: Option<Cow<'static, str>>,
}

impl Measure {
    pub(super) fn start(
        instruments: &Rc<Instruments>,
        request: &ServiceRequest,
        method: &Method,
    ) -> Self {
        // The scheme may be anything that a client made up. In metrics there is no place for that.
        let secure = request::scheme(request).eq_ignore_ascii_case("https");
        let scheme = if secure { "https" } else { "http" };
        let known = [method.attribute(), KeyValue::new(URL_SCHEME, scheme)];
        instruments.active.add(1, &known);
        Self {
            instruments: Rc::clone(instruments),
            started: Instant::now(),
            known,
            version: request::protocol_version(request.version()),
            route: None,
            status: None,
            error: None,
        }
    }

    /// Whether the route is of any use.
    #[expect(clippy::unused_self, reason = "without metrics the answer is another")]
    pub(super) fn is_measuring(&self) -> bool {
        true
    }

    pub(super) fn set_route(&mut self, route: &str) {
        self.route = Some(route.to_owned());
    }

    pub(super) fn set_status(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// The first failure is the one that is told.
    pub(super) fn fail(&mut self, error_type: Cow<'static, str>) {
        self.error.get_or_insert(error_type);
    }
}

impl Drop for Measure {
    fn drop(&mut self) {
        self.instruments.active.add(-1, &self.known);
        let mut attributes = Vec::with_capacity(6);
        attributes.extend_from_slice(&self.known);
        attributes.extend(
            self.version
                .map(|version| KeyValue::new(NETWORK_PROTOCOL_VERSION, version)),
        );
        attributes.extend(
            self.route
                .take()
                .map(|route| KeyValue::new(HTTP_ROUTE, route)),
        );
        attributes
            .extend(self.status.map(|status| {
                KeyValue::new(HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16()))
            }));
        attributes.extend(
            self.error
                .take()
                .map(|error| KeyValue::new(ERROR_TYPE, error)),
        );
        let seconds = self.started.elapsed().as_secs_f64();
        self.instruments.duration.record(seconds, &attributes);
    }
}
