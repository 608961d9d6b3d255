//! A running service with a database and a queue of its own.

use std::{
    collections::HashSet,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use demo_cleaning::{
    app::{self, AppState},
    config::{Config, Database},
    queue::{Queue, QueueAddress},
    shutdown::Shutdown,
    store::Store,
};
use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_types::{Binary, Integer, Text},
};
use otel_runtime::testing::{Detail, SpanRecord, Spans, tree};
use reqwest::{Client, Method, StatusCode, header::HeaderMap, redirect::Policy};
use serde_json::Value;
use tempfile::TempDir;

use crate::database::{Kind, TestDatabase};

/// How long anything that should happen may take.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct TestApp {
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    config: Config,
    address: String,
    pub(crate) shutdown: Shutdown,
    client: Client,
    pub(crate) database: Arc<TestDatabase>,
    _folder: TempDir,
}

/// An answer, and the trace the request belongs to.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) trace: String,
}

/// A message as it lies in the queue.
#[derive(QueryableByName)]
pub(crate) struct Queued {
    #[diesel(sql_type = Binary)]
    job: Vec<u8>,
    #[diesel(sql_type = Text)]
    metadata: String,
    #[diesel(sql_type = Text)]
    pub(crate) status: String,
    #[diesel(sql_type = Integer)]
    pub(crate) attempts: i32,
}

/// Starts the service on a new database of this kind.
pub(crate) async fn spawn_app(kind: Kind) -> TestApp {
    spawn_app_on(TestDatabase::create(kind)).await
}

/// Starts the service on a database that was changed behind its back before, so that no connection knows it as it was.
///
/// `SQLite` prepares a statement by what the connection knows, and finds out later that it is wrong. Of a statement whose
/// rows are loaded, diesel tells its instrumentation only what is found while it is prepared.
pub(crate) async fn spawn_app_after(kind: Kind, change: &str) -> TestApp {
    let database = TestDatabase::create(kind);
    Store::set_up(&Database::parse(&database.url).unwrap()).unwrap();
    database.change(change);
    spawn_app_on(database).await
}

pub(crate) async fn spawn_app_on(database: TestDatabase) -> TestApp {
    spans();
    let folder = tempfile::tempdir().unwrap();
    let queue_url = format!("sqlite://{}", folder.path().join("queue.db").display());
    let config = Config::read(|variable| match variable {
        "CLEANING_PORT" => Some("0".into()),
        "DATABASE_URL" => Some(database.url.clone().into()),
        "QUEUE_URL" => Some(queue_url.clone().into()),
        _ => None,
    })
    .unwrap();
    Store::set_up(&config.database).unwrap();
    let store = Store::open(&config.database).unwrap();
    let queue = Queue::open(&config.queue).await.unwrap();
    let state = AppState::new(store.clone());
    let shutdown = Shutdown::new();
    let (server, address) = app::bind(&config, &state, &shutdown).unwrap();
    tokio::spawn(server);
    TestApp {
        store,
        queue,
        config,
        address: format!("http://{address}"),
        shutdown,
        client: Client::builder().redirect(Policy::none()).build().unwrap(),
        database: Arc::new(database),
        _folder: folder,
    }
}

/// What a caller says of a trace that nobody else has.
pub(crate) fn traceparent(flags: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let trace = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("00-{trace:032x}-00000000000000aa-{flags}")
}

