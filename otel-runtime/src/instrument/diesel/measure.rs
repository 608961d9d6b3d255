//! How long queries take, by the conventions for metrics of database clients.
//! <https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#database-operation>

use std::time::Instant;

use opentelemetry::{KeyValue, metrics::Histogram};
use opentelemetry_semantic_conventions::{
    attribute::{DB_RESPONSE_STATUS_CODE, ERROR_TYPE},
    metric::DB_CLIENT_OPERATION_DURATION,
};

use super::{failure::Failure, statement::Statement};
use crate::{engine::map_current, instrument::scope::meter};

/// In seconds; the conventions' advice.
pub(super) const BOUNDARIES: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// What the queries of one connection are measured with.
#[derive(Debug)]
pub(super) struct Measure {
    /// From the meter provider that is installed when the first query ends: connections are often opened before.
    duration: Option<Histogram<f64>>,
}

/// When a query was announced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Started(Instant);

impl Started {
    pub(super) fn now() -> Self {
        Self(Instant::now())
    }
}

/// Whether a query is measured of which no span is made: not where telemetry is suppressed, nor at the end of a thread.
pub(super) fn is_wanted() -> bool {
    map_current(|context| !context.is_telemetry_suppressed()) == Some(true)
}

impl Measure {
    pub(super) fn new() -> Self {
        Self { duration: None }
    }

    pub(super) fn record(
        &mut self,
        statement: &Statement,
        started: Started,
        failure: Option<&Failure>,
    ) {
        let seconds = started.0.elapsed().as_secs_f64();
        let duration = self.duration.get_or_insert_with(duration);
        let known = statement.described().measured();
        match failure {
            None => duration.record(seconds, known),
            Some(failure) => {
                let mut attributes = known.to_vec();
                attributes.push(KeyValue::new(ERROR_TYPE, failure.error_type.clone()));
                let code = failure.code;
                attributes.extend(code.map(|code| KeyValue::new(DB_RESPONSE_STATUS_CODE, code)));
                duration.record(seconds, &attributes);
            }
        }
    }
}

#[cold]
fn duration() -> Histogram<f64> {
    meter()
        .f64_histogram(DB_CLIENT_OPERATION_DURATION)
        .with_unit("s")
        .with_description("Duration of database client operations.")
        .with_boundaries(BOUNDARIES.to_vec())
        .build()
}
