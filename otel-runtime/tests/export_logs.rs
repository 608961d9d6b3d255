//! Lines of the `log` facade over OTLP, in a process of its own for each case: the environment is the process's.

mod child;
mod sink;

use std::net::TcpListener;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};
use opentelemetry::Value;
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otel_runtime::testing::{Collector, LogRecord};
use otel_runtime::{span_attr, traced_span};
use prost::Message as _;
use sink::{OK, Sink};

/// The variable that makes this test binary the process under test.
const CHILD: &str = "TEST_EXPORT_LOGS_CHILD";
/// Its value where seven spans and lines of a megabyte each are written as well.
const LARGE: &str = "large";
/// Long enough for a busy machine; nothing waits so long when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

#[traced_span("room.book")]
fn book() {
    log::warn!(target: "rooms", room = 7, price = 1.5, free = true, guest = "Ada"; "booked {}", "twice");
}

/// Takes every line, and counts those that are not ours.
struct Everything;

static OF_OTHERS: AtomicUsize = AtomicUsize::new(0);

impl Log for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        OF_OTHERS.fetch_add(usize::from(record.target() != "rooms"), Ordering::Relaxed);
    }

    fn flush(&self) {}
}

#[traced_span("room.describe")]
fn describe(#[span_attr] text: &str) {
    log::info!(target: "rooms", "{text}");
}

/// What the child process does.
#[test]
fn child_process() {
    let Some(what) = std::env::var_os(CHILD) else {
        return;
    };
    let telemetry = match otel_runtime::builder().service_name("dispo").init() {
        Ok(telemetry) => telemetry,
        Err(error) => panic!("INIT FAILED: {error}"),
    };
    otel_runtime::instrument::log::init(Everything, LevelFilter::Trace).expect("the first logger");
    log::info!(target: "rooms", "outside");
    book();
    if what == LARGE {
        let text = "x".repeat(1 << 20);
        (0..7).for_each(|_| describe(&text));
    }
    let flushed = telemetry.force_flush();
    log::debug!(target: "rooms", "after the flush");
    let shut_down = telemetry.shutdown(PATIENCE);
    log::error!(target: "rooms", "after the end");
    #[expect(clippy::print_stdout, reason = "read by the test")]
    {
        println!("flushed: {flushed:?}, shut down: {shut_down:?}");
        println!("lines of others: {}", OF_OTHERS.load(Ordering::Relaxed));
    }
}

fn run(variables: &[(&str, &str)]) -> Output {
    run_as("small", variables)
}

fn run_as(what: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = child::command(CHILD, what);
    // What is not flushed leaves with the shutdown only.
    command
        .env("OTEL_BLRP_SCHEDULE_DELAY", "600000")
        .env("NO_PROXY", "127.0.0.1")
        .envs(variables.iter().copied());
    command.output().expect("the test runs again")
}

/// What the child printed, when it ended well and had nothing to complain of.
#[track_caller]
fn quiet(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn bodies(records: &[LogRecord]) -> Vec<String> {
    records.iter().map(|it| it.body.to_string()).collect()
}

#[track_caller]
fn check(collector: &Collector, variables: &[(&str, &str)]) {
    let printed = quiet(&run(variables));
    assert!(
        printed.contains("flushed: Ok(()), shut down: Ok(())"),
        "{printed}"
    );
    // The clients have written lines as well, and none of them was exported.
    assert!(!printed.contains("lines of others: 0"), "{printed}");
    let records = collector.log_records();
    assert_eq!(
        bodies(&records),
        ["outside", "booked twice", "after the flush"]
    );
    let spans = collector.spans();
    let [span] = spans.as_slice() else {
        panic!("{spans:?}");
    };
    for record in &records {
        assert_eq!(record.service_name(), Some("dispo"));
        assert_eq!(record.scope_name, "rooms");
        let Some(Value::String(file)) = record.attribute("code.file.path") else {
            panic!("{record:?}");
        };
        assert!(file.as_str().ends_with("export_logs.rs"), "{file}");
        assert!(matches!(
            record.attribute("code.line.number"),
            Some(Value::I64(1..))
        ));
    }
    let [outside, inside, _] = records.as_slice() else {
        panic!("{records:?}");
    };
    assert_eq!((outside.trace_id, outside.span_id), (None, None));
    assert_eq!(
        (outside.severity_number, &*outside.severity_text),
        (9, "INFO")
    );
    assert_eq!(outside.attributes.len(), 2);
    assert_eq!(inside.trace_id, Some(span.trace_id));
    assert_eq!(inside.span_id, Some(span.span_id));
    assert!(inside.trace_flags.is_sampled());
    assert_eq!(
        (inside.severity_number, &*inside.severity_text),
        (13, "WARN")
    );
    assert!((span.start_unix_nanos..=span.end_unix_nanos).contains(&inside.time_unix_nanos));
    assert_eq!(inside.attribute("room"), Some(&Value::I64(7)));
    assert_eq!(inside.attribute("price"), Some(&Value::F64(1.5)));
    assert_eq!(inside.attribute("free"), Some(&Value::Bool(true)));
    assert_eq!(inside.attribute("guest"), Some(&Value::from("Ada")));
}

#[test]
fn over_http() {
    let collector = Collector::start().expect("a port");
    check(
        &collector,
        &[
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.http_endpoint()),
        ],
    );
    let requests = collector.requests();
    assert_eq!((requests.grpc, requests.gzip, requests.refused), (0, 0, 0));
}

