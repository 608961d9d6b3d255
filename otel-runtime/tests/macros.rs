//! What the macros record, compared as a tree of spans.

use std::cell::Cell;
use std::future::Future;
use std::panic::catch_unwind;
use std::pin::{Pin, pin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use opentelemetry::trace::{Status, TraceContextExt as _};
use otel_runtime::testing::{SpanRecord, Spans};
use otel_runtime::{CANCELLED, span_attr, span_event, traced_span};

/// The provider is the process's, so the tests take turns.
static TURN: Mutex<()> = Mutex::new(());

struct Recorded {
    spans: Spans,
    _turn: MutexGuard<'static, ()>,
}

fn record() -> Recorded {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    Recorded {
        spans: Spans::install(),
        _turn: turn,
    }
}

impl Recorded {
    #[track_caller]
    fn check(&self, expected: &[&str]) {
        assert_eq!(self.spans.tree(), expected.join("\n"));
    }

    #[track_caller]
    fn check_attributes(&self, expected: &[&str]) {
        assert_eq!(self.spans.tree_with_attributes(), expected.join("\n"));
    }

    #[track_caller]
    fn only(&self) -> SpanRecord {
        let mut spans = self.spans.finished();
        assert_eq!(spans.len(), 1, "{}", self.spans.tree());
        spans.remove(0)
    }
}

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..1000 {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return output;
        }
    }
    panic!("the future is never ready");
}

