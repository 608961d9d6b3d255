use std::io::Write;
use std::pin::pin;
use std::sync::{OnceLock, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{
    SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider,
};
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, SdkTracerProvider, SpanEvents, SpanLinks, SpanProcessor as _,
};

use super::*;
use crate::export::simple::Simple;

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_trace_is_printed_when_its_root_has_ended_and_not_before() {
    let console = Console::new();
    console.export([child(3, 2, "grandchild")]);
    console.export([child(2, 1, "child")]);
    assert_eq!(console.printed(), "");
    console.export([root(1, "root")]);
    assert_eq!(
        console.printed(),
        "\
trace 00000000000000000000000000000001    service       start    duration
INTERNAL root                             -           0.00 ms     0.10 ms  ━━━━━━━━━━━━━━━━
  INTERNAL child                          -           0.00 ms     0.10 ms  ━━━━━━━━━━━━━━━━
    INTERNAL grandchild                   -           0.00 ms     0.10 ms  ━━━━━━━━━━━━━━━━

"
    );
}

#[test]
fn spans_of_one_batch_are_printed_together_whatever_their_order() {
    let spans = [
        root(1, "root"),
        child(2, 1, "child"),
        child(3, 2, "grandchild"),
    ];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let console = Console::new();
        console.export(order.map(|index: usize| spans[index].clone()));
        let expected = "trace 1|INTERNAL root|  INTERNAL child|    INTERNAL grandchild||";
        assert_eq!(console.shape(), expected, "{order:?}");
    }
}

#[test]
fn a_remote_parent_makes_a_root() {
    let console = Console::new();
    console.export([child(2, 1, "work")]);
    console.export([remote(1, 77, "entry")]);
    assert_eq!(
        console.shape(),
        "trace 1|INTERNAL entry (remote parent)|  INTERNAL work||"
    );
}

#[test]
fn each_local_root_takes_only_its_own_spans() {
    let console = Console::new();
    console.export([child(11, 10, "below consumer"), child(2, 1, "below server")]);
    console.export([remote(1, 77, "server")]);
    let server = "trace 1|INTERNAL server (remote parent)|  INTERNAL below server||";
    assert_eq!(console.shape(), server);
    console.export([remote(10, 2, "consumer")]);
    let consumer = "trace 1|INTERNAL consumer (remote parent)|  INTERNAL below consumer||";
    assert_eq!(console.shape(), format!("{server}{consumer}"));
}

#[test]
fn traces_do_not_mix() {
    let console = Console::new();
    let other = |span| SpanData {
        span_context: context(2, 2),
        ..span
    };
    console.export([child(2, 1, "child"), other(child(2, 1, "other child"))]);
    console.export([root(1, "root")]);
    assert_eq!(console.shape(), "trace 1|INTERNAL root|  INTERNAL child||");
}

#[test]
fn a_late_span_is_printed_alone_with_what_it_held() {
    let console = Console::new();
    console.export([root(1, "root")]);
    console.export([child(3, 2, "below spawned")]);
    assert_eq!(console.shape(), "trace 1|INTERNAL root||");
    console.export([child(2, 1, "spawned")]);
    let late = "trace 1 (late spans)|INTERNAL spawned (parent missing)|  INTERNAL below spawned||";
    assert_eq!(console.shape(), format!("trace 1|INTERNAL root||{late}"));
    console.export([child(4, 3, "last")]);
    let last = "trace 1 (late spans)|INTERNAL last (parent missing)||";
    assert_eq!(
        console.shape(),
        format!("trace 1|INTERNAL root||{late}{last}")
    );
}

#[test]
fn what_no_root_claimed_is_printed_on_flush_and_on_shutdown() {
    let console = Console::new();
    console.export([child(2, 1, "flushed")]);
    assert!(console.exporter.force_flush().is_ok());
    let flushed = "trace 1 (unfinished)|INTERNAL flushed (parent missing)||";
    assert_eq!(console.shape(), flushed);

    console.export([child(4, 3, "shut down")]);
    assert!(console.exporter.shutdown().is_ok());
    let shut_down = "trace 1 (unfinished)|INTERNAL shut down (parent missing)||";
    assert_eq!(console.shape(), format!("{flushed}{shut_down}"));
    assert!(console.exporter.shutdown().is_err());
    assert!(console.try_export([root(1, "too late")]).is_err());
    assert_eq!(console.shape(), format!("{flushed}{shut_down}"));
}