#[test]
fn over_grpc() {
    let collector = Collector::start().expect("a port");
    check(
        &collector,
        &[
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.grpc_endpoint()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ],
    );
    assert_eq!(collector.requests().http, 0);
}

#[test]
fn the_variables_of_logs_win() {
    let collector = Collector::start().expect("a port");
    check(
        &collector,
        &[
            ("OTEL_LOGS_EXPORTER", "OTLP"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.grpc_endpoint()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            // The whole address, where it is the one of a signal over HTTP.
            (
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
                &format!("{}/v1/logs", collector.http_endpoint()),
            ),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip"),
        ],
    );
    let requests = collector.requests();
    assert_eq!((requests.http, requests.grpc, requests.gzip), (2, 1, 2));
}

#[test]
fn without_traces_there_are_no_ids() {
    let collector = Collector::start().expect("a port");
    quiet(&run(&[
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.http_endpoint()),
    ]));
    let records = collector.log_records();
    assert_eq!(records.len(), 3);
    assert!(
        records.iter().all(|it| it.trace_id.is_none()),
        "{records:?}"
    );
    assert_eq!(collector.spans(), []);
}

#[test]
fn nothing_is_exported_unless_it_is_asked_for() {
    let collector = Collector::start().expect("a port");
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.http_endpoint());
    for variables in [
        &[endpoint] as &[_],
        &[endpoint, ("OTEL_LOGS_EXPORTER", " ")],
        &[endpoint, ("OTEL_LOGS_EXPORTER", "none")],
        &[
            endpoint,
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_SDK_DISABLED", "true"),
        ],
    ] {
        quiet(&run(variables));
    }
    assert_eq!(collector.log_records(), []);
    // The first three have sent their span.
    assert_eq!(collector.spans().len(), 3);
}

#[test]
fn an_unknown_exporter_is_named_once_and_the_others_are_used() {
    let output = run(&[("OTEL_LOGS_EXPORTER", "file,console")]);
    assert!(output.status.success());
    assert_eq!(
        text(&output.stderr),
        "otel-runtime: OTEL_LOGS_EXPORTER is `file`, which is ignored; it takes a comma list of `otlp`, \
         `otlp/stdout`, `console`, or `none`\n"
    );
    assert!(text(&output.stdout).contains(" rooms outside  "));
}

#[test]
fn the_console_prints_a_line_each() {
    let printed = quiet(&run(&[
        ("OTEL_LOGS_EXPORTER", "console"),
        ("OTEL_TRACES_EXPORTER", "console"),
    ]));
    let line = |of: &str| {
        let mut lines = printed.lines();
        let found = lines.find(|line| line.contains(of));
        found.unwrap_or_else(|| panic!("{printed}"))
    };
    assert!(line("outside").contains("Z INFO  rooms outside  code.file.path = "));
    let inside = line("booked");
    assert!(inside.contains("Z WARN  rooms booked twice  "), "{inside}");
    assert!(
        inside.contains("  room = 7  price = 1.5  free = true  guest = Ada  trace_id = "),
        "{inside}"
    );
    assert!(!printed.contains("after the end"), "{printed}");
}

#[test]
fn an_unreachable_endpoint_is_said_once_and_breaks_nothing() {
    for (protocol, by) in [("http/protobuf", "HTTP"), ("grpc", "gRPC")] {
        let output = run(&[
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            // The shutdown does not wait so long for somebody to come.
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "600000"),
        ]);
        assert!(output.status.success(), "{output:?}");
        let said = text(&output.stderr);
        let start = format!(
            "otel-runtime: could not export 2 log records to http://127.0.0.1:9 by {by}, lost: "
        );
        assert!(said.starts_with(&start), "{said}");
        assert!(said.contains("Connection refused"), "{said}");
        // Both the flush and the shutdown fail; the lines of the failures are exported by neither.
        assert_eq!(said.lines().count(), 1, "{said}");
        let printed = text(&output.stdout);
        assert!(
            printed.contains("not every log record could be exported"),
            "{printed}"
        );
    }
}

