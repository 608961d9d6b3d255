//! All that is recorded of one request: its span, and what is measured.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use opentelemetry_semantic_conventions::attribute::{HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE};

use super::measure::Measure;
use crate::instrument::running::Running;

/// A request's span and measurement; both end when this is dropped.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) span: Running,
    pub(super) measure: Measure,
}

impl Observed {
    /// Runs one step of the work with the span current.
    pub(super) fn step<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.measure.enter();
        let result = self.span.step(work);
        self.measure.leave();
        result
    }

    /// Whether the route is of any use.
    pub(super) fn wants_route(&self) -> bool {
        self.span.is_recording() || self.measure.is_measuring()
    }

    pub(super) fn record_route(&mut self, route: String) {
        self.measure.set_route(&route);
        if self.span.is_recording() {
            self.span.set_late(HTTP_ROUTE, route);
        }
    }

    pub(super) fn record_status(&mut self, status: StatusCode) {
        self.measure.set_status(status);
        self.span
            .set_last(HTTP_RESPONSE_STATUS_CODE, status.as_u16());
        if status.is_server_error() {
            self.fail(Cow::Owned(status.as_str().to_owned()));
        }
    }

    pub(super) fn fail(&mut self, error_type: Cow<'static, str>) {
        self.measure.fail(error_type.clone());
        self.span.fail(error_type, String::new());
    }

    /// Ends both, as the work is done.
    pub(super) fn end(mut self) {
        self.span.end();
    }
}
