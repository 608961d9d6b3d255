//! What the engine sends over OTLP, and what it does when the receiver is slow, busy, picky or not there.

mod child;
mod sink;

use std::net::TcpListener;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use otel_runtime::traced_span;
use prost::Message as _;
use sink::{Answer, OK, Sink};
use tonic::codec::CompressionEncoding;
use tonic::{Code, Request, Response, Status};

/// The variable that makes this test binary the process under test: how many spans it makes.
const CHILD: &str = "TEST_EXPORT_CHILD";

/// Says so instead that standard error cannot be written.
const DEAF: &str = "deaf";

/// Makes and flushes a span twice instead.
const TWICE: &str = "twice";

/// Does so until one arrives.
const UNTIL_ONE_ARRIVES: &str = "until one arrives";

const PATIENCE: Duration = Duration::from_secs(20);

#[traced_span("work")]
fn work() {}

/// Makes spans, flushes, and says what became of them.
#[test]
#[expect(clippy::print_stderr, reason = "the other tests read it")]
fn child_process() {
    let Ok(spans) = std::env::var(CHILD) else {
        return;
    };
    let telemetry = otel_runtime::init().expect("telemetry starts");
    if spans == DEAF {
        for _ in 0..2 {
            work();
            assert!(telemetry.force_flush().is_err());
        }
        let counts = telemetry.span_counts().expect("the engine counts");
        assert_eq!((counts.recorded, counts.refused), (2, 2));
        return;
    }
    if spans == TWICE {
        for _ in 0..2 {
            work();
            eprintln!("flush: {:?}", telemetry.force_flush());
        }
        return;
    }
    if spans == UNTIL_ONE_ARRIVES {
        let begun = Instant::now();
        loop {
            work();
            if telemetry.force_flush().is_ok() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "none arrives");
        }
    }
    for _ in 0..spans.parse().expect("a number") {
        work();
    }
    let flushed = telemetry.force_flush();
    let counts = telemetry.span_counts().expect("the engine counts");
    eprintln!("{counts:?}");
    eprintln!("flush: {flushed:?}");
    let ended = telemetry.shutdown(PATIENCE);
    eprintln!("end: {ended:?}");
}

fn run(spans: usize, variables: &[(&str, &str)]) -> Output {
    run_task(&spans.to_string(), variables)
}

fn run_task(task: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = child::command(CHILD, task);
    command.envs(variables.iter().copied());
    command.output().expect("the test runs again")
}

#[track_caller]
fn check(output: &Output, said: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    for said in said {
        assert!(text.contains(said), "`{said}` is not in:\n{text}");
    }
}

fn counts(recorded: u64, exported: u64, refused: u64) -> String {
    format!(
        "SpanCounts {{ recorded: {recorded}, exported: {exported}, dropped: 0, refused: {refused} }}"
    )
}

/// How many spans are in a request.
fn spans(request: &ExportTraceServiceRequest) -> usize {
    let scopes = request.resource_spans.iter().flat_map(|of| &of.scope_spans);
    scopes.map(|of| of.spans.len()).sum()
}

fn decoded(body: &[u8]) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(body).expect("a request")
}

#[test]
fn http_sends_what_the_environment_wants() {
    let sink = Sink::start(|_| OK);
    let output = run(
        3,
        &[
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                &format!("{}/in/", sink.endpoint),
            ),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "Authorization=Basic%20abc,x-tenant=7",
            ),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_LOG_LEVEL", "info"),
        ],
    );
    check(
        &output,
        &[
            &counts(3, 3, 0),
            "flush: Ok(())\n",
            "otel-runtime: 3 spans recorded, 3 exported, 0 dropped, 0 refused",
        ],
    );
    let received = sink.received();
    assert_eq!(received.len(), 1);
    let head = &received[0].head;
    for line in [
        "post /in/v1/traces http/1.1\r\n",
        "content-type: application/x-protobuf\r\n",
        "content-encoding: gzip\r\n",
        "authorization: basic abc\r\n",
        "x-tenant: 7\r\n",
        concat!(
            "user-agent: otel-runtime/",
            env!("CARGO_PKG_VERSION"),
            "\r\n"
        ),
    ] {
        assert!(head.contains(line), "`{line}` is not in:\n{head}");
    }
    let mut body = Vec::new();
    std::io::Read::read_to_end(&mut GzDecoder::new(&*received[0].body), &mut body)
        .expect("it is compressed");
    assert_eq!(spans(&decoded(&body)), 3);
}

