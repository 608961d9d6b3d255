//! How often the expressions of the attributes are evaluated: once where they are recorded, never otherwise.

use std::cell::RefCell;
use std::future::Future;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use otel_runtime::{SpanRules, attr, event, set_span_rules, span_attr, span_event, traced_span};

use super::{block_on, pause, poll_once, record, unsampled_span};

thread_local! {
    static EVALUATED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// The value, with a note of what asked for it.
fn noted<T>(what: &'static str, value: T) -> T {
    EVALUATED.with_borrow_mut(|evaluated| evaluated.push(what));
    value
}

/// What was evaluated since the last time, sorted.
fn evaluated() -> Vec<&'static str> {
    let mut evaluated = EVALUATED.take();
    evaluated.sort_unstable();
    evaluated
}

type Ended = Result<u32, &'static str>;

#[traced_span(name = noted("name", "all"), links = noted("links", [SpanContext::NONE]), err = |error| noted("err", *error), err_if = |_| noted("err_if", true))]
#[span_attr({ noted("key", "key") } = 1, "typed" = noted("typed", 1), "shown" = %noted("shown", 1))]
#[span_attr("debugged" = ?noted("debugged", 1), "result" = |ok| noted("result", *ok))]
#[span_event(noted("event name", "event"), "field" = noted("event", 1))]
#[span_event("returned", "field" = |ok| noted("returned event", *ok))]
fn all(ended: Ended) -> Ended {
    attr!("inline" = noted("inline", 1));
    event!("inline", "field" = noted("inline event", 1));
    #[span_attr("statement" = noted("statement", 1))]
    #[span_event("statement", "field" = noted("statement event", 1))]
    #[traced_span(name = noted("block name", "block"))]
    {
        ended
    }
}

#[traced_span(name = noted("name", "all"), links = noted("links", [SpanContext::NONE]), err = |error| noted("err", *error), err_if = |_| noted("err_if", true))]
#[span_attr({ noted("key", "key") } = 1, "typed" = noted("typed", 1), "shown" = %noted("shown", 1))]
#[span_attr("debugged" = ?noted("debugged", 1), "result" = |ok| noted("result", *ok))]
#[span_event(noted("event name", "event"), "field" = noted("event", 1))]
#[span_event("returned", "field" = |ok| noted("returned event", *ok))]
async fn all_later(ended: Ended) -> Ended {
    pause().await;
    attr!("inline" = noted("inline", 1));
    event!("inline", "field" = noted("inline event", 1));
    #[span_attr("statement" = noted("statement", 1))]
    #[span_event("statement", "field" = noted("statement event", 1))]
    #[traced_span(name = noted("block name", "block"))]
    {
        pause().await;
        ended
    }
}

#[traced_span(name = noted("name", "all"), links = noted("links", [SpanContext::NONE]), err = |error| noted("err", *error), err_if = |_| noted("err_if", true))]
#[span_attr({ noted("key", "key") } = 1, "typed" = noted("typed", 1), "shown" = %noted("shown", 1))]
#[span_attr("debugged" = ?noted("debugged", 1), "result" = |ok| noted("result", *ok))]
#[span_event(noted("event name", "event"), "field" = noted("event", 1))]
#[span_event("returned", "field" = |ok| noted("returned event", *ok))]
fn all_handed_out(ended: Ended) -> impl Future<Output = Ended> {
    attr!("inline" = noted("inline", 1));
    event!("inline", "field" = noted("inline event", 1));
    #[span_attr("statement" = noted("statement", 1))]
    #[span_event("statement", "field" = noted("statement event", 1))]
    #[traced_span(name = noted("block name", "block"))]
    {
        let _ = 1;
    }
    async move {
        pause().await;
        ended
    }
}

type Call = fn(Ended) -> Ended;

const SHAPES: [(&str, Call); 3] = [
    ("sync", all),
    ("async", |ended| block_on(all_later(ended))),
    ("handed out", |ended| block_on(all_handed_out(ended))),
];

/// What is evaluated however the call ends.
const ALWAYS: [&str; 13] = [
    "block name",
    "debugged",
    "event",
    "event name",
    "inline",
    "inline event",
    "key",
    "links",
    "name",
    "shown",
    "statement",
    "statement event",
    "typed",
];

#[test]
fn each_expression_is_evaluated_once_when_it_is_recorded() {
    let recorded = record();
    for (shape, call) in SHAPES {
        for (ended, more) in [
            (Ok(7), ["result", "returned event"]),
            (Err("failed"), ["err", "err_if"]),
        ] {
            assert_eq!(call(ended), ended);
            let mut expected = [&ALWAYS[..], &more].concat();
            expected.sort_unstable();
            assert_eq!(evaluated(), expected, "{shape}");
            assert_eq!(recorded.spans().finished().len(), 2, "{shape}");
            recorded.spans().clear();
        }
    }
}

