//! Every way to end, of every shape that a traced function can have.

use std::future::Future;
use std::panic::{UnwindSafe, catch_unwind};
use std::pin::Pin;

use otel_runtime::{CANCELLED, traced_span};

use super::{Recorded, block_on, current_span, leaf, pause, poll_once, record};

type Ended = Result<u32, String>;
type Task = Pin<Box<dyn Future<Output = Ended>>>;
type Call = fn(End) -> Ended;
type Start = fn(End) -> Task;

#[derive(Clone, Copy, PartialEq)]
enum End {
    Value,
    QuestionMark,
    Return,
    Panic,
}

impl End {
    fn ask(self) -> Ended {
        match self {
            End::Value | End::Return => Ok(7),
            End::QuestionMark => Err("failed".to_owned()),
            End::Panic => panic!("on purpose"),
        }
    }
}

/// A body that ends as it is told, by each way there is.
macro_rules! end {
    ($end:expr) => {{
        if $end == End::Return {
            return Err("failed".to_owned());
        }
        let value = $end.ask()?;
        Ok(value)
    }};
}

#[traced_span("shape")]
fn function(end: End) -> Ended {
    end!(end)
}

struct Owner;

#[expect(clippy::unused_self, reason = "they are there to be methods")]
impl Owner {
    #[traced_span("shape")]
    fn method(&self, end: End) -> Ended {
        end!(end)
    }

    #[traced_span("shape")]
    async fn async_method(&mut self, end: End) -> Ended {
        pause().await;
        end!(end)
    }
}

trait Ends {
    fn provided(&self, end: End) -> Ended;
}

impl Ends for Owner {
    #[traced_span("shape")]
    fn provided(&self, end: End) -> Ended {
        end!(end)
    }
}

#[async_trait::async_trait]
trait EndsLater {
    async fn later(&self, end: End) -> Ended;
}

#[async_trait::async_trait]
impl EndsLater for Owner {
    #[traced_span("shape")]
    async fn later(&self, end: End) -> Ended {
        pause().await;
        end!(end)
    }
}

#[traced_span("shape")]
async fn before_an_await(end: End) -> Ended {
    let ended: Ended = end!(end);
    pause().await;
    ended
}

#[traced_span("shape")]
async fn after_an_await(end: End) -> Ended {
    pause().await;
    end!(end)
}

#[traced_span("shape")]
fn boxed_block(end: End) -> Pin<Box<dyn Future<Output = Ended>>> {
    Box::pin(async move {
        pause().await;
        end!(end)
    })
}

#[traced_span("shape")]
fn boxed_after_statements(end: End) -> Pin<Box<dyn Future<Output = Ended>>> {
    if end == End::QuestionMark {
        return Box::pin(async { Err("failed".to_owned()) });
    }
    Box::pin(async move {
        pause().await;
        end!(end)
    })
}

#[traced_span("shape")]
fn handed_out(end: End) -> impl Future<Output = Ended> {
    let end = (end, ());
    async move {
        pause().await;
        end!(end.0)
    }
}

#[traced_span("shape", leaf)]
fn leaf_function(end: End) -> Ended {
    end!(end)
}

#[traced_span("shape", leaf)]
async fn leaf_task(end: End) -> Ended {
    pause().await;
    end!(end)
}

/// Those that are done when they return.
const SYNC: [(&str, Call); 4] = [
    ("function", function),
    ("method", |end| Owner.method(end)),
    ("trait method", |end| Owner.provided(end)),
    ("leaf", leaf_function),
];

/// Those that can be dropped before they are done; the flag says whether the call alone makes a span.
const ASYNC: [(&str, bool, Start); 8] = [
    ("async before an await", false, |end| {
        Box::pin(before_an_await(end))
    }),
    ("async after an await", false, |end| {
        Box::pin(after_an_await(end))
    }),
    ("async method", false, |end| {
        Box::pin(async move { Owner.async_method(end).await })
    }),
    ("async trait method", false, |end| {
        Box::pin(async move { Owner.later(end).await })
    }),
    ("boxed block", false, boxed_block),
    ("boxed after statements", true, boxed_after_statements),
    ("handed out", true, |end| Box::pin(handed_out(end))),
    ("async leaf", false, |end| Box::pin(leaf_task(end))),
];

/// Checks what one call records, whatever its shape, and that it leaves the context alone.
#[track_caller]
fn check_all(end: End, ended: Option<&Ended>, expected: &[&str]) {
    let recorded = record();
    let check = |shape: &str, call: &(dyn Fn() -> Ended + std::panic::RefUnwindSafe)| {
        let before = current_span();
        let result = catch_unwind(call).ok();
        assert_eq!(result.as_ref(), ended, "{shape}");
        assert_eq!(current_span(), before, "{shape}");
        check_tree(&recorded, shape, expected);
    };
    for (shape, call) in SYNC {
        check(shape, &|| call(end));
    }
    for (shape, _, call) in ASYNC {
        check(shape, &|| block_on(call(end)));
    }
}

#[track_caller]
fn check_tree(recorded: &Recorded, shape: &str, expected: &[&str]) {
    assert_eq!(
        recorded.spans().tree_with_attributes(),
        expected.join("\n"),
        "{shape}"
    );
    recorded.spans().clear();
}

const FAILED: [&str; 5] = [
    "INTERNAL shape ERROR: failed",
    "    · error.type = \"alloc::string::String\"",
    "    * exception",
    "      · exception.message = \"failed\"",
    "      · exception.type = \"alloc::string::String\"",
];