#[test]
fn many_spans_go_in_requests_of_a_bounded_size() {
    let sink = Sink::start(|_| OK);
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", sink.endpoint.as_str());
    let output = run(20_000, &[endpoint]);
    check(&output, &[&counts(20_000, 20_000, 0)]);
    let received = sink.received();
    let sizes: Vec<_> = received
        .iter()
        .map(|request| spans(&decoded(&request.body)))
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 20_000);
    assert!(sizes.iter().all(|size| *size <= 8_192), "{sizes:?}");
    assert!(
        received
            .iter()
            .all(|request| request.body.len() < 4 * 1024 * 1024)
    );
}

/// Answers the requests in turn, then with OK.
fn in_turn(answers: Vec<Answer>) -> Sink {
    Sink::start(move |index| answers.get(index).cloned().unwrap_or(OK))
}

#[test]
fn http_tries_again_where_that_may_help() {
    let sink = in_turn(vec![
        ("503 Service Unavailable", "", Vec::new()),
        ("429 Too Many Requests", "retry-after: 1\r\n", Vec::new()),
    ]);
    let begun = Instant::now();
    let output = run(2, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint)]);
    check(&output, &[&counts(2, 2, 0), "flush: Ok(())"]);
    assert!(
        begun.elapsed() >= Duration::from_millis(1_250),
        "{:?}",
        begun.elapsed()
    );
    let received = sink.received();
    assert_eq!(received.len(), 3);
    assert!(
        received
            .iter()
            .all(|request| request.body == received[0].body)
    );
}

#[test]
fn a_receiver_that_wants_nothing_for_long_is_left_alone() {
    let busy = ("429 Too Many Requests", "retry-after: 60\r\n", Vec::new());
    let sink = in_turn(vec![busy; 9]);
    let output = run_task(TWICE, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint)]);
    check(
        &output,
        &[
            "flush: Err(ShutdownError(\"not every span could be exported: the receiver answered 429",
            "they were not sent, as the receiver wants nothing for another ",
        ],
    );
    assert_eq!(sink.received().len(), 1);

    // A `google.rpc.Status` with a `google.rpc.RetryInfo` of 60 seconds.
    let details =
        b"\x1a\x30\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x04\x0a\x02\x08\x3c";
    let full = Status::with_details(Code::ResourceExhausted, "full", details[..].into());
    let one_each = ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1");
    let (output, received) = run_grpc(3, vec![Err(full); 9], &[one_each]);
    check(&output, &[&counts(3, 0, 3)]);
    assert_eq!(received.len(), 1);
}

#[test]
fn a_short_while_in_which_a_receiver_wants_nothing_is_waited_for() {
    // Less than the receiver wants, so that one has to be refused before.
    let sink = in_turn(vec![(
        "429 Too Many Requests",
        "retry-after: 2\r\n",
        Vec::new(),
    )]);
    let begun = Instant::now();
    let output = run_task(
        UNTIL_ONE_ARRIVES,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1900"),
        ],
    );
    check(&output, &["answered 429"]);
    assert!(
        begun.elapsed() >= Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(sink.received().len(), 2);
}

#[test]
fn http_does_not_try_again_what_cannot_work() {
    let sink = in_turn(vec![(
        "400 Bad Request",
        "",
        b"\x12\x0bno such key".to_vec(),
    )]);
    let output = run(2, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint)]);
    let said = format!(
        "otel-runtime: could not export 2 spans to {}/v1/traces by HTTP, lost: the receiver answered 400 Bad Request: no such key",
        sink.endpoint
    );
    check(&output, &[&counts(2, 0, 2), &said, "flush: Err("]);
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn http_does_not_follow_elsewhere() {
    let elsewhere = Sink::start(|_| OK);
    let to: &'static str = format!("location: {}/v1/traces\r\n", elsewhere.endpoint).leak();
    let sink = in_turn(vec![("307 Temporary Redirect", to, Vec::new())]);
    let output = run(1, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint)]);
    check(
        &output,
        &[&counts(1, 0, 1), "answered 307 Temporary Redirect"],
    );
    assert_eq!(elsewhere.received().len(), 0);
}

