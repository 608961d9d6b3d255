//! How long requests take, by the conventions for metrics of HTTP clients.
//! <https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpclientrequestduration>

use std::{sync::LazyLock, time::Instant};

use opentelemetry::{KeyValue, metrics::Histogram};
use opentelemetry_semantic_conventions::{
    attribute::{
        ERROR_TYPE, HTTP_RESPONSE_STATUS_CODE, NETWORK_PROTOCOL_VERSION, SERVER_ADDRESS,
        SERVER_PORT,
    },
    metric::HTTP_CLIENT_REQUEST_DURATION,
};
use reqwest::{Request, Response};

use super::protocol_version;
use crate::instrument::{address::without_brackets, http, scope::meter};

/// From the meter provider that is installed when the first request is sent.
static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    let meter = meter();
    let duration = meter
        .f64_histogram(HTTP_CLIENT_REQUEST_DURATION)
        .with_unit("s")
        .with_description("Duration of HTTP client requests.")
        .with_boundaries(http::BOUNDARIES.to_vec());
    duration.build()
});

/// One request as it is measured, until this is dropped.
#[derive(Debug)]
pub(super) struct Measure {
    started: Instant,
    attributes: Vec<KeyValue>,
}

impl Measure {
    pub(super) fn start(request: &Request) -> Self {
        let url = request.url();
        let method = http::Method::new(request.method().as_str(), http::known_methods());
        let mut attributes = Vec::with_capacity(6);
        attributes.push(method.attribute());
        if let Some(host) = url.host_str() {
            let host = without_brackets(host).to_owned();
            attributes.push(KeyValue::new(SERVER_ADDRESS, host));
        }
        if let Some(port) = url.port_or_known_default() {
            attributes.push(KeyValue::new(SERVER_PORT, i64::from(port)));
        }
        Self {
            started: Instant::now(),
            attributes,
        }
    }

    pub(super) fn answered(&mut self, response: &Response) {
        let status = i64::from(response.status().as_u16());
        self.add(KeyValue::new(HTTP_RESPONSE_STATUS_CODE, status));
        if let Some(version) = protocol_version(response.version()) {
            self.add(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
        }
    }

    pub(super) fn failed(&mut self, error_type: String) {
        self.add(KeyValue::new(ERROR_TYPE, error_type));
    }

    fn add(&mut self, attribute: KeyValue) {
        self.attributes.push(attribute);
    }
}

impl Drop for Measure {
    fn drop(&mut self) {
        let seconds = self.started.elapsed().as_secs_f64();
        DURATION.record(seconds, &self.attributes);
    }
}
