//! What a collector has received, and how to wait for more.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};

use crate::export::testing::{Detail, SpanRecord, records, tree};

/// How many requests a collector has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Requests {
    /// Taken over OTLP/HTTP.
    pub http: u64,
    /// Taken over OTLP/gRPC.
    pub grpc: u64,
    /// Of those taken, how many were compressed.
    pub gzip: u64,
    /// Refused over OTLP/HTTP, with a status of 400 or more.
    pub refused: u64,
}

/// How a request came.
#[derive(Debug, Clone, Copy)]
pub(super) enum Protocol {
    Http,
    Grpc,
}

/// The spans waited for did not all come in time.
///
/// Shows what was there as a tree, also by `Debug`, so that a failed `unwrap` tells what is missing.
#[derive(Clone)]
#[non_exhaustive]
pub struct TimedOut {
    /// How long it was waited.
    pub timeout: Duration,
    /// The spans that were there at the end.
    pub spans: Vec<SpanRecord>,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, seconds) = (self.spans.len(), self.timeout.as_secs_f64());
        if count == 0 {
            return write!(formatter, "no span came within {seconds} s");
        }
        let tree = tree(&self.spans, Detail::NAMES.with_services());
        write!(
            formatter,
            "not all that was waited for came within {seconds} s; {count} spans did:\n{tree}"
        )
    }
}

impl fmt::Debug for TimedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for TimedOut {}

#[derive(Debug)]
pub(super) struct Store {
    capacity: usize,
    received: Mutex<Received>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Received {
    spans: VecDeque<SpanRecord>,
    dropped: u64,
    requests: Requests,
    /// Grows with each change of `spans`.
    version: u64,
}

impl Store {
    pub(super) fn new(capacity: NonZeroUsize) -> Self {
        Self {
            capacity: capacity.get(),
            received: Mutex::default(),
            arrived: Condvar::new(),
        }
    }

    /// Keeps the spans of a request; the answer tells the sender which of them were no spans.
    pub(super) fn take(
        &self,
        request: ExportTraceServiceRequest,
        protocol: Protocol,
        gzip: bool,
    ) -> ExportTraceServiceResponse {
        let (spans, invalid) = records(request.resource_spans);
        let mut received = self.lock();
        received.spans.extend(spans);
        let surplus = received.spans.len().saturating_sub(self.capacity);
        received.spans.drain(..surplus);
        received.dropped += surplus as u64;
        match protocol {
            Protocol::Http => received.requests.http += 1,
            Protocol::Grpc => received.requests.grpc += 1,
        }
        received.requests.gzip += u64::from(gzip);
        received.version += 1;
        drop(received);
        self.arrived.notify_all();
        ExportTraceServiceResponse {
            partial_success: (invalid > 0).then(|| ExportTracePartialSuccess {
                rejected_spans: i64::try_from(invalid).unwrap_or(i64::MAX),
                error_message: "a trace id has 16 bytes, a span id 8, and not all of them are zero"
                    .to_owned(),
            }),
        }
    }

    pub(super) fn refused(&self) {
        self.lock().requests.refused += 1;
    }

    pub(super) fn spans(&self) -> Vec<SpanRecord> {
        self.lock().spans.iter().cloned().collect()
    }

    pub(super) fn requests(&self) -> Requests {
        self.lock().requests
    }

    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    pub(super) fn clear(&self) {
        let mut received = self.lock();
        received.spans.clear();
        received.version += 1;
    }

    /// `done` runs without the lock, so that it may panic and may ask the collector.
    pub(super) fn wait_for(
        &self,
        timeout: Duration,
        mut done: impl FnMut(&[SpanRecord]) -> bool,
    ) -> Result<Vec<SpanRecord>, TimedOut> {
        let started = Instant::now();
        loop {
            let (spans, version) = {
                let received = self.lock();
                (
                    received.spans.iter().cloned().collect::<Vec<_>>(),
                    received.version,
                )
            };
            if done(&spans) {
                return Ok(spans);
            }
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Err(TimedOut { timeout, spans });
            }
            let unchanged = |received: &mut Received| received.version == version;
            drop(
                self.arrived
                    .wait_timeout_while(self.lock(), left, unchanged),
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
