//! How long connections are waited for, by the conventions for metrics of connection pools.
//! <https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#connection-pools>

use std::{sync::OnceLock, time::Instant};

use opentelemetry::{
    KeyValue, StringValue,
    metrics::{Counter, Histogram, UpDownCounter},
};
use opentelemetry_semantic_conventions::{
    attribute::DB_CLIENT_CONNECTION_POOL_NAME,
    metric::{
        DB_CLIENT_CONNECTION_PENDING_REQUESTS, DB_CLIENT_CONNECTION_TIMEOUTS,
        DB_CLIENT_CONNECTION_WAIT_TIME,
    },
};

use crate::instrument::{diesel::measure::BOUNDARIES, scope::meter};

/// What the pool of one name is measured with.
pub(super) struct Measure {
    pool: [KeyValue; 1],
    /// From the meter provider that is installed when the first connection is taken: pools are often opened before.
    instruments: OnceLock<Instruments>,
}

struct Instruments {
    wait_time: Histogram<f64>,
    pending: UpDownCounter<i64>,
    timeouts: Counter<u64>,
}

impl Measure {
    pub(super) fn new(name: StringValue) -> Self {
        Self {
            pool: [KeyValue::new(DB_CLIENT_CONNECTION_POOL_NAME, name)],
            instruments: OnceLock::new(),
        }
    }

    /// A connection was taken, by somebody who asked for one at this time.
    pub(super) fn taken(&self, asked: Instant) {
        let seconds = asked.elapsed().as_secs_f64();
        self.instruments().wait_time.record(seconds, &self.pool);
    }

    pub(super) fn timed_out(&self) {
        self.instruments().timeouts.add(1, &self.pool);
    }

    /// So many more wait.
    pub(super) fn pending(&self, more: i64) {
        self.instruments().pending.add(more, &self.pool);
    }

    fn instruments(&self) -> &Instruments {
        self.instruments.get_or_init(|| {
            let meter = meter();
            // The conventions advise no boundaries for this one; these are theirs for the duration of a query.
            let wait_time = meter
                .f64_histogram(DB_CLIENT_CONNECTION_WAIT_TIME)
                .with_unit("s")
                .with_description("The time it took to obtain an open connection from the pool.")
                .with_boundaries(BOUNDARIES.to_vec());
            let pending = meter
                .i64_up_down_counter(DB_CLIENT_CONNECTION_PENDING_REQUESTS)
                .with_unit("{request}")
                .with_description("The number of current pending requests for an open connection.");
            let timeouts = meter
                .u64_counter(DB_CLIENT_CONNECTION_TIMEOUTS)
                .with_unit("{timeout}")
                .with_description(
                    "The number of connection timeouts that have occurred trying to obtain a connection from the pool.",
                );
            Instruments {
                wait_time: wait_time.build(),
                pending: pending.build(),
                timeouts: timeouts.build(),
            }
        })
    }
}