impl TestApp {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).await
    }

    /// Each request has a trace of its own, so that tests can run beside each other.
    pub(crate) async fn request(&self, method: Method, path: &str) -> Answer {
        self.request_from(&traceparent("01"), method, path).await
    }

    /// A request of a caller who says this of its trace.
    pub(crate) async fn request_from(
        &self,
        traceparent: &str,
        method: Method,
        path: &str,
    ) -> Answer {
        let response = self
            .client
            .request(method, format!("{}{path}", self.address))
            .header("traceparent", traceparent)
            .send()
            .await
            .unwrap();
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
            trace: traceparent.split('-').nth(1).unwrap_or_default().to_owned(),
        }
    }

    /// Changes the file of the queue behind the back of the service.
    pub(crate) fn change_queue(&self, sql: &str) {
        self.open_queue().batch_execute(sql).unwrap();
    }

    fn open_queue(&self) -> SqliteConnection {
        let QueueAddress::Sqlite(file) = &self.config.queue else {
            panic!("the queue of these tests is a file");
        };
        let path = file.path().to_str().unwrap();
        let mut connection = SqliteConnection::establish(path).unwrap();
        connection
            .batch_execute("PRAGMA busy_timeout = 5000")
            .unwrap();
        connection
    }

    /// All messages in the queue of this name, in the order they were sent.
    pub(crate) fn queued(&self, queue: &str) -> Vec<Queued> {
        let mut connection = self.open_queue();
        diesel::sql_query(
            "SELECT job, metadata, status, attempts FROM Jobs WHERE job_type = ? ORDER BY rowid",
        )
        .bind::<Text, _>(queue)
        .load(&mut connection)
        .unwrap()
    }
}

impl Queued {
    pub(crate) fn payload(&self) -> Value {
        serde_json::from_slice(&self.job).unwrap()
    }

    /// The trace the message was sent in.
    pub(crate) fn trace(&self) -> String {
        let headers: Value = serde_json::from_str(&self.metadata).unwrap();
        headers["traceparent"].as_str().unwrap()[3..35].to_owned()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The spans of this request, when the last has ended; the span of the caller is left out of account.
    pub(crate) async fn spans(&self) -> Vec<SpanRecord> {
        let mut spans = spans_of(&self.trace, |span| span.parent_is_remote).await;
        for span in spans.iter_mut().filter(|span| span.parent_is_remote) {
            span.parent_span_id = None;
            span.parent_is_remote = false;
        }
        spans
    }

    /// The spans of this request as a tree of kinds, names and failures.
    pub(crate) async fn tree(&self) -> String {
        tree(&self.spans().await, Detail::NAMES)
    }
}

/// That this request left no span.
pub(crate) async fn assert_untraced(app: &TestApp, answer: &Answer) {
    let found = traced(app, answer).await;
    assert!(found.is_empty(), "{found:#?}");
}

/// The spans of a request that may have left none. Whatever it made has ended before a later request over the same
/// connection does.
pub(crate) async fn traced(app: &TestApp, answer: &Answer) -> Vec<SpanRecord> {
    app.get("/").await.spans().await;
    finished_of(&answer.trace)
}

/// The spans of a trace that have ended so far.
pub(crate) fn finished_of(trace: &str) -> Vec<SpanRecord> {
    let mut found = spans().finished();
    found.retain(|span| span.trace_id.to_string() == trace);
    found
}

/// The spans of a trace, when the one that ends last is there.
pub(crate) async fn spans_of(trace: &str, last: impl Fn(&SpanRecord) -> bool) -> Vec<SpanRecord> {
    eventually(&format!("the last span of trace {trace}"), || {
        let found = finished_of(trace);
        found.iter().any(&last).then_some(found)
    })
    .await
}

/// All spans of the traces in which one has an attribute of this value, when the last of those that have it is there.
pub(crate) async fn spans_with(
    key: &str,
    value: &str,
    last: impl Fn(&SpanRecord) -> bool,
) -> Vec<SpanRecord> {
    let has_it = |span: &&SpanRecord| {
        let found = span.attribute(key);
        found.is_some_and(|found| found.as_str() == value)
    };
    eventually(&format!("the last span with {key} = {value}"), || {
        let mut found = spans().finished();
        let is_there = found.iter().filter(has_it).any(&last);
        let with_it = found.iter().filter(has_it);
        let traces: HashSet<_> = with_it.map(|span| span.trace_id).collect();
        found.retain(|span| traces.contains(&span.trace_id));
        is_there.then_some(found)
    })
    .await
}

/// Asks again and again until there is something.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < give_up, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The spans of all tests of this binary.
fn spans() -> &'static Spans {
    static SPANS: OnceLock<Spans> = OnceLock::new();
    SPANS.get_or_init(Spans::install)
}