/// Pending once, then ready.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|task| {
        if std::mem::replace(&mut paused, true) {
            Poll::Ready(())
        } else {
            task.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

fn current_span() -> opentelemetry::SpanId {
    opentelemetry::Context::current()
        .span()
        .span_context()
        .span_id()
}

#[traced_span]
fn leaf() {}

#[traced_span("parent", kind = server)]
fn parent() {
    leaf();
    leaf();
}

#[test]
fn calls_become_children() {
    let recorded = record();
    parent();
    recorded.check(&["SERVER parent", "  INTERNAL leaf", "  INTERNAL leaf"]);
}

#[traced_span]
async fn async_parent() {
    leaf();
    async_child().await;
    leaf();
}

#[traced_span("child")]
async fn async_child() {
    pause().await;
    leaf();
}

#[test]
fn awaits_become_children() {
    let recorded = record();
    block_on(async_parent());
    recorded.check(&[
        "INTERNAL async_parent",
        "  INTERNAL leaf",
        "  INTERNAL child",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn a_span_is_current_only_while_its_future_is_polled() {
    let recorded = record();
    let before = current_span();
    let mut future = pin!(async_parent());
    assert!(poll_once(future.as_mut()).is_pending());
    assert_eq!(current_span(), before);
    leaf();
    assert!(poll_once(future).is_ready());
    recorded.check(&[
        "INTERNAL async_parent",
        "  INTERNAL leaf",
        "  INTERNAL child",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
        "INTERNAL leaf",
    ]);
}

#[test]
fn a_future_that_is_never_polled_makes_no_span() {
    let recorded = record();
    drop(async_parent());
    recorded.check(&[]);
}

#[test]
fn a_future_dropped_half_way_is_marked_as_cancelled() {
    let recorded = record();
    {
        let mut future = pin!(async_child());
        assert!(poll_once(future.as_mut()).is_pending());
    }
    let span = recorded.only();
    assert_eq!(span.status, Status::Unset);
    assert_eq!(span.attribute(CANCELLED), Some(&true.into()));
}

#[test]
fn a_finished_future_that_is_kept_has_ended_its_span() {
    let recorded = record();
    let mut future = pin!(async { async_child().await });
    assert!(poll_once(future.as_mut()).is_pending());
    assert!(poll_once(future.as_mut()).is_ready());
    recorded.check(&["INTERNAL child", "  INTERNAL leaf"]);
    assert_eq!(
        recorded
            .spans
            .finished()
            .last()
            .expect("a span")
            .attribute(CANCELLED),
        None
    );
}

#[derive(Debug)]
struct OnlyDebug;

struct Silent;

type Alias<T> = Result<T, OnlyDebug>;

#[traced_span]
fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    let number = text.parse()?;
    Ok(number)
}

#[traced_span]
fn debugged() -> Alias<()> {
    Err(OnlyDebug)
}

#[traced_span]
fn silent() -> Result<(), Silent> {
    Err(Silent)
}

#[traced_span(err = |_| "described")]
async fn described() -> Alias<()> {
    pause().await;
    Err(OnlyDebug)
}

#[traced_span(err = off)]
fn off() -> Alias<()> {
    Err(OnlyDebug)
}

#[test]
fn ok_leaves_the_status_unset() {
    let recorded = record();
    assert_eq!(parse("1"), Ok(1));
    recorded.check_attributes(&["INTERNAL parse"]);
}

#[test]
fn err_is_recorded_by_display() {
    let recorded = record();
    assert!(parse("x").is_err());
    recorded.check_attributes(&[
        "INTERNAL parse ERROR: invalid digit found in string",
        "    · error.type = \"core::num::error::ParseIntError\"",
        "    * exception",
        "      · exception.message = \"invalid digit found in string\"",
        "      · exception.type = \"core::num::error::ParseIntError\"",
    ]);
}

#[test]
fn err_without_display_is_recorded_by_what_it_has() {
    let recorded = record();
    assert!(debugged().is_err());
    assert!(silent().is_err());
    assert!(block_on(described()).is_err());
    assert!(off().is_err());
    recorded.check(&[
        "INTERNAL debugged ERROR: OnlyDebug",
        "INTERNAL silent ERROR: macros::Silent",
        "INTERNAL described ERROR: described",
        "INTERNAL off",
    ]);
}

#[traced_span]
fn panics() -> u32 {
    panic!("on purpose")
}

#[traced_span]
async fn panics_later() -> Result<u32, String> {
    pause().await;
    panic!("on purpose")
}

#[test]
fn a_panic_is_recorded_and_goes_on() {
    let recorded = record();
    let before = current_span();
    assert!(catch_unwind(panics).is_err());
    assert!(catch_unwind(|| block_on(panics_later())).is_err());
    assert_eq!(current_span(), before);
    recorded.check_attributes(&[
        "INTERNAL panics ERROR",
        "    · error.type = \"panic\"",
        "    * exception",
        "      · exception.type = \"panic\"",
        "INTERNAL panics_later ERROR",
        "    · error.type = \"panic\"",
        "    * exception",
        "      · exception.type = \"panic\"",
    ]);
}

#[test]
fn a_span_opened_while_unwinding_is_not_blamed() {
    struct Cleanup;
    impl Drop for Cleanup {
        fn drop(&mut self) {
            leaf();
        }
    }
    let recorded = record();
    let result = catch_unwind(|| {
        let _cleanup = Cleanup;
        panic!("on purpose");
    });
    assert!(result.is_err());
    recorded.check(&["INTERNAL leaf"]);
}

#[test]
fn a_panic_in_an_attribute_ends_the_span() {
    #[traced_span]
    #[span_attr("never" = never())]
    fn outer() {}
    fn never() -> u32 {
        panic!("on purpose")
    }
    let recorded = record();
    assert!(catch_unwind(outer).is_err());
    recorded.check(&["INTERNAL outer ERROR"]);
}

#[derive(Clone)]
struct Booking {
    id: u64,
    room: &'static str,
}

#[traced_span("booking.store", kind = client)]
#[span_attr("room" = booking.room, nights = nights, "guest" = guest, "booking.id" = |ok| ok.id)]
#[span_event("booking.received", "payload" = format!("{}", booking.id))]
#[span_event("booking.stored", "id" = |ok| ok.id)]
fn store(booking: Booking, nights: u8, guest: Option<&str>) -> Result<Booking, String> {
    Ok(booking)
}

#[test]
fn attributes_and_events_of_a_function() {
    let recorded = record();
    let booking = Booking {
        id: 7,
        room: "blue",
    };
    assert!(store(booking, 2, None).is_ok());
    recorded.check_attributes(&[
        "CLIENT booking.store",
        "    · booking.id = 7",
        "    · nights = 2",
        "    · room = \"blue\"",
        "    * booking.received",
        "      · payload = \"7\"",
        "    * booking.stored",
        "      · id = 7",
    ]);
}

#[span_event("above", "n" = n)]
#[span_attr("above" = 1)]
#[traced_span]
#[otel_runtime::span_attr("below" = 2)]
async fn either_side(#[span_attr] n: u32, #[span_attr("named")] other: &str) {
    pause().await;
}

#[test]
fn helpers_work_on_either_side() {
    let recorded = record();
    block_on(either_side(3, "x"));
    recorded.check_attributes(&[
        "INTERNAL either_side",
        "    · above = 1",
        "    · below = 2",
        "    · n = 3",
        "    · named = \"x\"",
        "    * above",
        "      · n = 3",
    ]);
}

#[span_attr("room" = room, "length" = |length| *length)]
#[span_event("seen")]
fn untraced(room: &str) -> usize {
    room.len()
}

#[span_attr("later" = room, "later.length" = |length| *length)]
async fn untraced_later(room: &str) -> usize {
    pause().await;
    room.len()
}

#[traced_span]
async fn around() {
    untraced("blue");
    untraced_later("green").await;
}

#[test]
fn helpers_alone_act_on_the_current_span() {
    let recorded = record();
    block_on(around());
    untraced("nowhere");
    recorded.check_attributes(&[
        "INTERNAL around",
        "    · later = \"green\"",
        "    · later.length = 5",
        "    · length = 4",
        "    · room = \"blue\"",
        "    * seen",
    ]);
}

#[traced_span]
fn load(texts: &[&str]) -> Result<u32, std::num::ParseIntError> {
    #[span_attr]
    let rows = texts.len();
    let mut sum = 0;
    #[traced_span("sum")]
    {
        for text in texts {
            if text.is_empty() {
                continue;
            }
            sum += text.parse::<u32>()?;
            #[span_event("row", "text" = *text)]
            leaf();
        }
    }
    let doubled = #[traced_span("double")]
    {
        sum * 2
    };
    #[span_event("done", "rows" = rows)]
    Ok(doubled)
}

#[test]
fn blocks_and_statements() {
    let recorded = record();
    assert_eq!(load(&["1", "", "2"]), Ok(6));
    recorded.check_attributes(&[
        "INTERNAL load",
        "    · rows = 3",
        "    * done",
        "      · rows = 3",
        "  INTERNAL sum",
        "      * row",
        "        · text = \"1\"",
        "      * row",
        "        · text = \"2\"",
        "    INTERNAL leaf",
        "    INTERNAL leaf",
        "  INTERNAL double",
    ]);
}

#[test]
fn a_question_mark_leaves_a_block_and_its_function() {
    let recorded = record();
    assert!(load(&["x"]).is_err());
    leaf();
    recorded.check(&[
        "INTERNAL load ERROR: invalid digit found in string",
        "  INTERNAL sum",
        "INTERNAL leaf",
    ]);
}

#[traced_span]
fn odd_statements(rows: u32) -> Vec<u32> {
    let mut sum = 0;
    #[traced_span("assert")]
    assert_eq!(sum, 0);
    #[traced_span("add")]
    sum += rows;
    #[cfg(any())]
    #[span_event("never")]
    no_such_function();
    #[span_event("last", "sum" = sum)]
    vec![sum]
}

#[test]
fn macros_and_assignments_are_statements_too() {
    let recorded = record();
    assert_eq!(odd_statements(2), [2]);
    recorded.check_attributes(&[
        "INTERNAL odd_statements",
        "    * last",
        "      · sum = 2",
        "  INTERNAL assert",
        "  INTERNAL add",
    ]);
}

thread_local! {
    static EVALUATIONS: Cell<u32> = const { Cell::new(0) };
}

fn evaluated() -> u32 {
    EVALUATIONS.set(EVALUATIONS.get() + 1);
    EVALUATIONS.get()
}

#[traced_span(name = format!("computed {}", evaluated()))]
#[span_attr("attribute" = evaluated(), "shown" = %evaluated())]
#[span_event("event", "field" = evaluated())]
fn expressions() {}

#[test]
fn expressions_are_evaluated_once_when_recorded() {
    let recorded = record();
    EVALUATIONS.set(0);
    expressions();
    assert_eq!(EVALUATIONS.get(), 4);
    assert_eq!(recorded.only().name, "computed 1");
}

#[test]
fn nothing_is_evaluated_where_nothing_is_recorded() {
    let recorded = record();
    let unsampled = opentelemetry::trace::SpanContext::new(
        opentelemetry::TraceId::from(1),
        opentelemetry::SpanId::from(1),
        opentelemetry::TraceFlags::NOT_SAMPLED,
        true,
        opentelemetry::trace::TraceState::NONE,
    );
    EVALUATIONS.set(0);
    {
        let _unsampled = opentelemetry::Context::current()
            .with_remote_span_context(unsampled)
            .attach();
        attributes_alone();
    }
    {
        let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
        expressions();
    }
    assert_eq!(EVALUATIONS.get(), 0);
    recorded.check(&[]);
}

#[traced_span]
#[span_attr("attribute" = evaluated(), "shown" = %evaluated())]
#[span_event("event", "field" = evaluated())]
fn attributes_alone() {}

#[test]
fn an_error_may_start_a_span_while_it_is_described() {
    struct Traced;
    impl std::fmt::Display for Traced {
        #[traced_span("display")]
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("traced")
        }
    }
    #[traced_span]
    fn fails() -> Result<(), Traced> {
        Err(Traced)
    }
    let recorded = record();
    assert!(fails().is_err());
    recorded.check(&["INTERNAL fails ERROR: traced", "  INTERNAL display"]);
}

#[test]
fn a_span_ends_though_its_context_lives_on() {
    #[traced_span]
    fn hands_out() -> opentelemetry::Context {
        opentelemetry::Context::current()
    }
    let recorded = record();
    let context = hands_out();
    recorded.check(&["INTERNAL hands_out"]);
    drop(context);
    recorded.check(&["INTERNAL hands_out"]);
}

#[test]
fn work_on_another_thread_keeps_its_parent() {
    #[traced_span]
    fn hands_over() {
        let work = otel_runtime::context::carry(leaf);
        std::thread::spawn(work)
            .join()
            .expect("the thread ends well");
    }
    let recorded = record();
    hands_over();
    recorded.check(&["INTERNAL hands_over", "  INTERNAL leaf"]);
}

#[test]
fn the_scope_is_the_annotated_crate() {
    let recorded = record();
    leaf();
    let span = recorded.only();
    assert_eq!(span.scope_name, env!("CARGO_PKG_NAME"));
    assert_eq!(
        span.scope_version.as_deref(),
        Some(env!("CARGO_PKG_VERSION"))
    );
}

thread_local! {
    static DROPPED: Cell<String> = const { Cell::new(String::new()) };
}

struct Noted(&'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.take() + self.0);
    }
}

macro_rules! dropping {
    ($module:ident $(, $attribute:ident)?) => {
        mod $module {
            use super::*;

            $(#[$attribute])?
            pub(super) fn sync(_a: Noted, b: Noted, (_c, _d): (Noted, Noted), _: Noted, (Ok(_e) | Err(_e)): Result<Noted, Noted>) -> Result<(), ()> {
                let _local = Noted("l");
                let _moved = b;
                Ok(())
            }

            $(#[$attribute])?
            pub(super) async fn later(_a: Noted, b: Noted, (_c, _d): (Noted, Noted)) -> Result<(), ()> {
                let _local = Noted("l");
                let _moved = b;
                pause().await;
                Ok(())
            }
        }
    };
}

dropping!(plain);
dropping!(traced, traced_span);

#[test]
fn parameters_and_locals_are_dropped_as_without_the_attribute() {
    fn order(run: impl FnOnce([Noted; 4], [Noted; 2])) -> String {
        DROPPED.set(String::new());
        run(["a", "b", "c", "d"].map(Noted), ["e", "f"].map(Noted));
        DROPPED.take()
    }
    let _recorded = record();
    let plain = order(|[a, b, c, d], [e, f]| plain::sync(a, b, (c, d), e, Ok(f)).unwrap());
    let traced = order(|[a, b, c, d], [e, f]| traced::sync(a, b, (c, d), e, Ok(f)).unwrap());
    assert_eq!(plain, traced);
    let plain = order(|[a, b, c, d], _| block_on(plain::later(a, b, (c, d))).unwrap());
    let traced = order(|[a, b, c, d], _| block_on(traced::later(a, b, (c, d))).unwrap());
    assert_eq!(plain, traced);
}

#[test]
fn a_traced_future_is_hardly_larger() {
    let of = |text| [text; 4].map(Noted);
    let [a, b, c, d] = of("x");
    let plain = size_of_val(&plain::later(a, b, (c, d)));
    let [a, b, c, d] = of("x");
    let traced = size_of_val(&traced::later(a, b, (c, d)));
    assert!(traced <= plain + 64, "{traced} bytes instead of {plain}");
}

#[test]
fn tasks_keep_their_parent() {
    #[traced_span]
    async fn spawns() {
        let task = otel_runtime::spawn(async_child());
        task.await.expect("the task ends well");
        let work = otel_runtime::spawn_blocking(leaf);
        work.await.expect("the work ends well");
    }
    let recorded = record();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(spawns());
    recorded.check(&[
        "INTERNAL spawns",
        "  INTERNAL child",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

#[traced_span("root", root)]
fn root() {}

#[traced_span("explicit", parent = parent.clone())]
fn under_context(parent: &opentelemetry::Context) {
    leaf();
}

#[traced_span(parent = parent)]
async fn under_span_context(parent: opentelemetry::trace::SpanContext) {
    leaf();
}

#[traced_span(links = others)]
fn linked(others: &[opentelemetry::trace::SpanContext]) {}

#[traced_span(leaf)]
#[span_attr("n" = n)]
#[span_event("seen")]
fn leaf_span(n: u32) -> Result<u32, String> {
    leaf();
    if n == 0 {
        Err("zero".to_owned())
    } else {
        Ok(n)
    }
}

#[traced_span(leaf)]
async fn leaf_task() {
    pause().await;
    leaf();
}

#[traced_span(err_if = |error| error == "bad")]
fn sometimes_bad(text: &str) -> Result<(), String> {
    Err(text.to_owned())
}

#[traced_span(scope = "my.library")]
fn scoped() {}

fn span_context() -> opentelemetry::trace::SpanContext {
    opentelemetry::Context::current()
        .span()
        .span_context()
        .clone()
}

#[test]
fn a_root_starts_a_trace_of_its_own() {
    #[traced_span]
    fn around() {
        root();
        leaf();
    }
    let recorded = record();
    around();
    recorded.check(&["INTERNAL around", "  INTERNAL leaf", "INTERNAL root"]);
    let spans = recorded.spans.finished();
    assert_ne!(spans[0].trace_id, spans[1].trace_id);
}

#[test]
fn a_parent_can_be_given() {
    #[traced_span]
    fn first() -> (opentelemetry::Context, opentelemetry::trace::SpanContext) {
        (opentelemetry::Context::current(), span_context())
    }
    let recorded = record();
    let (context, span_context) = first();
    under_context(&context);
    block_on(under_span_context(span_context));
    recorded.check(&[
        "INTERNAL first",
        "  INTERNAL explicit",
        "    INTERNAL leaf",
        "  INTERNAL under_span_context",
        "    INTERNAL leaf",
    ]);
}

#[test]
fn links_are_recorded() {
    #[traced_span]
    fn other() -> opentelemetry::trace::SpanContext {
        span_context()
    }
    let recorded = record();
    linked(&[other(), other()]);
    recorded.check_attributes(&[
        "INTERNAL other",
        "INTERNAL other",
        "INTERNAL linked",
        "    ~ link to INTERNAL other",
        "    ~ link to INTERNAL other",
    ]);
}

#[test]
fn a_leaf_is_recorded_and_never_current() {
    #[traced_span]
    async fn around() {
        assert_eq!(leaf_span(1), Ok(1));
        assert!(leaf_span(0).is_err());
        leaf_task().await;
    }
    let recorded = record();
    block_on(around());
    recorded.check(&[
        "INTERNAL around",
        "  INTERNAL leaf_span",
        "  INTERNAL leaf",
        "  INTERNAL leaf_span ERROR: zero",
        "  INTERNAL leaf",
        "  INTERNAL leaf_task",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn only_errors_that_count_are_recorded() {
    let recorded = record();
    assert!(sometimes_bad("good").is_err());
    assert!(sometimes_bad("bad").is_err());
    recorded.check(&[
        "INTERNAL sometimes_bad",
        "INTERNAL sometimes_bad ERROR: bad",
    ]);
}

#[test]
fn the_scope_can_be_named() {
    let recorded = record();
    scoped();
    let span = recorded.only();
    assert_eq!(
        (span.scope_name.as_str(), span.scope_version),
        ("my.library", None)
    );
}

fn future(
    texts: &[&'static str],
) -> impl Future<Output = Result<u32, std::num::ParseIntError>> + use<> {
    traced_future(texts)
}

#[traced_span("future")]
#[span_attr("texts" = texts.len(), "sum" = |sum| *sum)]
fn traced_future(
    texts: &[&'static str],
) -> impl Future<Output = Result<u32, std::num::ParseIntError>> + use<> {
    leaf();
    let texts = texts.to_vec();
    async move {
        let mut sum = 0;
        for text in texts {
            pause().await;
            leaf();
            sum += text.parse::<u32>()?;
        }
        Ok(sum)
    }
}

#[traced_span]
fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Result<&'a str, String>> + Send + 'a>> {
    if text.is_empty() {
        return Box::pin(async { Err("empty".to_owned()) });
    }
    Box::pin(async move {
        pause().await;
        leaf();
        Ok(text)
    })
}

#[test]
fn a_future_that_is_handed_out_keeps_its_span() {
    let recorded = record();
    assert_eq!(block_on(future(&["1", "2"])), Ok(3));
    recorded.check_attributes(&[
        "INTERNAL future",
        "    · sum = 3",
        "    · texts = 2",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
    recorded.spans.clear();
    assert!(block_on(future(&["x"])).is_err());
    assert_eq!(block_on(boxed("a")), Ok("a"));
    assert!(block_on(boxed("")).is_err());
    recorded.check(&[
        "INTERNAL future ERROR: invalid digit found in string",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
        "INTERNAL boxed",
        "  INTERNAL leaf",
        "INTERNAL boxed ERROR: empty",
    ]);
}

#[test]
fn a_future_that_is_handed_out_and_dropped_is_cancelled() {
    let recorded = record();
    {
        let mut future = pin!(boxed("a"));
        assert!(poll_once(future.as_mut()).is_pending());
    }
    assert_eq!(recorded.only().attribute(CANCELLED), Some(&true.into()));
}

#[test]
fn a_panic_in_a_future_that_is_handed_out_ends_its_span_at_once() {
    #[traced_span]
    fn panics_when_polled() -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async { panic!("on purpose") })
    }
    let recorded = record();
    let mut future = panics_when_polled();
    let poll = catch_unwind(std::panic::AssertUnwindSafe(|| poll_once(future.as_mut())));
    assert!(poll.is_err());
    recorded.check(&["INTERNAL panics_when_polled ERROR"]);
}

#[test]
fn a_stream_that_is_handed_out_keeps_its_span() {
    use futures_util::StreamExt as _;
    use futures_util::stream::{self, Stream};

    #[traced_span("counting")]
    fn count(to: u32) -> impl Stream<Item = u32> {
        stream::iter(0..to).map(|number| {
            leaf();
            number
        })
    }
    #[traced_span]
    fn boxed_count<'a>(numbers: &'a [u32]) -> Pin<Box<dyn Stream<Item = &'a u32> + Send + 'a>> {
        Box::pin(stream::iter(numbers))
    }
    let recorded = record();
    assert_eq!(block_on(count(2).collect::<Vec<_>>()), [0, 1]);
    assert_eq!(block_on(boxed_count(&[7]).collect::<Vec<&u32>>()), [&7]);
    recorded.check(&[
        "INTERNAL counting",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
        "INTERNAL boxed_count",
    ]);
    recorded.spans.clear();
    let mut dropped = Box::pin(count(2));
    assert_eq!(block_on(dropped.next()), Some(0));
    drop(dropped);
    recorded.check_attributes(&["INTERNAL counting", "  INTERNAL leaf"]);
}

#[async_trait::async_trait]
trait Rooms {
    async fn find(&self, id: &str) -> Result<u32, std::num::ParseIntError>;
}

struct Hotel;

#[async_trait::async_trait]
impl Rooms for Hotel {
    #[traced_span("rooms.find")]
    #[span_attr("id" = id)]
    async fn find(&self, id: &str) -> Result<u32, std::num::ParseIntError> {
        pause().await;
        leaf();
        Ok(id.parse()?)
    }
}

#[test]
fn methods_of_async_traits() {
    let recorded = record();
    drop(Hotel.find("1"));
    assert_eq!(block_on(Hotel.find("1")), Ok(1));
    assert!(block_on(Hotel.find("x")).is_err());
    recorded.check(&[
        "INTERNAL rooms.find",
        "  INTERNAL leaf",
        "INTERNAL rooms.find ERROR: invalid digit found in string",
        "  INTERNAL leaf",
    ]);
}

struct Counter;

#[expect(clippy::unused_self, reason = "it is there to be a method")]
#[traced_span(kind = client)]
impl Counter {
    fn count(&self) -> u32 {
        Self::twice(1)
    }

    fn twice(n: u32) -> u32 {
        self::inner::leaf();
        Self::hot(n)
    }

    #[traced_span(skip)]
    fn hot(n: u32) -> u32 {
        n * 2
    }

    #[traced_span("counter.renamed")]
    fn renamed() {}

    #[traced_span(kind = producer)]
    fn own_options() {}
}

#[traced_span]
mod inner {
    pub(super) fn leaf() {}
}

#[test]
fn functions_of_a_block_are_named_after_it() {
    let recorded = record();
    assert_eq!(Counter.count(), 2);
    Counter::renamed();
    Counter::own_options();
    recorded.check(&[
        "CLIENT Counter::count",
        "  CLIENT Counter::twice",
        "    INTERNAL inner::leaf",
        "INTERNAL counter.renamed",
        "PRODUCER Counter::own_options",
    ]);
}

#[traced_span]
async fn expressions_of_all_kinds(n: u32) -> u32 {
    let double = #[traced_span("closure")]
    |n: u32| {
        leaf();
        n * 2
    };
    let task = #[traced_span("async block")]
    async move {
        pause().await;
        leaf();
        n + 1
    };
    let unpolled = #[traced_span("unpolled")]
    async {};
    drop(unpolled);
    match n {
        #[traced_span("arm")]
        0 => {
            leaf();
            double(1)
        }
        _ => double(n) + double(1) + task.await,
    }
}

#[test]
fn closures_async_blocks_and_match_arms() {
    let recorded = record();
    assert_eq!(block_on(expressions_of_all_kinds(1)), 6);
    recorded.check(&[
        "INTERNAL expressions_of_all_kinds",
        "  INTERNAL closure",
        "    INTERNAL leaf",
        "  INTERNAL closure",
        "    INTERNAL leaf",
        "  INTERNAL async block",
        "    INTERNAL leaf",
    ]);
    recorded.spans.clear();
    assert_eq!(block_on(expressions_of_all_kinds(0)), 2);
    recorded.check(&[
        "INTERNAL expressions_of_all_kinds",
        "  INTERNAL arm",
        "    INTERNAL leaf",
        "    INTERNAL closure",
        "      INTERNAL leaf",
    ]);
}

#[test]
fn code_that_no_attribute_reaches() {
    fn search(rooms: &[u32], id: u32) -> Option<usize> {
        let at = otel_runtime::span!("search", kind = client, {
            otel_runtime::attr!("rooms" = rooms.len(), id = id);
            rooms.iter().position(|room| *room == id)?
        });
        otel_runtime::event!("found", "at" = at);
        Some(at)
    }
    let recorded = record();
    otel_runtime::span!("around", { assert_eq!(search(&[7], 7), Some(0)) });
    assert_eq!(search(&[7], 8), None);
    recorded.check_attributes(&[
        "INTERNAL around",
        "    * found",
        "      · at = 0",
        "  CLIENT search",
        "      · id = 7",
        "      · rooms = 1",
        "CLIENT search",
        "    · id = 8",
        "    · rooms = 1",
    ]);
}

async fn fetch(n: u32) -> Result<u32, String> {
    pause().await;
    leaf();
    if n == 0 {
        Err("zero".to_owned())
    } else {
        Ok(n)
    }
}

#[traced_span]
async fn parts(numbers: &[u32]) -> Result<u32, String> {
    let mut total = 0;
    #[traced_span("all")]
    for number in numbers {
        let fetched = #[traced_span("one")]
        {
            if *number > 8 {
                break;
            }
            fetch(*number).await?
        };
        total += fetched;
    }
    leaf();
    Ok(total)
}

#[test]
fn parts_that_await_have_spans() {
    let recorded = record();
    let before = current_span();
    assert_eq!(block_on(parts(&[1, 2, 9])), Ok(3));
    assert_eq!(current_span(), before);
    recorded.check(&[
        "INTERNAL parts",
        "  INTERNAL all",
        "    INTERNAL one",
        "      INTERNAL leaf",
        "    INTERNAL one",
        "      INTERNAL leaf",
        "    INTERNAL one",
        "  INTERNAL leaf",
    ]);
    recorded.spans.clear();
    assert!(block_on(parts(&[0])).is_err());
    recorded.check(&[
        "INTERNAL parts ERROR: zero",
        "  INTERNAL all",
        "    INTERNAL one",
        "      INTERNAL leaf",
    ]);
}

#[test]
fn a_part_is_current_only_while_its_future_is_polled() {
    let recorded = record();
    let before = current_span();
    let (mut first, mut second) = (pin!(parts(&[1])), pin!(parts(&[2])));
    assert!(poll_once(first.as_mut()).is_pending());
    assert_eq!(current_span(), before);
    assert!(poll_once(second.as_mut()).is_pending());
    leaf();
    assert!(poll_once(first).is_ready());
    assert!(poll_once(second).is_ready());
    assert_eq!(current_span(), before);
    let tree = [
        "INTERNAL parts",
        "  INTERNAL all",
        "    INTERNAL one",
        "      INTERNAL leaf",
        "  INTERNAL leaf",
    ];
    recorded.check(&[&tree[..], &tree[..], &["INTERNAL leaf"]].concat());
}

#[test]
fn a_future_dropped_within_a_part_marks_both_as_cancelled() {
    let recorded = record();
    {
        let mut future = pin!(parts(&[1]));
        assert!(poll_once(future.as_mut()).is_pending());
    }
    let cancelled: Vec<_> = recorded
        .spans
        .finished()
        .iter()
        .map(|span| (span.name.clone(), span.attribute(CANCELLED).is_some()))
        .collect();
    assert_eq!(cancelled.len(), 3);
    assert!(
        cancelled.iter().all(|(_, cancelled)| *cancelled),
        "{cancelled:?}"
    );
}

#[test]
fn a_panic_within_a_part_is_recorded_on_it() {
    #[traced_span]
    async fn panicking() {
        #[traced_span("part")]
        {
            pause().await;
            panic!("on purpose");
        }
    }
    let recorded = record();
    let before = current_span();
    assert!(catch_unwind(|| block_on(panicking())).is_err());
    assert_eq!(current_span(), before);
    recorded.check(&["INTERNAL panicking ERROR", "  INTERNAL part ERROR"]);
}

#[test]
fn a_part_goes_on_in_another_thread() {
    let recorded = record();
    let mut future = Box::pin(parts(&[1, 2]));
    assert!(poll_once(future.as_mut()).is_pending());
    let mut future = std::thread::spawn(move || {
        assert!(poll_once(future.as_mut()).is_pending());
        future
    })
    .join()
    .expect("the thread ends well");
    assert_eq!(poll_once(future.as_mut()), Poll::Ready(Ok(3)));
    recorded.check(&[
        "INTERNAL parts",
        "  INTERNAL all",
        "    INTERNAL one",
        "      INTERNAL leaf",
        "    INTERNAL one",
        "      INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn futures_and_streams_of_others() {
    use futures_util::StreamExt as _;
    use otel_runtime::InSpan as _;

    let recorded = record();
    drop(fetch(1).in_span("unpolled"));
    assert_eq!(block_on(fetch(1).in_span("future")), Ok(1));
    let numbers = futures_util::stream::iter(0..2).map(|number| {
        leaf();
        number
    });
    assert_eq!(
        block_on(numbers.in_span("stream").collect::<Vec<_>>()),
        [0, 1]
    );
    {
        let mut dropped = pin!(fetch(1).in_span("dropped"));
        assert!(poll_once(dropped.as_mut()).is_pending());
    }
    recorded.check(&[
        "INTERNAL future",
        "  INTERNAL leaf",
        "INTERNAL stream",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
        "INTERNAL dropped",
    ]);
    let dropped = recorded.spans.finished().pop().expect("a span");
    assert_eq!(dropped.attribute(CANCELLED), Some(&true.into()));
    recorded.spans.clear();
    let mut panicking = Box::pin(panics_later().in_span("around a panic"));
    let polls = || (0..2).for_each(|_| drop(poll_once(panicking.as_mut())));
    assert!(catch_unwind(std::panic::AssertUnwindSafe(polls)).is_err());
    recorded.check(&[
        "INTERNAL around a panic ERROR",
        "  INTERNAL panics_later ERROR",
    ]);
}

#[test]
fn a_function_still_sees_its_caller() {
    #[track_caller]
    #[traced_span]
    fn line() -> String {
        std::panic::Location::caller().line().to_string()
    }
    let recorded = record();
    assert_eq!(line(), line!().to_string());
    recorded.check(&["INTERNAL line"]);
}
