//! One booking through the real programs leaves one trace, whichever way the spans leave the processes.

mod keys;
mod servers;

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use demo_local::{
    binaries::Binaries,
    booking::{self, EXPECTED},
    postgres::PostgresDatabase,
    stack::{Databases, Ports, Queues, Role, Setting, Stack, Telemetry, client},
};
use otel_runtime::testing::{Collector, Detail, SpanRecord, tree};
use serde_json::{Value, json};
use servers::Servers;
use tokio::sync::OnceCell;

/// How long the spans may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// All tests run the same programs.
static BINARIES: OnceCell<Binaries> = OnceCell::const_new();

#[tokio::test]
async fn one_trace_over_http() {
    let collector = Collector::start().unwrap();
    let telemetry = Telemetry::collector(collector.http_endpoint(), "http/protobuf");
    check(&collector, Setting::in_files(Ports::ANY, telemetry)).await;
    assert_eq!(collector.requests().grpc, 0);
}

#[tokio::test]
async fn one_trace_over_grpc() {
    let collector = Collector::start().unwrap();
    let telemetry = Telemetry::collector(collector.grpc_endpoint(), "grpc");
    check(&collector, Setting::in_files(Ports::ANY, telemetry)).await;
    assert_eq!(collector.requests().http, 0);
}

#[tokio::test]
async fn one_trace_with_both_services_on_one_postgres() {
    let test = "one_trace_with_both_services_on_one_postgres";
    let Some(server) = servers::variable(test, "TEST_POSTGRES_URL") else {
        return;
    };
    let database = PostgresDatabase::create(&server).unwrap();
    let collector = Collector::start().unwrap();
    let setting = Setting {
        ports: Ports::ANY,
        databases: Databases::Shared(database.url.clone()),
        queues: Queues::File,
        telemetry: Telemetry::collector(collector.http_endpoint(), "http/protobuf"),
    };
    let trace = check(&collector, setting).await;
    assert_queries_on_postgres(&trace, &database.url);
}

#[tokio::test]
async fn one_trace_on_postgres_and_rabbitmq() {
    let Some(servers) = Servers::from_env("one_trace_on_postgres_and_rabbitmq").await else {
        return;
    };
    let collector = Collector::start().unwrap();
    let telemetry = Telemetry::collector(collector.http_endpoint(), "http/protobuf");
    let setting = servers.setting(Ports::ANY, telemetry);
    let Databases::Shared(database) = setting.databases.clone() else {
        unreachable!("the servers have a database");
    };
    let trace = check(&collector, setting).await;
    assert_queries_on_postgres(&trace, &database);
    let systems: BTreeSet<_> = trace
        .iter()
        .filter_map(|span| span.attribute("messaging.system"))
        .map(ToString::to_string)
        .collect();
    assert_eq!(systems, BTreeSet::from(["rabbitmq".to_owned()]));
    assert_eq!(servers.broker.given_up().await.unwrap(), 0);
    servers.broker.release().await.unwrap();
}

#[tokio::test]
async fn without_telemetry_the_services_work_and_print_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let setting = Setting::in_files(Ports::ANY, Telemetry::OFF);
    let mut stack = start(folder.path(), setting).await;
    booking::send(&client().unwrap(), &stack.dispo_url, None)
        .await
        .unwrap();
    stack
        .process(Role::DispoWorker)
        .wait_for_line("the cleaning of booking 1 is planned", PATIENCE)
        .await
        .unwrap();
    stop(stack, folder.path());
}

/// Sends the booking in a trace of our own, and looks at all that arrives.
async fn check(collector: &Collector, setting: Setting) -> Vec<SpanRecord> {
    let folder = tempfile::tempdir().unwrap();
    let mut stack = start(folder.path(), setting).await;
    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    let answer = booking::send(&client().unwrap(), &stack.dispo_url, Some(&traceparent))
        .await
        .unwrap();
    let id = serde_json::from_str::<Value>(&answer).unwrap()["id"].clone();

    let trace = whole_trace(collector, &mut stack).await;
    assert_eq!(core(&trace), expected());
    assert_parents(&trace);
    assert_details(&trace, &id);
    assert_eq!(keys::unknown(&collector.spans()), BTreeSet::new());

    stop(stack, folder.path());
    assert_eq!(elsewhere(&collector.spans()), Vec::<&str>::new());
    trace
}

async fn start(folder: &Path, setting: Setting) -> Stack {
    let build = || async { Binaries::build(folder).await.unwrap() };
    let binaries = BINARIES.get_or_init(build).await;
    Stack::start(binaries, folder, setting).await.unwrap()
}

