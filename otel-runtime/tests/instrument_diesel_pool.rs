//! Waits for a connection of a pool, in spans and metrics.

use std::{
    sync::{
        LazyLock, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::{Duration, SystemTime},
};

use diesel::{
    RunQueryDsl as _, SqliteConnection,
    connection::Connection as _,
    r2d2::{ConnectionManager, HandleError, ManageConnection, Pool, PooledConnection},
};
use opentelemetry::{Context, KeyValue, global, trace::Tracer as _};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        InMemoryMetricExporter, SdkMeterProvider,
        data::{
            AggregatedMetrics, HistogramDataPoint, MetricData, ResourceMetrics, ScopeMetrics,
            SumDataPoint,
        },
    },
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use otel_runtime::{
    instrument::diesel::{QuerySpans, TracedPool},
    testing::{Detail, Spans, tree},
};

type Manager = ConnectionManager<SqliteConnection>;

/// Long enough for whatever must happen.
const PATIENCE: Duration = Duration::from_secs(20);

static ALONE: Mutex<()> = Mutex::new(());

/// Tells when a span starts, so that a test knows that somebody waits.
#[derive(Debug)]
struct Starts(Mutex<Sender<String>>);

impl SpanProcessor for Starts {
    fn on_start(&self, span: &mut Span, _: &Context) {
        if let Some(data) = span.exported_data() {
            let starts = self.0.lock().expect("nobody panicked");
            // At the end of the tests nobody listens.
            let _ = starts.send(data.name.into_owned());
        }
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Tells when the pool could not open a connection.
#[derive(Debug)]
struct Failures(Mutex<Sender<()>>);

impl HandleError<diesel::r2d2::Error> for Failures {
    fn handle_error(&self, _: diesel::r2d2::Error) {
        // It tries again and again, also when nobody listens.
        let _ = self.0.lock().expect("nobody panicked").send(());
    }
}

/// What is recorded by one test, while the others wait.
struct Recorded {
    spans: Spans,
    starts: Receiver<String>,
    _alone: MutexGuard<'static, ()>,
}

impl Recorded {
    fn start() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (starts, started) = channel();
        let spans = Spans::new();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(spans.exporter())
            .with_span_processor(Starts(Mutex::new(starts)))
            .build();
        global::set_tracer_provider(provider);
        Self {
            spans,
            starts: started,
            _alone: alone,
        }
    }

    /// Waits until a span of this name has started.
    fn wait_for(&self, name: &str) {
        while self.starts.recv_timeout(PATIENCE).expect("it starts") != name {}
    }

    fn tree(&self) -> String {
        tree(&self.spans.finished(), Detail::NAMES.with_attributes())
    }
}

/// A pool of one connection, which is open.
fn pool() -> TracedPool<Manager> {
    let pool = Pool::builder()
        .max_size(1)
        .connection_timeout(PATIENCE)
        .build(Manager::new(":memory:"))
        .expect("a pool");
    TracedPool::for_url(pool, ":memory:")
}

fn take(pool: &TracedPool<Manager>) -> PooledConnection<Manager> {
    pool.get().expect("a connection")
}

#[test]
fn a_connection_that_is_idle_leaves_no_span() {
    let recorded = Recorded::start();
    let pool = pool();
    for _ in 0..3 {
        drop(take(&pool));
    }
    assert_eq!(recorded.tree(), "");
}

/// Checks connections by a statement of its own.
struct Thorough(Manager);

impl ManageConnection for Thorough {
    type Connection = SqliteConnection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<SqliteConnection, Self::Error> {
        let mut connection = self.0.connect()?;
        connection.set_instrumentation(QuerySpans::for_url(":memory:"));
        Ok(connection)
    }

