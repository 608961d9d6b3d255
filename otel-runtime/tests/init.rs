//! `init` in a process of its own: the environment is the process's, so each case is one.

mod child;
mod sink;

#[cfg(unix)]
use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use std::process::Output;
use std::time::Duration;

use otel_runtime::testing::Spans;
use otel_runtime::{span_attr, traced_span};
use sink::{OK, Sink};

/// The variable that makes this test binary the process under test.
const CHILD: &str = "TEST_INIT_CHILD";

/// The value of that variable by which a span ends within an executor.
const EXECUTOR: &str = "executor";

/// The same by which all is done in an async `main`.
const ASYNC_MAIN: &str = "async main";

/// The same by which `init` fails when the engine runs already.
#[cfg(target_os = "linux")]
const REFUSED: &str = "refused";

/// The same by which it keeps its spans, as a test does.
const SPANS: &str = "spans";

#[traced_span("parent")]
fn parent(#[span_attr] room: u32) -> u32 {
    child();
    room
}

#[traced_span("child")]
fn child() {}

#[traced_span("awaited")]
async fn awaited() {
    std::future::ready(()).await;
}

/// What the child process does.
#[test]
fn child_process() {
    match std::env::var(CHILD).as_deref() {
        Err(_) => {}
        Ok(ASYNC_MAIN) => {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async { work() });
        }
        Ok(EXECUTOR) => {
            let telemetry = otel_runtime::init().expect("telemetry starts");
            futures_executor::block_on(awaited());
            telemetry.shutdown(Duration::MAX).expect("an end");
        }
        Ok(SPANS) => {
            // What an application does at its start, in a test that looks at its spans.
            drop(otel_runtime::init().expect("telemetry starts"));
            let spans = Spans::install();
            parent(1);
            let ended = otel_runtime::init().expect("telemetry starts");
            let others = Spans::install();
            parent(2);
            drop(ended);
            for spans in [spans, others] {
                assert_eq!(spans.tree().lines().count(), 2, "{}", spans.tree());
            }
        }
        #[cfg(target_os = "linux")]
        Ok(REFUSED) => {
            for _ in 0..3 {
                assert!(otel_runtime::init().is_err());
            }
            let begun = std::time::Instant::now();
            while exporting_threads() > 0 {
                assert!(begun.elapsed() < Duration::from_secs(20), "they stay");
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        Ok(_) => work(),
    }
}

#[cfg(target_os = "linux")]
fn exporting_threads() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").expect("the threads");
    let names = threads.filter_map(|thread| {
        let name = thread.expect("a thread").path().join("comm");
        std::fs::read_to_string(name).ok()
    });
    names
        .filter(|name| name.starts_with("otel-runtime-sp"))
        .count()
}

fn work() {
    let telemetry = match otel_runtime::builder()
        .service_name("init-test")
        .service_version("1.2.3")
        .init()
    {
        Ok(telemetry) => telemetry,
        Err(error) => panic!("INIT FAILED: {error}"),
    };
    assert!(matches!(
        otel_runtime::init(),
        Err(otel_runtime::InitError::AlreadyStarted)
    ));
    parent(12);
    let result = telemetry.shutdown(Duration::from_secs(5));
    if let Err(error) = result {
        panic!("SHUTDOWN FAILED: {error}");
    }
    drop(otel_runtime::init().expect("telemetry starts again"));
}

fn run(variables: &[(&str, &str)]) -> Output {
    let mut command = child::command(CHILD, "1");
    command.envs(variables.iter().copied());
    command.output().expect("the test runs again")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn nothing_set_prints_nothing() {
    let output = run(&[]);
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "");
    assert!(!text(&output.stdout).contains("parent"));
}

#[test]
fn console_prints_a_tree() {
    let output = run(&[("OTEL_TRACES_EXPORTER", "console")]);
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "");
    let printed = text(&output.stdout);
    assert!(printed.contains("INTERNAL parent"), "{printed}");
    assert!(printed.contains("  INTERNAL child"), "{printed}");
    assert!(printed.contains("room = 12"), "{printed}");
    assert!(printed.contains("init-test"), "{printed}");
}

#[test]
fn spans_are_kept_for_a_test_whatever_was_started_before() {
    let output = child::command(CHILD, SPANS).output();
    let output = output.expect("the test runs again");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn a_start_that_fails_half_way_leaves_nothing_behind() {
    let mut command = child::command(CHILD, REFUSED);
    command.envs([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "no url"),
    ]);
    let output = command.output().expect("the test runs again");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_disabled_sdk_prints_nothing() {
    let output = run(&[
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_SDK_DISABLED", "true"),
    ]);
    assert!(output.status.success());
    assert!(!text(&output.stdout).contains("parent"));
}

#[test]
fn an_unreachable_endpoint_is_said_once_and_breaks_nothing() {
    for (protocol, path) in [("http/protobuf", "/v1/traces"), ("grpc", "")] {
        let output = run(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ]);
        let said = text(&output.stderr);
        assert_eq!(
            said.matches(&format!(
                "could not export 2 spans to http://127.0.0.1:9{path} by"
            ))
            .count(),
            1,
            "{protocol}: {said}"
        );
        assert_eq!(
            output.status.success(),
            !said.contains("SHUTDOWN FAILED"),
            "{protocol}: {said}"
        );
    }
}

