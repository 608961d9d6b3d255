//! What leaves at the end: in time, not again and again, and with a word about what does not.

mod child;
mod sink;

use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};
use otel_runtime::traced_span;
use sink::{Answer, CLOSE, OK, Sink};

/// The variable that makes this test binary the process under test: what it does.
const CHILD: &str = "TEST_EXPORT_SHUTDOWN_CHILD";

/// How long its shutdown may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What the process exports: spans of the engine, spans of the SDK, or log records.
const ALL: [Exported; 3] = [
    Exported {
        what: "spans",
        variables: [
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ],
    },
    Exported {
        what: "spans of the SDK",
        variables: [
            ("OTEL_TRACES_EXPORTER", "console,otlp"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ],
    },
    Exported {
        what: "log records",
        variables: [
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
        ],
    },
];

#[derive(Clone, Copy)]
struct Exported {
    what: &'static str,
    variables: [(&'static str, &'static str); 2],
}

#[traced_span("work")]
fn work() {
    log::info!(target: "work", "done");
}

/// A processor of the application that takes its time to end.
#[derive(Debug)]
struct Slow;

impl SpanProcessor for Slow {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        thread::sleep(timeout);
        Ok(())
    }
}

/// Does a step for each letter, and ends.
#[test]
#[expect(clippy::print_stderr, reason = "the other tests read it")]
fn child_process() {
    let Ok(steps) = std::env::var(CHILD) else {
        return;
    };
    let builder = otel_runtime::builder();
    let builder = match steps.as_bytes() {
        [b's', ..] => builder.span_processor(Slow),
        _ => builder,
    };
    let telemetry = builder.init().expect("telemetry starts");
    let mut logger = env_logger::Builder::new();
    let logger = logger.filter_level(log::LevelFilter::Info).build();
    otel_runtime::instrument::log::init(logger, log::LevelFilter::Info).expect("the first logger");
    for step in steps.bytes() {
        match step {
            b'w' => work(),
            b'f' => eprintln!("flush: {:?}", telemetry.force_flush()),
            b'p' => thread::sleep(Duration::from_millis(200)),
            _ => {}
        }
    }
    let begun = Instant::now();
    let ended = telemetry.shutdown(TIMEOUT);
    eprintln!("end: {ended:?}");
    // Each processor has so much.
    assert!(begun.elapsed() < 3 * TIMEOUT, "{:?}", begun.elapsed());
}

fn run(exported: Exported, steps: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = child::command(CHILD, steps);
    command
        // What is not flushed leaves with the shutdown only.
        .env("OTEL_BSP_SCHEDULE_DELAY", "600000")
        .env("OTEL_BLRP_SCHEDULE_DELAY", "600000")
        .envs(exported.variables)
        .envs(variables.iter().copied());
    command.output().expect("the test runs again")
}

#[track_caller]
fn check(exported: Exported, output: &Output, said: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {text}", exported.what);
    for said in said {
        let what = exported.what;
        assert!(text.contains(said), "{what}: `{said}` is not in:\n{text}");
    }
}

/// Runs against a sink that answers so to the requests in turn, and the last to all that follow; the answer is also how many
/// requests came.
fn run_with(
    exported: Exported,
    steps: &str,
    answers: &'static [(&'static str, &'static str)],
    variables: &[(&str, &str)],
) -> (Output, usize) {
    let sink = Sink::start(move |before| -> Answer {
        let last = answers.last().copied().unwrap_or((OK.0, OK.1));
        let (status, headers) = answers.get(before).copied().unwrap_or(last);
        (status, headers, Vec::new())
    });
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", sink.endpoint.as_str());
    let all: Vec<_> = variables.iter().copied().chain([endpoint]).collect();
    let output = run(exported, steps, &all);
    (output, sink.received().len())
}

#[test]
fn a_busy_receiver_is_asked_a_few_times_only() {
    for exported in ALL {
        for headers in ["", "retry-after: 0\r\n"] {
            let busy = &*Box::leak(Box::new([("503 Service Unavailable", headers)]));
            let (output, requests) = run_with(exported, "w", busy, &[]);
            check(exported, &output, &["answered 503", "end: Err(", "lost"]);
            assert!((2..=6).contains(&requests), "{}: {requests}", exported.what);
        }
    }
}

#[test]
fn a_receiver_that_asks_for_no_pause_gets_one() {
    for exported in ALL {
        let busy = &[("429 Too Many Requests", "retry-after: 0\r\n")];
        let timeout = ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500");
        let (output, requests) = run_with(exported, "wf", busy, &[timeout]);
        check(
            exported,
            &output,
            &["answered 429", "flush: Err(", "end: Ok("],
        );
        assert!((2..=4).contains(&requests), "{}: {requests}", exported.what);
    }
}

#[test]
fn a_connection_that_was_closed_meanwhile_loses_nothing() {
    for exported in ALL {
        let (output, requests) = run_with(exported, "wfpw", &[("200 OK", CLOSE)], &[]);
        check(exported, &output, &["flush: Ok(", "end: Ok("]);
        assert_eq!(requests, 2, "{}", exported.what);
    }
}

#[test]
fn what_is_lost_at_the_end_is_an_error() {
    let one_by_one = [
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "1"),
    ];
    for exported in ALL {
        let answers = &[("400 Bad Request", ""), ("200 OK", "")];
        // A batch that is full leaves at once, the last one at the end.
        let (output, requests) = run_with(exported, "ww", answers, &one_by_one);
        check(
            exported,
            &output,
            &["lost: the receiver answered 400", "end: Err("],
        );
        assert_eq!(requests, 2, "{}", exported.what);
    }
}

#[test]
fn a_receiver_that_hangs_is_left_in_time() {
    for exported in ALL {
        let sink = Sink::start(|_| {
            loop {
                thread::park();
            }
        });
        let output = run(
            exported,
            "w",
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", &sink.endpoint)],
        );
        check(
            exported,
            &output,
            &["lost: there was no answer in ", "end: Err("],
        );
    }
}

#[test]
fn each_processor_has_its_own_time() {
    let [_, sdk, _] = ALL;
    let (output, requests) = run_with(sdk, "sw", &[("200 OK", "")], &[]);
    // What the other one took is not counted here.
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("end: Ok("), "{text}");
    assert_eq!(requests, 1);
}
