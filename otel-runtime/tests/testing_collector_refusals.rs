//! What the collector answers to requests that are not as OTLP says.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Wire;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use otel_runtime::testing::{Collector, Detail, tree};
use prost::Message;
use reqwest::header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};

const PROTOBUF: &str = "application/x-protobuf";

#[tokio::test]
async fn a_good_request_is_answered_in_protobuf() {
    let collector = Collector::start().expect("a port");
    let response = send(post(&collector, "/v1/traces").body(request("a").encode_to_vec())).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[CONTENT_TYPE], PROTOBUF);
    let body = response.bytes().await.expect("a body");
    let answer = ExportTraceServiceResponse::decode(body).expect("an answer");
    assert_eq!(answer.partial_success, None);
    assert_eq!(tree(&collector.spans(), Detail::NAMES), "INTERNAL a");
}

#[tokio::test]
async fn the_content_type_may_have_parameters_and_capitals() {
    let collector = Collector::start().expect("a port");
    let content_type = "Application/X-Protobuf; charset=utf-8";
    let post = Client::new().post(format!("{}/v1/traces", collector.http_endpoint()));
    let response = send(post.header(CONTENT_TYPE, content_type).body(Vec::new())).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_cannot_be_decoded_is_a_bad_request_that_says_why() {
    let collector = Collector::start().expect("a port");
    let good = request("a").encode_to_vec();
    let bodies = [
        (
            None,
            b"{\"resourceSpans\": []}".to_vec(),
            "the body is no trace export",
        ),
        (
            None,
            good[..good.len() - 1].to_vec(),
            "the body is no trace export",
        ),
        (None, gzip(&good), "the body is no trace export"),
        (Some("gzip"), good.clone(), "the body is not gzip"),
        (
            Some("gzip"),
            gzip(&good)[..20].to_vec(),
            "the body is not gzip",
        ),
        (
            Some("gzip"),
            gzip(b"nonsense"),
            "the body is no trace export",
        ),
    ];
    let count = bodies.len() as u64;
    for (encoding, body, message) in bodies {
        let post =
            post(&collector, "/v1/traces").header(CONTENT_ENCODING, encoding.unwrap_or("identity"));
        let response = send(post.body(body)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[CONTENT_TYPE], PROTOBUF);
        let text = rpc_message(response).await;
        assert!(text.starts_with(message), "{text}");
    }
    let requests = collector.requests();
    assert_eq!((requests.http, requests.refused), (0, count));
    assert_eq!(collector.spans(), []);
}

#[tokio::test]
async fn other_paths_methods_and_encodings_are_refused() {
    let collector = Collector::start().expect("a port");
    let good = || request("a").encode_to_vec();

    let response = send(post(&collector, "/v1/metrics").body(good())).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let response = send(post(&collector, "/").body(good())).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);

    let url = format!("{}/v1/traces", collector.http_endpoint());
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let response = send(Client::new().request(method, &url)).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[ALLOW], "POST");
    }

    for content_type in [
        "application/json",
        "application/x-protobuffer",
        "text/plain",
    ] {
        let post = Client::new().post(&url).header(CONTENT_TYPE, content_type);
        let response = send(post.body(good())).await;
        assert_eq!(
            response.status(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{content_type}"
        );
    }
    let response = send(Client::new().post(&url).body(good())).await;
    assert_eq!(
        response.status(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "no content type"
    );

    let response = send(
        post(&collector, "/v1/traces")
            .header(CONTENT_ENCODING, "br")
            .body(good()),
    )
    .await;
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(
        rpc_message(response).await,
        "the content encoding must be gzip or none"
    );
    assert_eq!(collector.spans(), []);
}

#[tokio::test]
async fn who_waits_in_vain_is_told_why_requests_were_refused() {
    let collector = Collector::start().expect("a port");
    let told = || {
        let told = collector.wait_for(Duration::ZERO, |spans| !spans.is_empty());
        told.expect_err("nothing was taken").to_string()
    };
    let good = || request("a").encode_to_vec();
    send(post(&collector, "/v1/trace").body(good())).await;
    assert_eq!(
        told(),
        "no span came within 0 s\n1 request was refused: 404 for /v1/trace, as traces are taken at /v1/traces, logs at /v1/logs"
    );
    let logs = collector.wait_for_log_records(Duration::ZERO, |records| !records.is_empty());
    let logs = logs.expect_err("none came").to_string();
    assert!(logs.contains("\n1 request was refused: 404"), "{logs}");

    let url = format!("{}/v1/traces", collector.http_endpoint());
    send(Client::new().post(url).body(good())).await;
    assert_eq!(
        told(),
        "no span came within 0 s\n2 requests were refused, the last: 415 for /v1/traces, as the content type must be application/x-protobuf"
    );

    // A body that ends before it is whole.
    let address = collector.http_endpoint().replace("http://", "");
    let mut connection = TcpStream::connect(address).expect("connects");
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: collector\r\ncontent-type: {PROTOBUF}\r\ncontent-length: 9\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).expect("sent");
    connection.shutdown(Shutdown::Write).expect("sent");
    connection
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a timeout");
    let _ = connection.read_to_end(&mut Vec::new());
    let told = told();
    assert!(
        told.contains("400 for /v1/traces, as the body broke off"),
        "{told}"
    );
}

