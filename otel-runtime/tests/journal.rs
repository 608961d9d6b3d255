//! What is known of the spans of a process that is killed, where it kept a journal.

mod child;
mod polling;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue, global};
use otel_runtime::testing::{Collector, SpanRecord};
use otel_runtime::{attr, event, span_attr, traced_span};
use polling::{block_on, pause};
use tempfile::TempDir;

/// The variable that makes this test binary the process under test: what it does.
const CHILD: &str = "TEST_JOURNAL_CHILD";

const PATIENCE: Duration = Duration::from_secs(20);

const INTERRUPTED: &str = "the process ended before the span did";

/// Writes the context of the current span, as it would go to another process.
fn send() {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|propagator| propagator.inject(&mut headers));
    assert!(headers.contains_key("traceparent"));
}

/// Lets the test kill this process; goes on when that says so, or is over.
#[expect(clippy::print_stdout, reason = "the test reads it")]
fn wait() {
    println!("\nready");
    let _ = std::io::stdin().read(&mut [0]);
}

#[traced_span("handle", kind = server)]
fn handle(#[span_attr("booking.room")] room: u32, within: impl FnOnce()) {
    event!("begun");
    block_on(publish("cleanings", within));
    attr!("booking.nights" = 3);
    let _ = room;
}

#[traced_span("publish", kind = producer)]
async fn publish(#[span_attr] queue: &str, within: impl FnOnce()) {
    let _ = queue;
    pause().await;
    note();
    within();
}

#[traced_span("note")]
fn note() {}

/// A span that is made by hand, with all that there is.
fn by_hand(within: impl FnOnce()) {
    let scope = InstrumentationScope::builder("by hand")
        .with_version("7")
        .with_attributes([KeyValue::new("team", "rooms")])
        .build();
    let tracer = global::tracer_provider().tracer_with_scope(scope);
    let target = SpanContext::new(
        1.into(),
        2.into(),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let builder = SpanBuilder::from_name("by hand")
        .with_kind(SpanKind::Client)
        .with_attributes([KeyValue::new("key", "value")]);
    let context = Context::current_with_span(tracer.build(builder));
    context.span().add_link(target, vec![]);
    let guard = context.clone().attach();
    send();
    within();
    context.span().end();
    drop(guard);
}

/// The process under test.
#[test]
fn child_process() {
    let Ok(task) = std::env::var(CHILD) else {
        return;
    };
    let telemetry = otel_runtime::init().expect("telemetry starts");
    let flush = || telemetry.force_flush().expect("spans arrive");
    match task.as_str() {
        // The context has left, and nothing else.
        "open" => handle(7, || {
            send();
            wait();
        }),
        // All has ended, and nothing has left but the context.
        "ended" => {
            handle(7, send);
            wait();
        }
        // A child has left, its parents are open.
        "child left" => handle(7, || {
            flush();
            wait();
        }),
        // All has left.
        "sent" => {
            handle(7, send);
            flush();
            wait();
        }
        // The process goes to another directory.
        "moves" => {
            std::env::set_current_dir("/").expect("a directory");
            handle(7, send);
        }
        "by hand, open" => by_hand(wait),
        "by hand, ended" => {
            by_hand(|| ());
            wait();
        }
        // Starts after the others.
        "next" => flush(),
        "lives" => {
            flush();
            wait();
        }
        other => panic!("{other}?"),
    }
    telemetry.shutdown(PATIENCE).expect("spans arrive");
}

/// Processes with one folder for their journals, and what arrives of them.
struct Service {
    collector: Collector,
    folder: TempDir,
}

/// A process that waits, and is killed when this goes away.
struct Waiting {
    child: Child,
    /// Open as long as the process writes to it.
    _output: BufReader<ChildStdout>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    fn new() -> Self {
        Self {
            collector: Collector::start().expect("a collector"),
            folder: TempDir::new().expect("a folder"),
        }
    }

    fn command(&self, task: &str) -> Command {
        let mut command = child::command(CHILD, task);
        command
            .env("OTEL_RUNTIME_JOURNAL", self.folder.path())
            .env("OTEL_SERVICE_NAME", "rooms")
            .env(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                self.collector.http_endpoint(),
            )
            // Nothing leaves but what is flushed.
            .env("OTEL_BSP_SCHEDULE_DELAY", "600000");
        command
    }

    /// Starts a process, up to where it waits.
    fn start(&self, task: &str) -> Waiting {
        start(&mut self.command(task))
    }

    /// Starts a process, and kills it where it waits.
    fn kill(&self, task: &str) {
        drop(self.start(task));
    }

    /// Starts a process, and waits for its end; the answer is what it said to standard error.
    fn run(&self, task: &str) -> String {
        let output = self.command(task).output().expect("the test runs again");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    /// What arrived, by name.
    fn spans(&self) -> HashMap<String, SpanRecord> {
        let spans = self.collector.spans();
        let count = spans.len();
        let by_name: HashMap<_, _> = spans
            .into_iter()
            .map(|span| (span.name.clone(), span))
            .collect();
        assert_eq!(by_name.len(), count, "each arrived once");
        by_name
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path())
            .expect("the folder")
            .count()
    }
}

fn start(command: &mut Command) -> Waiting {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the test runs again");
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    let mut lines = output.by_ref().lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "ready"), "it ended");
    Waiting {
        child,
        _output: output,
    }
}