    fn is_valid(&self, connection: &mut SqliteConnection) -> Result<(), Self::Error> {
        let checked = diesel::sql_query("SELECT 6 * 7").execute(connection);
        checked.map(drop).map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, connection: &mut SqliteConnection) -> bool {
        self.0.has_broken(connection)
    }
}

#[test]
fn the_check_leaves_no_span_whatever_it_sends() {
    let recorded = Recorded::start();
    let pool = Pool::builder()
        .max_size(1)
        .build(Thorough(Manager::new(":memory:")))
        .expect("a pool");
    let ask = |connection: &mut SqliteConnection| {
        let asked = diesel::sql_query("SELECT 6 * 7").execute(connection);
        asked.expect("executed");
    };
    let pool = TracedPool::for_url(pool, ":memory:");
    global::tracer("test").in_span("booking.create", |_| {
        ask(&mut pool.get().expect("a connection"));
    });
    let names = |spans: Vec<otel_runtime::testing::SpanRecord>| {
        let names = spans.into_iter().map(|span| span.name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        names(recorded.spans.finished()),
        ["SELECT", "booking.create"]
    );
    // Without its help the pool's check is a query like any other.
    drop(Pool::get(&pool).expect("a connection"));
    assert_eq!(recorded.spans.finished().len(), 3);
}

#[test]
fn a_wait_is_seen_below_the_span_of_who_waits() {
    let recorded = Recorded::start();
    let pool = pool();
    let held = take(&pool);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            global::tracer("test").in_span("booking.create", |_| drop(take(&pool)));
        });
        recorded.wait_for("wait for connection");
        assert!(!waiting.is_finished());
        drop(held);
    });
    assert_eq!(
        recorded.tree(),
        "INTERNAL booking.create
  INTERNAL wait for connection
      · db.client.connection.pool.name = \":memory:\"
      · db.namespace = \":memory:\"
      · db.system.name = \"sqlite\""
    );
}

/// Finds each connection broken that is checked, and tells when.
struct Broken(Manager, Mutex<Sender<SystemTime>>);

impl ManageConnection for Broken {
    type Connection = SqliteConnection;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<SqliteConnection, Self::Error> {
        self.0.connect()
    }

    fn is_valid(&self, _: &mut SqliteConnection) -> Result<(), Self::Error> {
        let checks = self.1.lock().expect("nobody panicked");
        checks.send(SystemTime::now()).expect("the test listens");
        Err(diesel::r2d2::Error::QueryError(
            diesel::result::Error::NotFound,
        ))
    }

    fn has_broken(&self, connection: &mut SqliteConnection) -> bool {
        self.0.has_broken(connection)
    }
}

#[test]
fn a_wait_begins_before_an_idle_connection_is_found_broken() {
    let recorded = Recorded::start();
    let (checked, checks) = channel();
    let manager = Broken(Manager::new(":memory:"), Mutex::new(checked));
    let pool = Pool::builder().max_size(1).build(manager).expect("a pool");
    let pool = TracedPool::for_url(pool, ":memory:");
    assert!(pool.get_timeout(Duration::from_millis(1)).is_err());
    let checked = checks.recv().expect("it was checked");
    let checked = checked.duration_since(SystemTime::UNIX_EPOCH);
    let spans = recorded.spans.finished();
    let [wait] = spans.as_slice() else {
        panic!("{spans:?}");
    };
    assert_eq!(wait.name, "wait for connection");
    assert!(u128::from(wait.start_unix_nanos) <= checked.expect("a time").as_nanos());
}

#[test]
fn a_wait_in_vain_is_a_timeout() {
    let recorded = Recorded::start();
    let pool = pool().named("rooms");
    let _held = take(&pool);
    let error = pool.get_timeout(Duration::from_millis(1)).err();
    assert_eq!(
        error.map(|error| error.to_string()).as_deref(),
        Some("timed out waiting for connection")
    );
    assert_eq!(
        recorded.tree(),
        "INTERNAL wait for connection ERROR: timed out waiting for connection
    · db.client.connection.pool.name = \"rooms\"
    · db.namespace = \":memory:\"
    · db.system.name = \"sqlite\"
    · error.type = \"timeout\""
    );
}