#[tokio::test]
async fn a_small_body_that_unpacks_to_much_is_too_large() {
    let collector = Collector::start().expect("a port");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..65 {
        encoder.write_all(&zeros).expect("in memory");
    }
    let body = encoder.finish().expect("in memory");
    let response = send(
        post(&collector, "/v1/traces")
            .header(CONTENT_ENCODING, "gzip")
            .body(body),
    )
    .await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn spans_without_proper_ids_are_rejected_and_the_others_taken() {
    let collector = Collector::start().expect("a port");
    let mut request = request("good");
    let spans = &mut request.resource_spans[0].scope_spans[0].spans;
    let good = spans[0].clone();
    spans.push(Span {
        trace_id: vec![1; 15],
        ..good.clone()
    });
    spans.push(Span {
        trace_id: vec![0; 16],
        ..good.clone()
    });
    spans.push(Span {
        span_id: Vec::new(),
        ..good.clone()
    });
    spans.push(Span {
        parent_span_id: vec![1; 9],
        ..good
    });
    let response = send(post(&collector, "/v1/traces").body(request.encode_to_vec())).await;
    assert_eq!(response.status(), StatusCode::OK);
    let body = response.bytes().await.expect("a body");
    let answer = ExportTraceServiceResponse::decode(body).expect("an answer");
    let rejected = answer.partial_success.expect("a partial success");
    assert_eq!(rejected.rejected_spans, 4);
    assert!(
        rejected.error_message.contains("16 bytes"),
        "{}",
        rejected.error_message
    );
    assert_eq!(tree(&collector.spans(), Detail::NAMES), "INTERNAL good");
}

#[tokio::test]
async fn values_the_api_has_no_type_for_become_text() {
    let collector = Collector::start().expect("a port");
    let mut request = request("odd");
    let any = |value| AnyValue { value: Some(value) };
    let pair = |key: &str, value| KeyValue {
        key: key.to_owned(),
        value: Some(value),
        key_strindex: 0,
    };
    let text = |text: &str| any(Wire::StringValue(text.to_owned()));
    let map = KeyValueList {
        values: vec![pair("a", any(Wire::IntValue(1))), pair("b", text("c"))],
    };
    let mixed = ArrayValue {
        values: vec![any(Wire::IntValue(1)), text("b")],
    };
    request.resource_spans[0].scope_spans[0].spans[0].attributes = vec![
        pair("bytes", any(Wire::BytesValue(vec![0xab, 1]))),
        pair("empty", AnyValue::default()),
        pair("map", any(Wire::KvlistValue(map))),
        pair("mixed", any(Wire::ArrayValue(mixed))),
        pair("none", any(Wire::ArrayValue(ArrayValue::default()))),
    ];
    let response = send(post(&collector, "/v1/traces").body(request.encode_to_vec())).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        tree(&collector.spans(), Detail::ALL),
        r#"INTERNAL odd
    · bytes = "ab01"
    · empty = ""
    · map = "{\"a\": 1, \"b\": \"c\"}"
    · mixed = ["1", "b"]
    · none = []"#
    );
}

#[tokio::test]
async fn grpc_takes_messages_larger_than_its_default_and_rejects_what_is_no_span() {
    let collector = Collector::start().expect("a port");
    let client = TraceServiceClient::connect(collector.grpc_endpoint()).await;
    let mut client = client.expect("connects");
    let large = "x".repeat(5 * 1024 * 1024);
    let mut request = request(&large);
    request.resource_spans[0].scope_spans[0]
        .spans
        .push(Span::default());
    let answer = client.export(request).await.expect("taken").into_inner();
    assert_eq!(
        answer.partial_success.map(|partial| partial.rejected_spans),
        Some(1)
    );
    assert_eq!(collector.spans().len(), 1);
    assert_eq!(collector.requests().grpc, 1);
}

fn request(name: &str) -> ExportTraceServiceRequest {
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        name: name.to_owned(),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans {
        spans: vec![span],
        ..ScopeSpans::default()
    }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans,
            ..ResourceSpans::default()
        }],
    }
}

fn post(collector: &Collector, path: &str) -> RequestBuilder {
    Client::new()
        .post(format!("{}{path}", collector.http_endpoint()))
        .header(CONTENT_TYPE, PROTOBUF)
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

/// The `message` of the `google.rpc.Status` that a refusal has as its body.
async fn rpc_message(response: Response) -> String {
    let body = response.bytes().await.expect("a body");
    assert_eq!(body[0], (2 << 3) | 2, "field 2, a string");
    let mut rest = &body[1..];
    let length = prost::decode_length_delimiter(&mut rest).expect("a length");
    assert_eq!(rest.len(), length);
    String::from_utf8(rest.to_vec()).expect("text")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}