#[traced_span(name = format!("computed {}", noted("name", 1)))]
#[span_attr("attribute" = noted("attribute", 1), "shown" = %noted("shown", 1))]
#[span_event("event", "field" = noted("field", 1))]
fn expressions() {}

#[test]
fn expressions_are_evaluated_once_when_recorded() {
    let recorded = record();
    expressions();
    assert_eq!(evaluated().len(), 4);
    assert_eq!(recorded.only().name, "computed 1");
}

#[test]
fn nothing_is_evaluated_where_nothing_is_recorded() {
    let recorded = record();
    {
        let _unsampled = unsampled().attach();
        expressions();
    }
    {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        expressions();
    }
    assert_eq!(evaluated().len(), 0);
    recorded.check(&[]);
}

fn unsampled() -> Context {
    Context::current().with_remote_span_context(unsampled_span())
}

/// Checks that nothing is evaluated and nothing recorded where `surround` lets nothing be.
#[track_caller]
fn check_nothing(surround: impl Fn(&dyn Fn())) {
    let recorded = record();
    for (shape, call) in SHAPES {
        for ended in [Ok(7), Err("failed")] {
            surround(&|| assert_eq!(call(ended), ended));
            assert_eq!(evaluated(), [""; 0], "{shape}");
        }
    }
    recorded.check(&[]);
}

#[test]
fn nothing_is_evaluated_under_an_unsampled_parent() {
    check_nothing(|call| {
        let _unsampled = unsampled().attach();
        call();
    });
}

#[test]
fn nothing_is_evaluated_where_telemetry_is_suppressed() {
    check_nothing(|call| {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        call();
    });
}

/// Lifts the rules again, also after a panic: they are the process's.
struct Rules;

impl Drop for Rules {
    fn drop(&mut self) {
        set_span_rules(SpanRules::new());
    }
}

#[test]
fn nothing_is_evaluated_where_rules_switch_it_off() {
    check_nothing(|call| {
        let _rules = Rules;
        set_span_rules("*=off".parse().expect("rules"));
        call();
    });
}

#[test]
fn nothing_is_evaluated_on_no_span() {
    #[span_attr("attribute" = noted("attribute", 1), "result" = |length| noted("result", *length))]
    #[span_event("event", "field" = noted("event", 1))]
    fn untraced() -> usize {
        attr!("inline" = noted("inline", 1));
        event!("inline", "field" = noted("inline event", 1));
        7
    }
    let recorded = record();
    assert_eq!(untraced(), 7);
    assert_eq!(evaluated(), [""; 0]);
    otel_runtime::span!("around", { untraced() });
    let expected = ["attribute", "event", "inline", "inline event", "result"];
    assert_eq!(evaluated(), expected);
    recorded.check_attributes(&[
        "INTERNAL around",
        "    · attribute = 1",
        "    · inline = 1",
        "    · result = 7",
        "    * event",
        "      · field = 1",
        "    * inline",
        "      · field = 1",
    ]);
}

#[test]
fn a_parent_is_evaluated_once_where_a_span_can_be() {
    #[traced_span(parent = noted("parent", Context::current()))]
    fn under() {}
    let recorded = record();
    under();
    assert_eq!(evaluated(), ["parent"]);
    {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        under();
    }
    assert_eq!(evaluated(), [""; 0]);
    assert_eq!(recorded.only().parent_span_id, None);
}

#[test]
fn only_the_arms_that_are_reached_are_evaluated() {
    #[traced_span("match")]
    fn arms(n: u32) {
        match n {
            0 => event!("zero", "n" = noted("zero", n)),
            _ => event!("more", "n" = noted("more", n)),
        }
    }
    let _recorded = record();
    arms(0);
    assert_eq!(evaluated(), ["zero"]);
    arms(1);
    assert_eq!(evaluated(), ["more"]);
}

#[test]
fn what_is_in_flight_when_it_is_switched_off_ends_well() {
    let recorded = record();
    let _rules = Rules;
    let mut future = Box::pin(all_later(Err("failed")));
    assert!(poll_once(future.as_mut()).is_pending());
    set_span_rules("*=off".parse().expect("rules"));
    assert_eq!(block_on(future), Err("failed"));
    recorded.check(&["INTERNAL all ERROR: failed"]);
    evaluated();
}
