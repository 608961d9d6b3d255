//! The collector against the exporters that services use: both protocols, plain and compressed.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use opentelemetry::trace::{
    Link, Span, SpanKind, Status, TraceContextExt, TraceId, Tracer, TracerProvider,
};
use opentelemetry::{Array, Context, KeyValue, Value};
use opentelemetry_otlp::{
    Compression, Protocol, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_runtime::testing::{Collector, Detail, SpanRecord, tree};

/// Long enough for a busy machine; nothing waits so long when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn http_plain() {
    let collector = Collector::start().expect("a port");
    check(&collector, http(&collector, None));
    let requests = collector.requests();
    assert!(requests.http >= 1 && requests.grpc == 0, "{requests:?}");
    assert_eq!((requests.gzip, requests.refused), (0, 0));
}

#[test]
fn http_gzip() {
    let collector = Collector::start().expect("a port");
    check(&collector, http(&collector, Some(Compression::Gzip)));
    let requests = collector.requests();
    assert!(requests.http >= 1 && requests.grpc == 0, "{requests:?}");
    assert_eq!((requests.gzip, requests.refused), (requests.http, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn grpc_plain() {
    let collector = Collector::start().expect("a port");
    check(&collector, grpc(&collector, None));
    let requests = collector.requests();
    assert!(requests.grpc >= 1 && requests.http == 0, "{requests:?}");
    assert_eq!(requests.gzip, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn grpc_gzip() {
    let collector = Collector::start().expect("a port");
    check(&collector, grpc(&collector, Some(Compression::Gzip)));
    let requests = collector.requests();
    assert!(requests.grpc >= 1 && requests.http == 0, "{requests:?}");
    assert_eq!(requests.gzip, requests.grpc);
}

/// Records a trace with all there is in it, and looks at what arrives.
#[track_caller]
fn check(collector: &Collector, provider: SdkTracerProvider) {
    let trace_id = record_booking(&provider);
    let flushed = provider.force_flush();
    assert!(flushed.is_ok(), "{flushed:?}");
    let spans = collector
        .wait_for(PATIENCE, |spans| spans.len() == 3)
        .expect("three spans");
    assert_eq!(
        tree(&spans, Detail::ALL),
        r#"SERVER POST /api/v1/bookings/ [dispo] (remote parent) ERROR: room 7 is closed
    · bool = true
    · bools = [true, false]
    · float = 2.5
    · floats = [1.0]
    · int = -3
    · ints = [1, 2]
    · strings = ["a", "b"]
    · text = "ü \"x\""
  CLIENT INSERT bookings [dispo] OK
      * retried
        · attempt = 2
  PRODUCER send booking.created [dispo]
      ~ link to CLIENT INSERT bookings
        · why = "test""#
    );
    assert_eq!(collector.trace(trace_id), spans);
    assert_eq!(collector.trace(TraceId::from(1)), []);
    let server = spans
        .iter()
        .find(|span| span.kind == SpanKind::Server)
        .expect("the server span");
    assert_eq!(
        (server.scope_name.as_str(), server.scope_version.as_deref()),
        ("bookings", None)
    );
    assert!(server.start_unix_nanos > 0 && server.start_unix_nanos <= server.end_unix_nanos);
    assert_eq!(server.trace_state, "vendor=1");
    assert!(
        spans
            .iter()
            .all(|span| span.parent_is_remote == (span.kind == SpanKind::Server))
    );
    drop(provider);
}

fn record_booking(provider: &SdkTracerProvider) -> TraceId {
    let tracer = provider.tracer("bookings");
    let remote = opentelemetry::trace::SpanContext::new(
        TraceId::from(0xb0),
        0xb1.into(),
        opentelemetry::trace::TraceFlags::SAMPLED,
        true,
        "vendor=1".parse().expect("a trace state"),
    );
    let parent = Context::new().with_remote_span_context(remote);
    let attributes = [
        KeyValue::new("bool", true),
        KeyValue::new("int", -3),
        KeyValue::new("float", 2.5),
        KeyValue::new("text", "ü \"x\""),
        KeyValue::new("bools", Value::Array(Array::Bool(vec![true, false]))),
        KeyValue::new("ints", Value::Array(Array::I64(vec![1, 2]))),
        KeyValue::new("floats", Value::Array(Array::F64(vec![1.0]))),
        KeyValue::new(
            "strings",
            Value::Array(Array::String(vec!["a".into(), "b".into()])),
        ),
    ];
    let builder = tracer
        .span_builder("POST /api/v1/bookings/")
        .with_kind(SpanKind::Server);
    let server = builder
        .with_attributes(attributes)
        .start_with_context(&tracer, &parent);
    let server = parent.with_span(server);
    server.span().set_status(Status::error("room 7 is closed"));

    let builder = tracer
        .span_builder("INSERT bookings")
        .with_kind(SpanKind::Client);
    let mut insert = builder.start_with_context(&tracer, &server);
    insert.add_event("retried", vec![KeyValue::new("attempt", 2)]);
    insert.set_status(Status::Ok);
    let link = Link::new(
        insert.span_context().clone(),
        vec![KeyValue::new("why", "test")],
        0,
    );
    insert.end();

    let builder = tracer
        .span_builder("send booking.created")
        .with_kind(SpanKind::Producer);
    builder
        .with_links(vec![link])
        .start_with_context(&tracer, &server)
        .end();
    server.span().end();
    server.span().span_context().trace_id()
}

#[test]
fn waiting_ends_when_spans_arrive_from_another_thread() {
    let collector = Collector::start().expect("a port");
    let provider = http(&collector, None);
    let spans = thread::scope(|scope| {
        let (asked, ask) = std::sync::mpsc::channel();
        let waiting = scope.spawn({
            let collector = &collector;
            move || {
                collector.wait_for(PATIENCE, |spans| {
                    let _ = asked.send(());
                    spans.len() >= 2
                })
            }
        });
        ask.recv().expect("asked once before any span came");
        for name in ["one", "two"] {
            provider.tracer("test").start(name);
            assert!(provider.force_flush().is_ok());
        }
        waiting.join().expect("no panic")
    });
    let names: Vec<_> = spans
        .expect("both")
        .into_iter()
        .map(|span| span.name)
        .collect();
    assert_eq!(names, ["one", "two"]);
}

#[test]
fn waiting_in_vain_shows_what_was_there() {
    let collector = Collector::start().expect("a port");
    let nothing = collector.wait_for(Duration::ZERO, |spans| !spans.is_empty());
    assert_eq!(
        nothing.expect_err("nothing").to_string(),
        "no span came within 0 s"
    );

    let provider = http(&collector, None);
    record_booking(&provider);
    assert!(provider.force_flush().is_ok());
    let timeout = Duration::from_millis(10);
    let error = collector
        .wait_for(timeout, |spans| spans.len() > 3)
        .expect_err("three only");
    assert_eq!(error.spans.len(), 3);
    let text = "not all that was waited for came within 0.01 s; 3 spans did:
SERVER POST /api/v1/bookings/ [dispo] (remote parent) ERROR: room 7 is closed
  CLIENT INSERT bookings [dispo] OK
  PRODUCER send booking.created [dispo]";
    assert_eq!(error.to_string(), text);
    assert_eq!(format!("{error:?}"), text);
}

#[test]
fn the_question_may_ask_the_collector_and_may_panic() {
    let collector = Collector::start().expect("a port");
    let waited = collector.wait_for(PATIENCE, |spans| collector.spans() == spans);
    assert_eq!(waited.expect("asked once"), []);
    let question = |_: &[SpanRecord]| panic!("on purpose");
    let panicked = thread::scope(|scope| {
        scope
            .spawn(|| collector.wait_for(PATIENCE, question))
            .join()
            .is_err()
    });
    assert!(panicked);
    assert_eq!(collector.spans(), []);
}

#[test]
fn beyond_its_capacity_the_newest_spans_are_kept_and_the_others_counted() {
    let collector = Collector::with_capacity(NonZeroUsize::new(2).expect("two")).expect("a port");
    let provider = http(&collector, None);
    for name in ["one", "two", "three"] {
        provider.tracer("test").start(name);
        assert!(provider.force_flush().is_ok());
    }
    let names: Vec<_> = collector
        .spans()
        .into_iter()
        .map(|span| span.name)
        .collect();
    assert_eq!(names, ["two", "three"]);
    assert_eq!(collector.dropped(), 1);
    let in_vain = collector.wait_for(Duration::ZERO, |spans| spans.len() == 3);
    let told = in_vain.expect_err("there is no room").to_string();
    assert!(told.ends_with("\n1 span gave way to newer ones"), "{told}");
    collector.clear();
    assert_eq!(collector.spans(), []);
}

#[test]
fn collectors_run_side_by_side() {
    let (one, other) = (
        Collector::start().expect("a port"),
        Collector::start().expect("a port"),
    );
    let addresses = [
        one.http_endpoint(),
        one.grpc_endpoint(),
        other.http_endpoint(),
        other.grpc_endpoint(),
    ];
    for (index, address) in addresses.iter().enumerate() {
        assert!(address.starts_with("http://127.0.0.1:"), "{address}");
        assert!(!addresses[..index].contains(address), "{addresses:?}");
    }
    let provider = http(&one, None);
    provider.tracer("test").start("only one");
    assert!(provider.force_flush().is_ok());
    assert_eq!((one.spans().len(), other.spans().len()), (1, 0));
}

#[tokio::test]
async fn dropped_in_async_code_it_stops_and_closes_open_connections() {
    let collector = Collector::start().expect("a port");
    let connect = |endpoint: String| {
        let address = endpoint.trim_start_matches("http://").to_owned();
        TcpStream::connect(address).expect("connects")
    };
    let open = [collector.http_endpoint(), collector.grpc_endpoint()].map(connect);
    drop(collector);
    for mut connection in open {
        connection
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout");
        let end = connection.read_to_end(&mut Vec::new());
        let still_open = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
        assert!(!end.is_err_and(|error| still_open.contains(&error.kind())));
    }
}

fn http(collector: &Collector, compression: Option<Compression>) -> SdkTracerProvider {
    let endpoint = format!("{}/v1/traces", collector.http_endpoint());
    let builder = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint);
    let builder = match compression {
        Some(compression) => builder.with_compression(compression),
        None => builder,
    };
    provider(builder.build().expect("an exporter"))
}

fn grpc(collector: &Collector, compression: Option<Compression>) -> SdkTracerProvider {
    let builder = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(collector.grpc_endpoint());
    let builder = match compression {
        Some(compression) => builder.with_compression(compression),
        None => builder,
    };
    provider(builder.build().expect("an exporter"))
}

fn provider(exporter: SpanExporter) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder_empty().with_service_name("dispo").build())
        .build()
}