/// All processes end well when they are asked to, and had nothing to complain of.
fn stop(stack: Stack, folder: &Path) {
    for (name, status) in stack.stop().unwrap() {
        let log = std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap();
        assert!(status.success(), "{name}: {status}\n{log}");
        for word in ["WARN", "ERROR", "panicked", "OpenTelemetry"] {
            assert!(!log.contains(word), "{name}:\n{log}");
        }
    }
}

async fn whole_trace(collector: &Collector, stack: &mut Stack) -> Vec<SpanRecord> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let mut trace = collector.spans();
        trace.retain(|span| span.trace_id.to_string() == TRACE);
        let missing = booking::missing(&trace);
        if missing.is_empty() && booking::is_connected(&trace) {
            return trace;
        }
        stack.check().unwrap();
        let all = tree(&collector.spans(), Detail::NAMES.with_services());
        assert!(Instant::now() < give_up, "missing: {missing:?} in\n{all}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The trace without the spans of the database that are not in the expected tree.
fn core(trace: &[SpanRecord]) -> String {
    let names: BTreeSet<_> = EXPECTED.map(|(_, name, _)| name).into();
    let mut core = trace.to_vec();
    core.retain(|span| names.contains(&*span.name) || format!("{:?}", span.kind) != "Client");
    tree(&core, Detail::NAMES.with_services())
}

fn expected() -> &'static str {
    "SERVER POST /api/v1/bookings/ [dispo] (remote parent)
  INTERNAL booking.create [dispo]
    CLIENT INSERT bookings [dispo]
    PRODUCER send booking.created [dispo]
      CONSUMER process booking.created [cleaning-worker]
        INTERNAL cleaning.plan [cleaning-worker]
          CLIENT INSERT cleanings [cleaning-worker]
        PRODUCER send cleaning.planned [cleaning-worker]
          CONSUMER process cleaning.planned [dispo-worker]
            CLIENT UPDATE bookings [dispo-worker]"
}

/// All queries are told as those of this database, and are those that a booking needs.
fn assert_queries_on_postgres(trace: &[SpanRecord], database: &str) {
    let mut queries: Vec<_> = trace
        .iter()
        .filter(|span| format!("{:?}", span.kind) == "Client")
        .map(|span| {
            let told = |key| span.attribute(key).unwrap().to_string();
            assert_eq!(told("db.system.name"), "postgresql", "{}", span.name);
            assert!(database.ends_with(&told("db.namespace")), "{}", span.name);
            let service = span.service_name().unwrap();
            (service, span.start_unix_nanos, span.name.as_str())
        })
        .collect();
    queries.sort_unstable();
    let queries: Vec<_> = queries
        .into_iter()
        .map(|(service, _, name)| (service, name))
        .collect();
    assert_eq!(
        queries,
        [
            ("cleaning-worker", "INSERT cleanings"),
            ("dispo", "BEGIN"),
            ("dispo", "SELECT rooms"),
            ("dispo", "SELECT bookings"),
            ("dispo", "INSERT bookings"),
            ("dispo", "INSERT outbox"),
            ("dispo", "COMMIT"),
            ("dispo", "DELETE outbox"),
            ("dispo-worker", "UPDATE bookings"),
        ]
    );
}

/// The caller of the first request is the only parent that is not there.
fn assert_parents(trace: &[SpanRecord]) {
    let ids: BTreeSet<_> = trace.iter().map(|span| span.span_id.to_string()).collect();
    assert_eq!(ids.len(), trace.len(), "a span came twice");
    let strangers: Vec<_> = trace
        .iter()
        .filter_map(|span| span.parent_span_id.map(|parent| parent.to_string()))
        .filter(|parent| !ids.contains(parent))
        .collect();
    assert_eq!(strangers, [CALLER]);
}

fn assert_details(trace: &[SpanRecord], booking: &Value) {
    let find = |name: &str| trace.iter().find(|span| span.name == name).unwrap();
    for name in ["booking.create", "process booking.created"] {
        let room = find(name).attribute("room").map(ToString::to_string);
        assert_eq!(room.as_deref(), Some("President Suite"), "{name}");
    }
    let received = find("process booking.created")
        .event("message.received")
        .unwrap();
    let payload = received.attribute("payload").unwrap().to_string();
    assert_eq!(
        serde_json::from_str::<Value>(&payload).unwrap(),
        json!({"id": booking, "room": "President Suite", "start": "2023-02-04", "end": "2023-02-06"})
    );
}

/// The names of the spans of other traces: whoever asks whether the services are healthy leaves none.
fn elsewhere(spans: &[SpanRecord]) -> Vec<&str> {
    let elsewhere = spans
        .iter()
        .filter(|span| span.trace_id.to_string() != TRACE);
    elsewhere.map(|span| span.name.as_str()).collect()
}
