//! An OTLP collector in memory.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use opentelemetry::trace::TraceId;
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

use super::{LogRecord, SpanRecord};

mod grpc;
mod http;
mod store;
mod timed_out;

pub use store::Requests;
pub use timed_out::{LogsTimedOut, TimedOut};

use store::Store;

/// How many spans are kept where nothing else is said, and how many log records.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();
/// The largest message taken, in bytes, before and after decompression.
const MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// Receives spans and log records over OTLP on loopback ports of its own, from this process or others, and keeps them in
/// memory.
///
/// It runs in a thread of its own, so that a test needs no runtime, and stops when dropped. The newest are kept, 65536 of
/// each unless [`with_capacity`](Self::with_capacity) says otherwise.
///
/// ```
/// use otel_runtime::testing::Collector;
///
/// let collector = Collector::start()?;
/// // Start the program with OTEL_EXPORTER_OTLP_ENDPOINT set to this:
/// let endpoint = collector.http_endpoint();
/// assert!(endpoint.starts_with("http://127.0.0.1:"));
/// assert!(collector.spans().is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Collector {
    store: Arc<Store>,
    http: SocketAddr,
    grpc: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    /// Starts to receive, on a free port for each protocol.
    ///
    /// # Errors
    ///
    /// When the system gives no port, thread or event queue.
    pub fn start() -> io::Result<Self> {
        Self::with_capacity(CAPACITY)
    }

    /// Starts to receive, and keeps the newest `spans` and as many log records.
    ///
    /// # Errors
    ///
    /// When the system gives no port, thread or event queue.
    pub fn with_capacity(spans: NonZeroUsize) -> io::Result<Self> {
        let http = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let grpc = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addresses = (http.local_addr()?, grpc.local_addr()?);
        let store = Arc::new(Store::new(spans));
        let (stop, stopped) = oneshot::channel();
        let (report, started) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("otlp-collector".to_owned())
            .spawn({
                let store = Arc::clone(&store);
                // The runtime lives and dies in this thread: where the caller is async, it could not be dropped.
                move || match serve(http, grpc, &store) {
                    Ok(runtime) => {
                        let _ = report.send(Ok(()));
                        let _ = runtime.block_on(stopped);
                    }
                    Err(error) => {
                        let _ = report.send(Err(error));
                    }
                }
            })?;
        started.recv().map_err(io::Error::other)??;
        Ok(Self {
            store,
            http: addresses.0,
            grpc: addresses.1,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where OTLP/HTTP is served, as `OTEL_EXPORTER_OTLP_ENDPOINT` wants it: exporters add `/v1/traces` or
    /// `/v1/logs`.
    #[must_use]
    pub fn http_endpoint(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Where OTLP/gRPC is served, as `OTEL_EXPORTER_OTLP_ENDPOINT` wants it.
    #[must_use]
    pub fn grpc_endpoint(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// The spans received so far, in that order.
    #[must_use]
    pub fn spans(&self) -> Vec<SpanRecord> {
        self.store.spans()
    }

    /// The spans received so far that belong to one trace.
    #[must_use]
    pub fn trace(&self, trace_id: TraceId) -> Vec<SpanRecord> {
        let mut spans = self.spans();
        spans.retain(|span| span.trace_id == trace_id);
        spans
    }

    /// Waits until the spans received so far are as `done` wants them, and returns them.
    ///
    /// `done` is asked at once, and again whenever spans arrive. The calling thread sleeps in between: in async code,
    /// use a blocking task.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] when that does not happen within `timeout`; it shows the spans that were there.
    pub fn wait_for(
        &self,
        timeout: Duration,
        done: impl FnMut(&[SpanRecord]) -> bool,
    ) -> Result<Vec<SpanRecord>, TimedOut> {
        let there = self
            .store
            .wait_for(timeout, |received| &received.spans, done);
        there.map_err(|(spans, missed)| TimedOut {
            timeout,
            spans,
            missed,
        })
    }

    /// The log records received so far, in that order.
    #[must_use]
    pub fn log_records(&self) -> Vec<LogRecord> {
        self.store.log_records()
    }

    /// Waits until the log records received so far are as `done` wants them, and returns them.
    ///
    /// As [`wait_for`](Self::wait_for), for log records.
    ///
    /// # Errors
    ///
    /// [`LogsTimedOut`] when that does not happen within `timeout`; it shows the records that were there.
    pub fn wait_for_log_records(
        &self,
        timeout: Duration,
        done: impl FnMut(&[LogRecord]) -> bool,
    ) -> Result<Vec<LogRecord>, LogsTimedOut> {
        let there = self
            .store
            .wait_for(timeout, |received| &received.log_records, done);
        there.map_err(|(log_records, missed)| LogsTimedOut {
            timeout,
            log_records,
            missed,
        })
    }

    /// How many requests came so far.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.store.requests()
    }

    /// How many spans gave way to newer ones so far.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.store.dropped()
    }

    /// Forgets the spans and log records received so far.
    pub fn clear(&self) {
        self.store.clear();
    }
}

impl Drop for Collector {
    /// Closes ports and connections; takes no longer than a request that is being decoded.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves both protocols as tasks of the returned runtime.
fn serve(http: TcpListener, grpc: TcpListener, store: &Arc<Store>) -> io::Result<Runtime> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let listeners = {
        let _entered = runtime.enter();
        let listen = |listener: TcpListener| {
            listener.set_nonblocking(true)?;
            tokio::net::TcpListener::from_std(listener)
        };
        (listen(http)?, listen(grpc)?)
    };
    runtime.spawn(http::serve(listeners.0, Arc::clone(store)));
    runtime.spawn(grpc::serve(listeners.1, Arc::clone(store)));
    Ok(runtime)
}