fn partial(refused: i64) -> ExportTraceServiceResponse {
    ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: refused,
            error_message: "too old".to_owned(),
        }),
    }
}

#[test]
fn what_a_receiver_refuses_of_a_request_is_counted_and_told() {
    let sink = in_turn(vec![("200 OK", "", partial(2).encode_to_vec())]);
    let output = run(5, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint)]);
    check(
        &output,
        &[
            &counts(5, 3, 2),
            "could not export 2 spans to",
            "refused them: too old",
        ],
    );
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn a_receiver_that_never_answers_is_left_after_the_timeout() {
    let sink = Sink::start(|_| {
        loop {
            std::thread::park();
        }
    });
    let begun = Instant::now();
    let output = run(
        2,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "400"),
        ],
    );
    check(&output, &[&counts(2, 0, 2), "could not export 2 spans to"]);
    assert!(begun.elapsed() >= Duration::from_millis(400));
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn a_receiver_that_is_not_there_is_not_waited_for_with_each_request() {
    let begun = Instant::now();
    let output = run(
        20,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
        ],
    );
    check(&output, &[&counts(20, 0, 20)]);
    // Each for itself they would take twice as long.
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn a_standard_error_that_cannot_be_written_stops_nothing() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut child = child::command(CHILD, DEAF)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
        .stdout(std::process::Stdio::null())
        .stderr(writer)
        .spawn()
        .expect("the test runs again");
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && child.try_wait().expect("a status").is_none() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // If it still waits.
    let _ = child.kill();
    assert!(child.wait().expect("a status").success());
}

/// At a port that the system gives only to who asks for it by number: those it gives by itself begin at 32768 or 49152, and
/// one of them might be somebody else's before the next listener comes.
fn listener_to_replace() -> TcpListener {
    // Processes begin to look at different places.
    let begin = std::process::id() % 10_000;
    let mut ports = (0..10_000).map(|n| 20_000 + (begin + n) % 10_000);
    let listener = ports.find_map(|port| {
        let port = u16::try_from(port).ok()?;
        TcpListener::bind(("127.0.0.1", port)).ok()
    });
    listener.expect("a free port")
}