fn interrupted() -> Status {
    Status::error(INTERRUPTED)
}

fn attributes(span: &SpanRecord) -> Vec<String> {
    let attribute = |of: &KeyValue| format!("{}={}", of.key, of.value);
    span.attributes.iter().map(attribute).collect()
}

#[test]
fn spans_whose_context_left_arrive_though_they_were_open() {
    let service = Service::new();
    service.kill("open");
    assert_eq!(service.spans().len(), 0);
    assert_eq!(service.files(), 1);
    assert_eq!(service.run("next"), "");
    let spans = service.spans();
    let (handle, publish) = (&spans["handle"], &spans["publish"]);
    // Nobody names the third one as a parent.
    assert_eq!(spans.len(), 2);
    assert_eq!(publish.parent_span_id, Some(handle.span_id));
    assert_eq!(publish.trace_id, handle.trace_id);
    assert_eq!(handle.parent_span_id, None);
    for span in [handle, publish] {
        assert_eq!(span.status, interrupted());
        assert!(span.end_unix_nanos >= span.start_unix_nanos);
        assert!(span.end_unix_nanos - span.start_unix_nanos < 60_000_000_000);
        assert_eq!(span.scope_name, "otel-runtime");
        assert_eq!(span.service_name(), Some("rooms"));
    }
    assert_eq!(
        (handle.kind.clone(), publish.kind.clone()),
        (SpanKind::Server, SpanKind::Producer)
    );
    assert_eq!(attributes(handle), ["booking.room=7"]);
    assert_eq!(attributes(publish), ["queue=cleanings"]);
    assert_eq!(service.files(), 0);
}

#[test]
fn spans_that_ended_arrive_as_they_are() {
    let service = Service::new();
    service.kill("ended");
    assert_eq!(service.run("next"), "");
    let spans = service.spans();
    let handle = &spans["handle"];
    assert_eq!(handle.status, Status::Unset);
    assert_eq!(attributes(handle), ["booking.room=7", "booking.nights=3"]);
    assert_eq!(handle.events[0].name, "begun");
    assert_eq!(spans["publish"].status, Status::Unset);
    assert!(spans["publish"].end_unix_nanos <= handle.end_unix_nanos);
    assert_eq!(service.files(), 0);
}

#[test]
fn no_span_leaves_without_its_parents() {
    let service = Service::new();
    service.kill("child left");
    assert_eq!(service.spans().len(), 1);
    assert_eq!(service.run("next"), "");
    let spans = service.spans();
    assert_eq!(spans.len(), 3);
    assert_eq!(spans["note"].parent_span_id, Some(spans["publish"].span_id));
    assert_eq!(
        spans["publish"].parent_span_id,
        Some(spans["handle"].span_id)
    );
    assert_eq!(spans["handle"].status, interrupted());
}

#[test]
fn what_has_left_leaves_once() {
    let service = Service::new();
    service.kill("sent");
    assert_eq!(service.spans().len(), 3);
    assert_eq!(service.run("next"), "");
    assert_eq!(service.spans().len(), 3);
    assert_eq!(service.files(), 0);
}