/// The span beside the console is the SDK's.
#[test]
fn a_busy_receiver_is_asked_again() {
    for (traces, logs, path, requests) in [
        ("none", "otlp", "/v1/logs", 3),
        ("console,otlp", "none", "/v1/traces", 2),
    ] {
        let sink = Sink::start(|before| match before {
            0 => ("503 Service Unavailable", "", Vec::new()),
            _ => OK,
        });
        let printed = quiet(&run(&[
            ("OTEL_TRACES_EXPORTER", traces),
            ("OTEL_LOGS_EXPORTER", logs),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint),
        ]));
        assert!(
            printed.contains("flushed: Ok(()), shut down: Ok(())"),
            "{printed}"
        );
        let received = sink.received();
        assert_eq!(received.len(), requests, "{path}");
        assert!(received.iter().all(|it| it.head.contains(path)));
        assert_eq!(received[0].body, received[1].body);
    }
}

/// Collectors take four MiB by gRPC.
#[test]
fn what_is_too_much_for_one_request_goes_in_several() {
    let sink = Sink::start(|_| OK);
    let output = run_as(
        LARGE,
        &[
            ("OTEL_TRACES_EXPORTER", "console,otlp"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint),
        ],
    );
    let printed = quiet(&output);
    assert!(
        printed.contains("flushed: Ok(()), shut down: Ok(())"),
        "{printed}"
    );
    let received = sink.received();
    assert!(received.iter().all(|request| request.body.len() < 4 << 20));
    let is_logs = |request: &&sink::Received| request.head.contains("/v1/logs");
    let (logs, traces): (Vec<_>, Vec<_>) = received.iter().partition(is_logs);
    let records = logs.iter().flat_map(|request| {
        let request = ExportLogsServiceRequest::decode(&*request.body).expect("a request");
        request
            .resource_logs
            .into_iter()
            .flat_map(|of| of.scope_logs)
    });
    assert_eq!(records.map(|of| of.log_records.len()).sum::<usize>(), 10);
    let spans = traces.iter().flat_map(|request| {
        let request = ExportTraceServiceRequest::decode(&*request.body).expect("a request");
        request
            .resource_spans
            .into_iter()
            .flat_map(|of| of.scope_spans)
    });
    assert_eq!(spans.map(|of| of.spans.len()).sum::<usize>(), 8);
    assert!(
        logs.len() > 3 && traces.len() > 2,
        "{} and {}",
        logs.len(),
        traces.len()
    );
}

#[test]
fn what_a_receiver_refuses_is_counted_and_told() {
    let partial = ExportLogsServiceResponse {
        partial_success: Some(ExportLogsPartialSuccess {
            rejected_log_records: 1,
            error_message: "too old".to_owned(),
        }),
    };
    let sink = Sink::start(move |before| match before {
        0 => ("200 OK", "", partial.encode_to_vec()),
        _ => OK,
    });
    let output = run(&[
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint),
    ]);
    assert!(output.status.success(), "{output:?}");
    let to = format!("{}/v1/logs by HTTP", sink.endpoint);
    assert_eq!(
        text(&output.stderr),
        format!(
            "otel-runtime: could not export 1 log record to {to}, lost: the receiver refused them: too old\n\
             otel-runtime: {to} takes log records again; lost in between: 1\n"
        )
    );
    let printed = text(&output.stdout);
    assert!(printed.contains("shut down: Ok(())"), "{printed}");
}

/// The span beside the console is the SDK's.
#[test]
fn a_receiver_that_never_answers_is_left_after_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    for (protocol, by) in [("http/protobuf", "HTTP"), ("grpc", "gRPC")] {
        let output = run(&[
            ("OTEL_TRACES_EXPORTER", "console,otlp"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "400"),
        ]);
        assert!(output.status.success(), "{output:?}");
        let said = text(&output.stderr);
        let printed = text(&output.stdout);
        assert!(printed.contains("shut down: Err("), "{printed}");
        for (what, path) in [("2 log records", "/v1/logs"), ("1 span", "/v1/traces")] {
            let path = if by == "HTTP" { path } else { "" };
            let lost = format!("could not export {what} to {endpoint}{path} by {by}, lost: ");
            assert!(said.contains(&lost), "`{lost}`: {said}");
        }
    }
}

#[test]
fn an_endpoint_that_cannot_work_is_refused_at_the_start() {
    let output = run(&[
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "localhost:4318"),
    ]);
    let said = text(&output.stderr);
    assert!(
        said.contains(
            "INIT FAILED: the exporter of log records cannot be built: OTEL_EXPORTER_OTLP_LOGS_ENDPOINT is `localhost"
        ),
        "{said}"
    );
}