#[test]
fn a_wrong_variable_is_named() {
    let output = run(&[("OTEL_TRACES_SAMPLER", "sometimes")]);
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(
        said.starts_with("otel-runtime: OTEL_TRACES_SAMPLER is `sometimes`"),
        "{said}"
    );
    let output = run(&[
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_LOG_LEVEL", "none"),
    ]);
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn an_endpoint_that_cannot_work_is_refused_at_the_start() {
    for (endpoint, reason) in [
        #[cfg(not(feature = "tls"))]
        (
            "https://user:secret@127.0.0.1:9",
            "the endpoint `https://127.0.0.1:9/v1/traces` asks for TLS, but otel-runtime was built without its feature `tls`",
        ),
        (
            "localhost:4318",
            "OTEL_EXPORTER_OTLP_ENDPOINT is `localhost:4318`, which is no URL; write `http://localhost:4318`",
        ),
        (
            "http://[",
            "OTEL_EXPORTER_OTLP_ENDPOINT is `http://[`, which is no URL",
        ),
    ] {
        let output = run(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]);
        let said = text(&output.stderr);
        assert!(!output.status.success());
        assert!(
            said.contains("INIT FAILED: the exporter of spans cannot be built"),
            "{said}"
        );
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
#[cfg(not(feature = "tls"))]
fn grpc_without_a_scheme_asks_for_tls() {
    let output = run(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ]);
    let said = text(&output.stderr);
    assert!(
        said.contains("the endpoint `https://localhost:4317/` asks for TLS"),
        "{said}"
    );
    assert!(said.contains("OTEL_EXPORTER_OTLP_INSECURE=true"), "{said}");
}

#[test]
#[cfg(not(feature = "json"))]
fn json_is_refused_where_it_is_not_built_in() {
    for variables in [
        [
            ("OTEL_TRACES_EXPORTER", "otlp/stdout"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ],
        [
            ("OTEL_TRACES_EXPORTER", "console,otlp/stdout"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ],
        [
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ],
        [
            ("OTEL_TRACES_EXPORTER", "console,otlp"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ],
        [
            ("OTEL_LOGS_EXPORTER", "otlp/stdout"),
            ("OTEL_TRACES_EXPORTER", "none"),
        ],
    ] {
        let output = run(&variables);
        let said = text(&output.stderr);
        assert!(!output.status.success());
        assert!(said.contains("without its feature `json`"), "{said}");
    }
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_no_text_is_named() {
    let mut command = child::command(CHILD, "1");
    command.env("OTEL_SERVICE_NAME", OsStr::from_bytes(b"x\xff"));
    let output = command.output().expect("the test runs again");
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(
        said.starts_with("otel-runtime: OTEL_SERVICE_NAME is not UTF-8, which is ignored\n"),
        "{said}"
    );
}

#[test]
fn the_console_works_within_an_executor() {
    let mut command = child::command(CHILD, EXECUTOR);
    command.env("OTEL_TRACES_EXPORTER", "console");
    let output = command.output().expect("the test runs again");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let printed = text(&output.stdout);
    assert!(printed.contains("INTERNAL awaited"), "{printed}");
}

#[test]
fn an_async_main_is_told_that_telemetry_cannot_start() {
    for exporters in ["otlp", "console,otlp"] {
        let mut command = child::command(CHILD, ASYNC_MAIN);
        command
            .env("OTEL_TRACES_EXPORTER", exporters)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318");
        let output = command.output().expect("the test runs again");
        let said = text(&output.stderr);
        assert!(said.contains("INIT FAILED: the exporter"), "{said}");
    }
}

#[test]
fn time_without_end_is_time_enough() {
    for exporters in ["otlp", "console,otlp"] {
        let sink = Sink::start(|_| OK);
        let mut command = child::command(CHILD, EXECUTOR);
        command
            .env("OTEL_TRACES_EXPORTER", exporters)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint);
        let output = command.output().expect("the test runs again");
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(sink.received().len(), 1);
    }
}

#[test]
fn a_list_that_is_malformed_is_not_taken_in_part() {
    let output = run(&[
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=half,broken"),
    ]);
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("OTEL_RESOURCE_ATTRIBUTES is"));
    let printed = text(&output.stdout);
    assert!(printed.contains("init-test"), "{printed}");
    assert!(!printed.contains("half"), "{printed}");
}

#[test]
fn sites_are_switched_off_by_a_variable() {
    let output = run(&[
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_RUNTIME_SPANS", "child=off"),
    ]);
    assert!(output.status.success());
    let printed = text(&output.stdout);
    assert!(printed.contains("INTERNAL parent"), "{printed}");
    assert!(!printed.contains("INTERNAL child"), "{printed}");
}