#[test]
fn a_value_leaves_the_status_unset() {
    check_all(End::Value, Some(&Ok(7)), &["INTERNAL shape"]);
}

#[test]
fn an_error_by_question_mark_is_recorded() {
    check_all(End::QuestionMark, Some(&Err("failed".to_owned())), &FAILED);
}

#[test]
fn an_error_by_early_return_is_recorded() {
    check_all(End::Return, Some(&Err("failed".to_owned())), &FAILED);
}

#[test]
fn a_panic_is_recorded() {
    check_all(
        End::Panic,
        None,
        &[
            "INTERNAL shape ERROR",
            "    · error.type = \"panic\"",
            "    * exception",
            "      · exception.type = \"panic\"",
        ],
    );
}

#[test]
fn dropped_half_way_is_cancelled() {
    let recorded = record();
    for (shape, _, call) in ASYNC {
        let before = current_span();
        let mut future = call(End::Value);
        assert!(poll_once(future.as_mut()).is_pending(), "{shape}");
        assert_eq!(current_span(), before, "{shape}");
        assert_eq!(recorded.spans().tree(), "", "{shape}");
        drop(future);
        assert_eq!(current_span(), before, "{shape}");
        let cancelled = format!("    · {CANCELLED} = true");
        check_tree(&recorded, shape, &["INTERNAL shape", &cancelled]);
    }
}

#[test]
fn never_polled_makes_no_span_unless_the_call_did() {
    let recorded = record();
    for (shape, starts_with_the_call, call) in ASYNC {
        drop(call(End::Value));
        let cancelled = format!("    · {CANCELLED} = true");
        let expected: &[&str] = if starts_with_the_call {
            &["INTERNAL shape", &cancelled]
        } else {
            &[]
        };
        check_tree(&recorded, shape, expected);
    }
}

#[test]
fn kept_or_dropped_after_it_is_ready_is_nothing_special() {
    let recorded = record();
    for (shape, _, call) in ASYNC {
        let mut future = call(End::Value);
        assert!(poll_once(future.as_mut()).is_pending(), "{shape}");
        assert!(poll_once(future.as_mut()).is_ready(), "{shape}");
        check_tree(&recorded, shape, &["INTERNAL shape"]);
        drop(future);
        check_tree(&recorded, shape, &[]);
    }
}

#[test]
fn a_finished_future_kept_in_a_join_slot_has_ended_its_span() {
    let recorded = record();
    for (shape, _, call) in ASYNC {
        let slots = [call(End::Value), Box::pin(std::future::pending())];
        let mut joined = futures_util::future::join_all(slots);
        for _ in 0..2 {
            assert!(poll_once(Pin::new(&mut joined)).is_pending(), "{shape}");
        }
        check_tree(&recorded, shape, &["INTERNAL shape"]);
    }
}

#[test]
fn after_a_caught_panic_the_context_is_what_it_was() {
    #[traced_span]
    fn around(call: impl FnOnce() -> Ended + UnwindSafe) {
        assert!(catch_unwind(call).is_err());
        leaf();
    }
    #[traced_span]
    async fn async_around(call: impl FnOnce() -> Ended + UnwindSafe) {
        pause().await;
        assert!(catch_unwind(call).is_err());
        leaf();
        pause().await;
        leaf();
    }
    let recorded = record();
    let child = "  INTERNAL shape ERROR";
    let check = |shape: &str, call: &(dyn Fn() -> Ended + std::panic::RefUnwindSafe)| {
        around(call);
        recorded.check(&["INTERNAL around", child, "  INTERNAL leaf"]);
        recorded.spans().clear();
        block_on(async_around(call));
        let leaf = "  INTERNAL leaf";
        assert_eq!(
            recorded.spans().tree(),
            ["INTERNAL async_around", child, leaf, leaf].join("\n"),
            "{shape}"
        );
        recorded.spans().clear();
    };
    for (shape, call) in SYNC {
        check(shape, &|| call(End::Panic));
    }
    for (shape, _, call) in ASYNC {
        check(shape, &|| block_on(call(End::Panic)));
    }
}

#[test]
fn blocks_and_parts_end_with_what_leaves_them() {
    #[traced_span]
    fn block(end: End) -> Ended {
        #[traced_span("inside")]
        let value = end!(end);
        leaf();
        value
    }
    #[traced_span]
    async fn part(end: End) -> Ended {
        #[traced_span("inside")]
        let value = {
            pause().await;
            end!(end)
        };
        leaf();
        value
    }
    let recorded = record();
    let calls: [(&str, Call); 2] = [("block", block), ("part", |end| block_on(part(end)))];
    for (name, call) in calls {
        for (end, status, inside, is_left) in [
            (End::Value, "", "", false),
            (End::QuestionMark, " ERROR: failed", "", true),
            (End::Return, " ERROR: failed", "", true),
            (End::Panic, " ERROR", " ERROR", true),
        ] {
            let before = current_span();
            assert_eq!(catch_unwind(|| call(end)).is_err(), end == End::Panic);
            assert_eq!(current_span(), before, "{name}");
            let mut lines = vec![
                format!("INTERNAL {name}{status}"),
                format!("  INTERNAL inside{inside}"),
            ];
            if !is_left {
                lines.push("  INTERNAL leaf".to_owned());
            }
            assert_eq!(recorded.spans().tree(), lines.join("\n"));
            recorded.spans().clear();
        }
    }
}
