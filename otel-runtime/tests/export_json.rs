//! OTLP as JSON: by HTTP, and on standard output.

mod child;
mod sink;

use std::io::Read as _;
use std::process::Output;
use std::time::Duration;

use flate2::read::GzDecoder;
use otel_runtime::{span_attr, traced_span};
use serde_json::{Value, json};
use sink::{OK, Sink};

/// The variable that makes this test binary the process under test: who makes its spans.
const CHILD: &str = "TEST_EXPORT_JSON_CHILD";

const PATIENCE: Duration = Duration::from_secs(20);

#[traced_span("work")]
#[span_attr("load" = f64::NAN, "loads" = [1.5, f64::INFINITY])]
fn work() {
    log::info!(target: "rooms", load = f64::NAN; "working");
}

/// Makes three spans and lines, and says what became of them.
#[test]
#[expect(clippy::print_stderr, reason = "the other tests read it")]
fn child_process() {
    let Ok(who) = std::env::var(CHILD) else {
        return;
    };
    let builder = otel_runtime::builder().service_name("dispo");
    let builder = if who == "sdk" {
        builder.sdk_provider()
    } else {
        builder
    };
    let telemetry = builder.init().expect("telemetry starts");
    let mut logger = env_logger::Builder::new();
    let logger = logger.filter_level(log::LevelFilter::Info).build();
    otel_runtime::instrument::log::init(logger, log::LevelFilter::Info).expect("the first logger");
    for _ in 0..3 {
        work();
    }
    let flushed = telemetry.force_flush();
    eprintln!("{:?}", telemetry.span_counts());
    eprintln!(
        "flush: {flushed:?}, end: {:?}",
        telemetry.shutdown(PATIENCE)
    );
}

fn run(who: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = child::command(CHILD, who);
    command
        // What is not flushed leaves with the shutdown only.
        .env("OTEL_BSP_SCHEDULE_DELAY", "600000")
        .env("OTEL_BLRP_SCHEDULE_DELAY", "600000")
        .env("OTEL_LOGS_EXPORTER", "none")
        .envs(variables.iter().copied());
    command.output().expect("the test runs again")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// As the protocol writes it: camel case, ids in hexadecimal, 64 bits as text, kinds as numbers.
#[track_caller]
fn check_spans(request: &Value) {
    let of_process = &request["resourceSpans"][0];
    let service = json!({"key": "service.name", "value": {"stringValue": "dispo"}});
    let resource = of_process["resource"]["attributes"].as_array();
    assert!(
        resource.is_some_and(|of| of.contains(&service)),
        "{request}"
    );
    let spans = of_process["scopeSpans"][0]["spans"].as_array();
    let spans = spans.expect("a list");
    assert_eq!(spans.len(), 3, "{request}");
    let load = json!({"key": "load", "value": {"stringValue": "NaN"}});
    let values = json!([{"doubleValue": 1.5}, {"stringValue": "Infinity"}]);
    let loads = json!({"key": "loads", "value": {"arrayValue": {"values": values}}});
    for span in spans {
        let text = |key: &str| span[key].as_str().expect("a text");
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert_eq!(text("name"), "work");
        assert!(text("traceId").len() == 32 && is_hex(text("traceId")));
        assert!(text("spanId").len() == 16 && is_hex(text("spanId")));
        assert_eq!(span["kind"], 1);
        let time = |key| text(key).parse::<u64>().expect("nanoseconds");
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
        // Numbers that JSON does not know.
        let attributes = span["attributes"].as_array().expect("a list");
        assert!(attributes.contains(&load), "{span}");
        assert!(attributes.contains(&loads), "{span}");
    }
}

#[test]
fn the_engine_sends_json_and_reads_the_answer() {
    let answer = r#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}"#;
    let sink = Sink::start(move |_| {
        let headers = "content-type: application/json\r\n";
        ("200 OK", headers, answer.as_bytes().to_vec())
    });
    let output = run(
        "engine",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ],
    );
    let said = said(&output);
    assert!(said.contains("recorded: 3, exported: 2"), "{said}");
    assert!(said.contains("refused them: too old"), "{said}");
    let received = sink.received();
    assert_eq!(received.len(), 1);
    let head = &received[0].head;
    assert!(
        head.contains("content-type: application/json\r\n"),
        "{head}"
    );
    let body = GzDecoder::new(&*received[0].body);
    check_spans(&serde_json::from_reader(body).expect("JSON"));
}

#[test]
fn the_sdk_and_log_records_send_json() {
    for compression in ["none", "gzip"] {
        check_sdk(compression);
    }
}

#[track_caller]
fn check_sdk(compression: &str) {
    let sink = Sink::start(|_| OK);
    let output = run(
        "sdk",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=7"),
            // Empty is as good as unset.
            ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", ""),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
        ],
    );
    let said = said(&output);
    assert!(said.contains("flush: Ok(()), end: Ok(())"), "{said}");
    let received = sink.received();
    for (path, list) in [
        ("/v1/traces", "resourceSpans"),
        ("/v1/logs", "resourceLogs"),
    ] {
        let start = format!("post {path} ");
        let mut of_path = received.iter().filter(|it| it.head.starts_with(&start));
        let request = of_path.next().expect("a request");
        for header in ["content-type: application/json\r\n", "x-tenant: 7\r\n"] {
            assert!(request.head.contains(header), "{}", request.head);
        }
        let mut text = String::new();
        let read = match compression {
            "gzip" => GzDecoder::new(&*request.body).read_to_string(&mut text),
            _ => (&*request.body).read_to_string(&mut text),
        };
        read.expect("text");
        let body: Value = serde_json::from_str(&text).expect("JSON");
        assert!(body[list][0].is_object(), "{body}");
        if list == "resourceSpans" {
            check_spans(&body);
        }
        // Numbers that JSON does not know.
        assert!(text.contains(r#""stringValue":"NaN""#), "{text}");
        assert!(!text.contains("null"), "{text}");
    }
}

#[test]
fn spans_and_lines_are_printed() {
    for who in ["engine", "sdk"] {
        let output = run(
            who,
            &[
                ("OTEL_TRACES_EXPORTER", "otlp/stdout"),
                ("OTEL_LOGS_EXPORTER", "otlp/stdout"),
            ],
        );
        let said = said(&output);
        assert!(said.contains("flush: Ok(()), end: Ok(())"), "{said}");
        let printed = String::from_utf8_lossy(&output.stdout);
        let lines = printed.lines().filter(|line| line.starts_with('{'));
        let lines: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len(), 2, "{printed}");
        let of = |list: &str| {
            let found = lines.iter().find(|line| line[list].is_array());
            found.unwrap_or_else(|| panic!("{printed}"))
        };
        check_spans(of("resourceSpans"));
        let scopes = &of("resourceLogs")["resourceLogs"][0]["scopeLogs"];
        assert_eq!(scopes[0]["scope"]["name"], "rooms", "{printed}");
        let record = &scopes[0]["logRecords"][0];
        assert_eq!(record["body"]["stringValue"], "working", "{printed}");
        let load = json!({"key": "load", "value": {"stringValue": "NaN"}});
        let attributes = record["attributes"].as_array().expect("a list");
        assert!(attributes.contains(&load), "{printed}");
    }
}