#[test]
fn spans_by_hand_arrive_whole() {
    for (task, status) in [
        ("by hand, open", interrupted()),
        ("by hand, ended", Status::Unset),
    ] {
        let service = Service::new();
        service.kill(task);
        assert_eq!(service.run("next"), "");
        let spans = service.spans();
        let span = &spans["by hand"];
        assert_eq!(span.status, status, "{task}");
        assert_eq!(span.kind, SpanKind::Client);
        assert_eq!(attributes(span), ["key=value"]);
        assert_eq!(span.scope_name, "by hand");
        assert_eq!(span.scope_version.as_deref(), Some("7"));
        // It was added after the start.
        assert_eq!(span.links.len(), usize::from(status == Status::Unset));
    }
}

#[test]
fn a_process_that_ends_well_leaves_nothing() {
    let service = Service::new();
    let mut lives = service.start("lives");
    assert_eq!(service.files(), 1);
    drop(lives.child.stdin.take());
    assert!(lives.child.wait().expect("an end").success());
    assert_eq!(service.files(), 0);
}

#[test]
fn a_folder_is_found_from_another_directory() {
    let service = Service::new();
    let mut moves = service.command("moves");
    moves
        .env("OTEL_RUNTIME_JOURNAL", "journal")
        .current_dir(service.folder.path());
    let output = moves.output().expect("the test runs again");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(service.spans().len(), 3);
    let left = fs::read_dir(service.folder.path().join("journal"));
    assert_eq!(left.expect("the folder").count(), 0);
}

#[test]
fn what_a_process_needs_that_lives_is_left_alone() {
    let service = Service::new();
    let open = service.start("open");
    assert_eq!(service.run("next"), "");
    assert_eq!(service.spans().len(), 0);
    assert_eq!(service.files(), 1);
    drop(open);
    service.run("next");
    assert_eq!(service.spans().len(), 2);
}

#[test]
fn the_spans_of_another_service_are_left_alone() {
    let service = Service::new();
    service.kill("open");
    let mut other = service.command("next");
    let output = other.env("OTEL_SERVICE_NAME", "kitchen").output();
    assert!(output.expect("the test runs again").status.success());
    assert_eq!(service.spans().len(), 0);
    service.run("next");
    assert_eq!(service.spans().len(), 2);
}

#[test]
fn without_a_collector_the_journal_stays() {
    let service = Service::new();
    service.kill("open");
    let mut next = service.command("lives");
    next.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .env("OTEL_BSP_SCHEDULE_DELAY", "1")
        .stdin(Stdio::null());
    assert!(next.output().expect("the test runs again").status.success());
    assert_eq!(service.files(), 1);
    assert_eq!(service.run("next"), "");
    assert_eq!(service.spans().len(), 2);
    assert_eq!(service.files(), 0);
}

#[test]
fn a_process_that_lives_exports_what_another_one_left_later() {
    let service = Service::new();
    let mut lives = service.command("lives");
    let _lives = start(lives.env("OTEL_BSP_SCHEDULE_DELAY", "50"));
    service.kill("open");
    let arrived = service
        .collector
        .wait_for(PATIENCE, |spans| spans.len() == 2);
    assert!(arrived.is_ok(), "{arrived:?}");
}

#[test]
fn a_folder_that_cannot_be_had_is_told() {
    let service = Service::new();
    let file = service.folder.path().join("file");
    fs::write(&file, "").expect("a file");
    let folder = file.join("journal");
    let output = service
        .command("sent")
        .env("OTEL_RUNTIME_JOURNAL", &folder)
        .output();
    let said = String::from_utf8_lossy(&output.expect("the test runs again").stderr).into_owned();
    assert!(said.starts_with(&told(&folder)), "{said}");
    assert_eq!(service.spans().len(), 3);
}

fn told(folder: &Path) -> String {
    let folder = folder.display();
    format!("otel-runtime: no journal is kept, since none can be written in {folder}: ")
}

#[test]
fn what_is_no_journal_is_told_once_and_kept() {
    let service = Service::new();
    let file = service.folder.path().join("notes.journal");
    fs::write(&file, "buy milk").expect("a file");
    let said = service.run("next");
    let expected = format!(
        "otel-runtime: the journal {} cannot be read or removed: it is not of this version of otel-runtime\n",
        file.display()
    );
    assert_eq!(said, expected);
    assert_eq!(fs::read(&file).expect("the file"), b"buy milk");
}
