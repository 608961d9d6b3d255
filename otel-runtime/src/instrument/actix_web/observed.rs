//! All that is recorded of one request: its span, and what is measured.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use opentelemetry_semantic_conventions::attribute::{HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE};

use super::measure::Measure;
use crate::instrument::running::{PANIC, Running};

/// The `error.type` of a request that was not answered to the end, most often as the client went away. The conventions
/// count it as an error.
const CUT_OFF: &str = "cancelled";

/// A request's span and measurement; both end when this is dropped.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) span: Running,
    measure: Measure,
    progress: Progress,
}

/// How far a request is.
#[derive(Clone, Copy, Debug)]
enum Progress {
    Waiting,
    /// The handler's code runs just now. If it still does at the end, it has panicked.
    Working,
    Done,
}

impl Observed {
    pub(super) fn new(span: Running, measure: Measure) -> Self {
        Self {
            span,
            measure,
            progress: Progress::Waiting,
        }
    }

    /// Runs one step of the work with the span current.
    pub(super) fn step<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.progress = Progress::Working;
        let result = self.span.step(work);
        self.progress = Progress::Waiting;
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
        self.progress = Progress::Done;
        self.span.end();
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        match self.progress {
            Progress::Waiting => self.fail(Cow::Borrowed(CUT_OFF)),
            // The span has it already.
            Progress::Working => self.measure.fail(Cow::Borrowed(PANIC)),
            Progress::Done => {}
        }
    }
}