#[test]
fn a_receiver_that_comes_late_gets_the_spans() {
    let busy = listener_to_replace();
    let address = busy.local_addr().expect("an address");
    let late = std::thread::spawn(move || {
        // The first request is not answered, and then nobody is there.
        let first = busy.accept().expect("a first request");
        drop((first, busy));
        Sink::at(address, |_| OK)
    });
    let endpoint = format!("http://{address}");
    let output = run(2, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    check(&output, &[&counts(2, 2, 0), "flush: Ok(())"]);
    let sink = late.join().expect("the sink starts");
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn a_header_that_is_none_is_told_without_its_value() {
    let output = run(
        0,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
        ],
    );
    let said = "OTEL_EXPORTER_OTLP_HEADERS is not a list of headers, which is ignored; it takes";
    check(&output, &[said]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("secret"));
}

#[test]
fn a_header_that_cannot_be_sent_is_an_error_of_init() {
    for (headers, expected) in [
        (
            // Written as in HTTP, and cut where the padding begins.
            "authorization: Basic secret==",
            "OTEL_EXPORTER_OTLP_HEADERS has a name that no header can have",
        ),
        (
            "key=secret%0A",
            "OTEL_EXPORTER_OTLP_HEADERS has a value for `key` that cannot be sent",
        ),
    ] {
        let output = run(
            0,
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
                ("OTEL_EXPORTER_OTLP_HEADERS", headers),
            ],
        );
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

/// Answers by gRPC.
struct Service {
    requests: Arc<Mutex<Vec<Request<ExportTraceServiceRequest>>>>,
    answers: Vec<Result<ExportTraceServiceResponse, Status>>,
    calls: AtomicUsize,
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.requests.lock().expect("no panic").push(request);
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers.get(call).cloned();
        answer.unwrap_or_else(|| Ok(partial(0))).map(Response::new)
    }
}

/// Runs the child against a service that answers the requests in turn, then with success.
fn run_grpc(
    spans: usize,
    answers: Vec<Result<ExportTraceServiceResponse, Status>>,
    variables: &[(&str, &str)],
) -> (Output, Vec<Request<ExportTraceServiceRequest>>) {
    run_grpc_behind(0, spans, answers, variables)
}

/// The same with so many connections before, which stay open and of which nothing is heard.
fn run_grpc_behind(
    dead_connections: usize,
    spans: usize,
    answers: Vec<Result<ExportTraceServiceResponse, Status>>,
    variables: &[(&str, &str)],
) -> (Output, Vec<Request<ExportTraceServiceRequest>>) {
    let requests = Arc::default();
    let service = Service {
        requests: Arc::clone(&requests),
        answers,
        calls: AtomicUsize::new(0),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    let service = TraceServiceServer::new(service).accept_compressed(CompressionEncoding::Gzip);
    runtime.spawn(async move {
        let mut dead = Vec::new();
        while dead.len() < dead_connections {
            dead.push(listener.accept().await);
        }
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let server = tonic::transport::Server::builder().add_service(service);
        server.serve_with_incoming(incoming).await
    });
    let mut all = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];
    all.extend(variables);
    let output = run(spans, &all);
    let received = std::mem::take(&mut *requests.lock().expect("no panic"));
    (output, received)
}

#[test]
fn grpc_sends_what_the_environment_wants() {
    for compression in ["gzip", "none"] {
        let (output, received) = run_grpc(
            20_000,
            Vec::new(),
            &[
                ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=7"),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
            ],
        );
        check(&output, &[&counts(20_000, 20_000, 0), "flush: Ok(())"]);
        let sent: usize = received
            .iter()
            .map(|request| spans(request.get_ref()))
            .sum();
        assert_eq!(sent, 20_000);
        for request in received {
            let metadata = request.metadata();
            assert_eq!(metadata.get("x-tenant").expect("the header"), "7");
            let agent = metadata.get("user-agent").expect("the header").to_str();
            assert!(agent.is_ok_and(|agent| agent.starts_with("otel-runtime/")));
            let encoding = metadata.get("grpc-encoding");
            assert_eq!(
                encoding.is_some_and(|it| it == "gzip"),
                compression == "gzip"
            );
        }
    }
}

#[test]
fn grpc_tries_again_where_that_may_help() {
    let busy = |code| Err(Status::new(code, "not now"));
    let (output, received) = run_grpc(2, vec![busy(Code::Unavailable)], &[]);
    check(&output, &[&counts(2, 2, 0), "flush: Ok(())"]);
    assert_eq!(received.len(), 2);

    let (output, received) = run_grpc(2, vec![busy(Code::PermissionDenied)], &[]);
    check(
        &output,
        &[
            &counts(2, 0, 2),
            "the receiver answered PermissionDenied: not now",
        ],
    );
    assert_eq!(received.len(), 1);

    // Without a word about when there will be room.
    let (output, received) = run_grpc(2, vec![busy(Code::ResourceExhausted)], &[]);
    check(&output, &[&counts(2, 0, 2)]);
    assert_eq!(received.len(), 1);

    let (output, received) = run_grpc(2, vec![Ok(partial(1))], &[]);
    check(&output, &[&counts(2, 1, 1), "refused them: too old"]);
    assert_eq!(received.len(), 1);
}

#[test]
fn grpc_leaves_a_connection_that_died_without_a_word() {
    let (output, received) = run_grpc_behind(
        1,
        3,
        Vec::new(),
        &[
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "400"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
        ],
    );
    check(&output, &[&counts(3, 2, 1), "there was no answer in"]);
    assert_eq!(received.len(), 2);
}