#[test]
fn spans_in_a_circle_are_printed_on_flush() {
    let console = Console::new();
    console.export([child(1, 2, "one"), child(2, 1, "two"), root(3, "root")]);
    assert_eq!(console.shape(), "trace 1|INTERNAL root||");
    assert!(console.exporter.force_flush().is_ok());
    let rest = "trace 1 (unfinished)|INTERNAL one (circular parent)|  INTERNAL two||";
    assert_eq!(console.shape(), format!("trace 1|INTERNAL root||{rest}"));
}

#[test]
fn when_full_the_oldest_trace_is_printed_and_none_is_lost() {
    let console = Console::with_capacity(3);
    let in_trace = |trace: u128, id: u64, parent: u64, name: &'static str| SpanData {
        span_context: context(trace, id),
        ..child(id, parent, name)
    };
    console.export([
        in_trace(1, 2, 1, "a"),
        in_trace(2, 2, 1, "b"),
        in_trace(1, 3, 1, "c"),
    ]);
    assert_eq!(console.shape(), "");
    console.export([in_trace(3, 2, 1, "d")]);
    let oldest = "trace 1 (unfinished)|INTERNAL a (parent missing)|INTERNAL c (parent missing)||";
    assert_eq!(console.shape(), oldest);

    console.export([root(1, "root")]);
    assert_eq!(console.shape(), format!("{oldest}trace 1|INTERNAL root||"));
    assert!(console.exporter.shutdown().is_ok());
    let shape = console.shape();
    for name in ["a", "b", "c", "d", "root"] {
        assert_eq!(
            shape.matches(&format!("INTERNAL {name}")).count(),
            1,
            "{shape}"
        );
    }
}

#[test]
fn a_batch_larger_than_the_memory_is_printed_whole() {
    let console = Console::with_capacity(2);
    let batch = (2..50)
        .map(|id| child(id, id - 1, "deep"))
        .rev()
        .chain([root(1, "root")]);
    console.export(batch);
    assert!(console.exporter.force_flush().is_ok());
    let shape = console.shape();
    assert_eq!(shape.matches("INTERNAL deep").count(), 48, "{shape}");
    assert_eq!(shape.matches("INTERNAL root").count(), 1, "{shape}");
    assert!(!shape.contains("|||"), "an empty tree: {shape}");
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut recent = Recent::new(NonZeroUsize::new(2).expect("two"));
    for value in [1, 2, 2, 3] {
        recent.insert(value);
    }
    assert_eq!(
        [1, 2, 3].map(|value| recent.contains(&value)),
        [false, true, true]
    );
}

#[test]
fn a_writer_that_fails_is_an_error_and_no_panic() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let exporter = ConsoleExporter::new(Mutex::new(Closed));
    let result = ready(exporter.export(vec![root(1, "root")]));
    let error = result.expect_err("nothing can be written").to_string();
    assert!(error.contains("broken pipe"), "{error}");
    assert!(exporter.shutdown().is_ok());
}

#[test]
fn behind_the_simple_processor_each_trace_is_there_when_its_root_ends() {
    let (writer, output) = writer();
    let resource = Resource::builder_empty().with_service_name("dispo").build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_simple_exporter(ConsoleExporter::new(Mutex::new(writer)))
        .build();
    let tracer = provider.tracer("test");
    tracer.in_span("outer", |_| tracer.in_span("inner", |_| {}));
    let text = output.received();
    assert!(
        text.contains("  INTERNAL inner") && text.contains("dispo"),
        "{text}"
    );
}

#[test]
fn behind_the_batch_processor_shutdown_prints_what_is_open() {
    let (writer, output) = writer();
    let processor = BatchSpanProcessor::builder(ConsoleExporter::new(Mutex::new(writer))).build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .build();
    let tracer = provider.tracer("test");
    let open = opentelemetry::Context::current_with_span(tracer.start("open"));
    tracer.start_with_context("done", &open);
    assert!(provider.shutdown().is_ok());
    assert!(output.received().contains("INTERNAL done (parent missing)"));
    open.span().end();
}