#[test]
fn a_wait_for_a_database_that_is_not_there_tells_why_and_no_secret() {
    let recorded = Recorded::start();
    let (failed, failures) = channel();
    let pool = Pool::builder()
        .max_size(1)
        .error_handler(Box::new(Failures(Mutex::new(failed))))
        .build_unchecked(Manager::new("/no/such/folder/rooms.db"));
    let pool = TracedPool::for_url(pool, "postgres://alice:secret@db:5433/rooms");
    failures.recv_timeout(PATIENCE).expect("it fails to open");
    assert!(pool.get_timeout(Duration::from_millis(1)).is_err());
    let tree = recorded.tree();
    assert_eq!(
        tree,
        "INTERNAL wait for connection ERROR: timed out waiting for connection: unable to open database file
    · db.client.connection.pool.name = \"db:5433/rooms\"
    · db.namespace = \"rooms\"
    · db.system.name = \"postgresql\"
    · error.type = \"timeout\"
    · server.address = \"db\"
    · server.port = 5433"
    );
    assert!(!format!("{pool:?}").contains("secret"), "{pool:?}");
}

#[test]
fn where_telemetry_is_suppressed_a_wait_leaves_no_span() {
    let recorded = Recorded::start();
    let pool = pool();
    let _held = take(&pool);
    let suppressed = Context::new().with_telemetry_suppressed().attach();
    assert!(pool.get_timeout(Duration::from_millis(1)).is_err());
    drop(suppressed);
    assert_eq!(recorded.tree(), "");
}

#[test]
fn all_else_is_the_pools() {
    let _recorded = Recorded::start();
    let pool = pool();
    let other = pool.clone();
    let _held = take(&other);
    assert_eq!(pool.state().idle_connections, 0);
    assert_eq!(pool.max_size(), 1);
}

#[test]
fn waits_are_measured_by_the_name_of_the_pool() {
    static METRICS: LazyLock<(SdkMeterProvider, InMemoryMetricExporter)> = LazyLock::new(|| {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder()
            .with_periodic_exporter(exporter.clone())
            .build();
        global::set_meter_provider(provider.clone());
        (provider, exporter)
    });
    let recorded = Recorded::start();
    LazyLock::force(&METRICS);
    let pool = pool().named("measured");
    let held = take(&pool);
    assert_eq!(measured(&METRICS), ["wait_time 1"]);
    assert!(pool.get_timeout(Duration::from_millis(1)).is_err());
    thread::scope(|scope| {
        recorded.wait_for("wait for connection");
        scope.spawn(|| drop(take(&pool)));
        recorded.wait_for("wait for connection");
        assert_eq!(
            measured(&METRICS),
            ["pending_requests 1", "timeouts 1", "wait_time 1"]
        );
        drop(held);
    });
    assert_eq!(
        measured(&METRICS),
        ["pending_requests 0", "timeouts 1", "wait_time 2"]
    );
}

/// What is measured of the pool `measured`: how often, or how many.
fn measured((provider, exporter): &(SdkMeterProvider, InMemoryMetricExporter)) -> Vec<String> {
    let is_ours = |attributes: Vec<KeyValue>| {
        attributes == [KeyValue::new("db.client.connection.pool.name", "measured")]
    };
    exporter.reset();
    provider.force_flush().expect("a flush");
    let mut lines = Vec::new();
    let resources = exporter.get_finished_metrics().expect("metrics");
    let scopes = resources.iter().flat_map(ResourceMetrics::scope_metrics);
    for metric in scopes.flat_map(ScopeMetrics::metrics) {
        let Some(name) = metric.name().strip_prefix("db.client.connection.") else {
            continue;
        };
        let value = match metric.data() {
            AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                assert_eq!(metric.unit(), "s");
                let mut points = histogram.data_points();
                points
                    .find(|point| is_ours(point.attributes().cloned().collect()))
                    .map(HistogramDataPoint::count)
            }
            AggregatedMetrics::I64(MetricData::Sum(sum)) => {
                let mut points = sum.data_points();
                points
                    .find(|point| is_ours(point.attributes().cloned().collect()))
                    .map(|point| point.value().unsigned_abs())
            }
            AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                let mut points = sum.data_points();
                points
                    .find(|point| is_ours(point.attributes().cloned().collect()))
                    .map(SumDataPoint::value)
            }
            other => panic!("{name} is {other:?}"),
        };
        lines.extend(value.map(|value| format!("{name} {value}")));
    }
    lines.sort();
    lines
}
