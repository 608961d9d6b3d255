//! With `OTEL_LOGS_EXPORTER=otlp` the services' lines arrive with the ids of the request that they were written for.

use std::{path::Path, process::Command, time::Duration};

use demo_local::{binaries::Binaries, booking, process::Process, stack::client};
use otel_runtime::testing::{Collector, LogRecord};
use tokio::task::block_in_place;

/// How long a program may take to start, and lines and spans to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

#[tokio::test(flavor = "multi_thread")]
async fn lines_arrive_with_the_ids_of_their_spans() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start().unwrap();
    let binaries = Binaries::build(folder.path()).await.unwrap();
    let start = |name, program: &Path, role| {
        let mut command = command(program, role, &collector.http_endpoint());
        Process::start(name, &mut command, folder.path()).unwrap()
    };
    let mut worker = start("cleaning-worker", &binaries.cleaning, "worker");
    let mut service = start("dispo", &binaries.dispo, "serve");
    let url = service
        .wait_for_line("listening on ", PATIENCE)
        .await
        .unwrap();

    let traceparent = format!("00-{TRACE}-{CALLER}-01");
    booking::send(&client().unwrap(), &url, Some(&traceparent))
        .await
        .unwrap();

    for (process, service, text, span) in [
        (
            &mut service,
            "dispo",
            "booked President Suite until",
            "POST /api/v1/bookings/",
        ),
        (
            &mut worker,
            "cleaning-worker",
            "booking 1 of President Suite until",
            "process booking.created",
        ),
    ] {
        let is_it = |record: &LogRecord| {
            record.service_name() == Some(service) && record.body.as_str().contains(text)
        };
        let records = block_in_place(|| {
            collector.wait_for_log_records(PATIENCE, |records| records.iter().any(is_it))
        });
        let records = records.unwrap_or_else(|error| panic!("{error}\n{process:?}"));
        let line = records.iter().find(|record| is_it(record)).unwrap();
        let spans = block_in_place(|| {
            collector.wait_for(PATIENCE, |spans| spans.iter().any(|it| it.name == span))
        });
        let spans = spans.unwrap();
        let trace = line.trace_id.unwrap();
        assert_eq!(trace.to_string(), TRACE);
        let of_line = spans.iter().find(|it| Some(it.span_id) == line.span_id);
        assert_eq!(
            of_line.map(|it| it.trace_id),
            Some(trace),
            "{line:?}\n{spans:?}"
        );
        assert_eq!(line.severity_text, "INFO");
        assert!(line.trace_flags.is_sampled());
    }
    // What is said before there is a request belongs to none.
    let records = collector.log_records();
    let listening = records
        .iter()
        .find(|it| it.body.as_str().starts_with("listening on "));
    assert_eq!(listening.unwrap().trace_id, None);
    for process in [service, worker] {
        assert!(process.stop().unwrap().success());
    }
}

fn command(program: &Path, role: &str, endpoint: &str) -> Command {
    let mut command = Command::new(program);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(variable);
        }
    }
    command
        .arg(role)
        .env("DATABASE_URL", format!("sqlite://{role}.db"))
        .env("QUEUE_URL", "sqlite://queue.db")
        .env("DISPO_HOST", "127.0.0.1")
        .env("DISPO_PORT", "0")
        .env("RUST_LOG", "info")
        .env("NO_PROXY", "127.0.0.1")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_LOGS_EXPORTER", "otlp")
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .env("OTEL_BLRP_SCHEDULE_DELAY", "100");
    command
}