#[test]
fn who_has_locked_the_page_prints_what_another_waits_to_print() {
    /// A page that one thread has locked, as standard output.
    #[derive(Default)]
    struct Locked {
        owner: OnceLock<ThreadId>,
        text: Mutex<String>,
    }

    struct Waits(Arc<Locked>, mpsc::SyncSender<()>, Mutex<mpsc::Receiver<()>>);

    impl Page for Waits {
        fn print(&self, work: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
            let Self(page, waits, unlocked) = self;
            if page.owner.get() != Some(&thread::current().id()) {
                waits.send(()).map_err(io::Error::other)?;
                let unlocked = unlocked.lock().expect("no panic").recv_timeout(PATIENCE);
                unlocked.map_err(io::Error::other)?;
            }
            let mut bytes = Vec::new();
            work(&mut bytes)?;
            let text = String::from_utf8(bytes).map_err(io::Error::other)?;
            page.text.lock().expect("no panic").push_str(&text);
            Ok(())
        }
    }

    let page = Arc::new(Locked::default());
    let (waits, waiting) = mpsc::sync_channel(1);
    let (unlock, unlocked) = mpsc::channel();
    let console = ConsoleExporter::new(Waits(Arc::clone(&page), waits, Mutex::new(unlocked)));
    let processor = Arc::new(Simple::shared(console, "a page"));
    let end = |name| {
        let processor = Arc::clone(&processor);
        move || processor.on_end(root(1, name))
    };
    let other = thread::spawn(end("other"));
    waiting.recv_timeout(PATIENCE).expect("the other waits");
    let (ended, has_ended) = mpsc::channel();
    let mine = end("mine");
    let owner = thread::spawn({
        let page = Arc::clone(&page);
        move || {
            page.owner.set(thread::current().id()).expect("one owner");
            mine();
            ended.send(()).expect("the test waits");
        }
    });
    has_ended
        .recv_timeout(PATIENCE)
        .expect("the owner waits for nobody");
    let printed = page.text.lock().expect("no panic").clone();
    let names = ["other", "mine"].map(|name| printed.find(name));
    assert!(names[0].is_some() && names[0] < names[1], "{printed}");
    unlock.send(()).expect("the other waits");
    for thread in [owner, other] {
        thread.join().expect("no panic");
    }
    assert_eq!(page.text.lock().expect("no panic").as_str(), printed);
}

/// An exporter and what it wrote.
struct Console {
    exporter: ConsoleExporter<Mutex<Channel>>,
    output: Output,
}

impl Console {
    fn new() -> Self {
        Self::with_capacity(100)
    }

    fn with_capacity(capacity: usize) -> Self {
        let (writer, output) = writer();
        let capacity = NonZeroUsize::new(capacity).expect("room for a span");
        Self {
            exporter: ConsoleExporter::with_capacity(Mutex::new(writer), capacity),
            output,
        }
    }

    #[track_caller]
    fn export(&self, batch: impl IntoIterator<Item = SpanData>) {
        self.try_export(batch).expect("exported");
    }

    fn try_export(&self, batch: impl IntoIterator<Item = SpanData>) -> OTelSdkResult {
        ready(self.exporter.export(batch.into_iter().collect()))
    }

    /// All that was printed so far.
    fn printed(&self) -> String {
        self.output.received()
    }

    /// The same without times and services, the id without zeros, the lines joined by bars.
    fn shape(&self) -> String {
        let line = |line: &str| {
            let indent = line.len() - line.trim_start().len();
            let label = line.trim_start().split("  ").next().unwrap_or_default();
            let label = label.replace("0000000000000000000000000000000", "");
            format!("{:indent$}{label}|", "")
        };
        self.printed().lines().map(line).collect()
    }
}

/// Writes into a channel, one message a write.
struct Channel(mpsc::Sender<Vec<u8>>);

struct Output {
    messages: mpsc::Receiver<Vec<u8>>,
    text: Mutex<String>,
}

fn writer() -> (Channel, Output) {
    let (sender, messages) = mpsc::channel();
    (
        Channel(sender),
        Output {
            messages,
            text: Mutex::default(),
        },
    )
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output {
    fn received(&self) -> String {
        let mut text = self.text.lock().expect("no test panics while it reads");
        text.extend(
            self.messages
                .try_iter()
                .map(|bytes| String::from_utf8(bytes).expect("text")),
        );
        text.clone()
    }
}

/// The result of a future that has no reason to wait.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the exporter waits"),
    }
}

fn root(id: u64, name: &'static str) -> SpanData {
    child(id, 0, name)
}

fn remote(id: u64, parent: u64, name: &'static str) -> SpanData {
    SpanData {
        parent_span_is_remote: true,
        ..child(id, parent, name)
    }
}

/// A span of trace 1 that takes 100 µs.
fn child(id: u64, parent: u64, name: &'static str) -> SpanData {
    SpanData {
        span_context: context(1, id),
        parent_span_id: SpanId::from(parent),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: name.into(),
        start_time: time(0),
        end_time: time(100),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

fn context(trace: u128, id: u64) -> SpanContext {
    let (trace, id) = (TraceId::from(trace), SpanId::from(id));
    SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::default())
}

fn time(micros: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000) + Duration::from_micros(micros)
}
