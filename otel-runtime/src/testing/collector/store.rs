//! What a collector has received, and how to wait for more.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};

use crate::export::testing::{LogRecord, SpanRecord, log_records, records};

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

#[derive(Debug)]
pub(super) struct Store {
    received: Mutex<Received>,
    arrived: Condvar,
}

#[derive(Debug)]
pub(super) struct Received {
    pub(super) spans: Newest<SpanRecord>,
    pub(super) log_records: Newest<LogRecord>,
    requests: Requests,
    last_refusal: Option<Refusal>,
    /// Grows with each change of what is kept.
    version: u64,
}

/// A request that was not taken.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) path: String,
    pub(super) status: u16,
    pub(super) reason: String,
}

/// What came and is not there.
#[derive(Debug, Clone)]
pub(super) struct Missed {
    /// How many requests were refused.
    pub(super) refused: u64,
    pub(super) last_refusal: Option<Refusal>,
    /// How many spans or log records gave way to newer ones.
    pub(super) dropped: u64,
}

/// The newest of what came.
#[derive(Debug)]
pub(super) struct Newest<T> {
    kept: VecDeque<T>,
    capacity: usize,
    dropped: u64,
}

impl<T: Clone> Newest<T> {
    fn new(capacity: NonZeroUsize) -> Self {
        Self {
            kept: VecDeque::new(),
            capacity: capacity.get(),
            dropped: 0,
        }
    }

    fn extend(&mut self, arrived: Vec<T>) {
        self.kept.extend(arrived);
        let surplus = self.kept.len().saturating_sub(self.capacity);
        self.kept.drain(..surplus);
        self.dropped += surplus as u64;
    }

    fn all(&self) -> Vec<T> {
        self.kept.iter().cloned().collect()
    }
}

impl Store {
    pub(super) fn new(capacity: NonZeroUsize) -> Self {
        Self {
            received: Mutex::new(Received {
                spans: Newest::new(capacity),
                log_records: Newest::new(capacity),
                requests: Requests::default(),
                last_refusal: None,
                version: 0,
            }),
            arrived: Condvar::new(),
        }
    }

    /// Keeps the spans of a request; the answer tells the sender which of them were no spans.
    pub(super) fn take_spans(
        &self,
        request: ExportTraceServiceRequest,
        protocol: Protocol,
        gzip: bool,
    ) -> ExportTraceServiceResponse {
        let (spans, invalid) = records(request.resource_spans);
        self.take(protocol, gzip, |received| received.spans.extend(spans));
        ExportTraceServiceResponse {
            partial_success: (invalid > 0).then(|| ExportTracePartialSuccess {
                rejected_spans: i64::try_from(invalid).unwrap_or(i64::MAX),
                error_message: "a trace id has 16 bytes, a span id 8, and not all of them are zero"
                    .to_owned(),
            }),
        }
    }

    /// Keeps the log records of a request.
    pub(super) fn take_logs(
        &self,
        request: ExportLogsServiceRequest,
        protocol: Protocol,
        gzip: bool,
    ) -> ExportLogsServiceResponse {
        let records = log_records(request.resource_logs);
        self.take(protocol, gzip, |received| {
            received.log_records.extend(records);
        });
        ExportLogsServiceResponse {
            partial_success: None,
        }
    }

    fn take(&self, protocol: Protocol, gzip: bool, keep: impl FnOnce(&mut Received)) {
        let mut received = self.lock();
        keep(&mut received);
        match protocol {
            Protocol::Http => received.requests.http += 1,
            Protocol::Grpc => received.requests.grpc += 1,
        }
        received.requests.gzip += u64::from(gzip);
        received.version += 1;
        drop(received);
        self.arrived.notify_all();
    }

    pub(super) fn refused(&self, refusal: Refusal) {
        let mut received = self.lock();
        received.requests.refused += 1;
        received.last_refusal = Some(refusal);
    }

    pub(super) fn spans(&self) -> Vec<SpanRecord> {
        self.lock().spans.all()
    }

    pub(super) fn log_records(&self) -> Vec<LogRecord> {
        self.lock().log_records.all()
    }

    pub(super) fn requests(&self) -> Requests {
        self.lock().requests
    }

    pub(super) fn dropped(&self) -> u64 {
        self.lock().spans.dropped
    }

    pub(super) fn clear(&self) {
        let mut received = self.lock();
        received.spans.kept.clear();
        received.log_records.kept.clear();
        received.version += 1;
    }

    /// Waits until those that `of` chooses are as `done` wants them; what is there at the end, and what is
    /// not, is the error otherwise.
    ///
    /// `done` runs without the lock, so that it may panic and may ask the collector.
    pub(super) fn wait_for<T: Clone>(
        &self,
        timeout: Duration,
        of: impl Fn(&Received) -> &Newest<T>,
        mut done: impl FnMut(&[T]) -> bool,
    ) -> Result<Vec<T>, (Vec<T>, Missed)> {
        let started = Instant::now();
        loop {
            let (there, version) = {
                let received = self.lock();
                (of(&received).all(), received.version)
            };
            if done(&there) {
                return Ok(there);
            }
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                let received = self.lock();
                let missed = Missed {
                    refused: received.requests.refused,
                    last_refusal: received.last_refusal.clone(),
                    dropped: of(&received).dropped,
                };
                return Err((there, missed));
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
