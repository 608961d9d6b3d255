//! The collector takes log records by both protocols, and tells what is missing.

use std::time::Duration;

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use otel_runtime::testing::Collector;
use prost::Message as _;

/// Two records: one of a span with all there is to it, and an empty one.
fn request() -> ExportLogsServiceRequest {
    let text = |text: &str| {
        Some(AnyValue {
            value: Some(Value::StringValue(text.to_owned())),
        })
    };
    let attribute = |key: &str, value| KeyValue {
        key: key.to_owned(),
        value: text(value),
        ..KeyValue::default()
    };
    let full = LogRecord {
        time_unix_nano: 5,
        severity_number: 13,
        severity_text: "WARN".to_owned(),
        body: text("full"),
        attributes: vec![attribute("room", "7")],
        flags: 0x101,
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        ..LogRecord::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource {
                attributes: vec![attribute("service.name", "dispo")],
                ..Resource::default()
            }),
            scope_logs: vec![ScopeLogs {
                scope: Some(InstrumentationScope {
                    name: "rooms".to_owned(),
                    ..InstrumentationScope::default()
                }),
                log_records: vec![full, LogRecord::default()],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

#[track_caller]
fn check(collector: &Collector) {
    let records = collector.log_records();
    let [full, empty] = records.as_slice() else {
        panic!("{records:?}");
    };
    assert_eq!(full.trace_id, Some(TraceId::from_bytes([1; 16])));
    assert_eq!(full.span_id, Some(SpanId::from_bytes([2; 8])));
    assert!(full.trace_flags.is_sampled());
    assert_eq!((full.time_unix_nanos, full.severity_number), (5, 13));
    assert_eq!(full.severity_text, "WARN");
    assert_eq!(full.body.as_str(), "full");
    assert_eq!(full.scope_name, "rooms");
    assert_eq!(
        full.attribute("room").map(ToString::to_string).as_deref(),
        Some("7")
    );
    assert_eq!(full.service_name(), Some("dispo"));
    assert_eq!((empty.trace_id, empty.span_id), (None, None));
    assert_eq!(empty.body.as_str(), "");
    assert_eq!(collector.spans(), []);
}

#[tokio::test]
async fn over_http() {
    let collector = Collector::start().expect("a port");
    let post = reqwest::Client::new()
        .post(format!("{}/v1/logs", collector.http_endpoint()))
        .header("content-type", "application/x-protobuf");
    let response = post.body(request().encode_to_vec()).send().await;
    assert_eq!(response.expect("an answer").status(), 200);
    check(&collector);
    let requests = collector.requests();
    assert_eq!((requests.http, requests.refused), (1, 0));
    collector.clear();
    assert_eq!(collector.log_records(), []);
}

#[tokio::test]
async fn over_grpc() {
    let collector = Collector::start().expect("a port");
    let client = LogsServiceClient::connect(collector.grpc_endpoint()).await;
    let answer = client.expect("a connection").export(request()).await;
    assert_eq!(answer.expect("taken").into_inner().partial_success, None);
    check(&collector);
    assert_eq!(collector.requests().grpc, 1);
}

#[tokio::test]
async fn waiting_in_vain_shows_what_was_there() {
    let collector = Collector::start().expect("a port");
    let wait = || collector.wait_for_log_records(Duration::ZERO, |_| false);
    let error = wait().expect_err("nothing came");
    assert_eq!(error.to_string(), "no log record came within 0 s");
    let client = LogsServiceClient::connect(collector.grpc_endpoint()).await;
    let answer = client.expect("a connection").export(request()).await;
    answer.expect("taken");
    let error = wait().expect_err("the answer is no");
    assert_eq!(
        error.to_string(),
        "not all that was waited for came within 0 s; 2 log records did:\n[dispo] WARN full\n[dispo]  "
    );
    let records = collector.wait_for_log_records(Duration::ZERO, |records| records.len() == 2);
    assert_eq!(records.expect("both").len(), 2);
}
