//! What others do by the API with the span of a function that is running, or was: on its thread, and on others.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};
use otel_runtime::testing::SpanRecord;
use otel_runtime::{attr, event, traced_span};

use super::{Recorded, leaf, record, span_context};

/// Everything here happens below another span: there spans are made in another way than at the root of a trace.
#[traced_span]
fn root<T>(work: impl FnOnce() -> T) -> T {
    work()
}

fn on_another_thread(work: impl FnOnce(&Context) + Send) {
    let context = Context::current();
    thread::scope(|scope| {
        let thread = scope.spawn(move || work(&context));
        thread.join().expect("the thread ends well");
    });
}

fn set(context: &Context, key: &'static str, value: &'static str) {
    context.span().set_attribute(KeyValue::new(key, value));
}

/// The span that is not the root.
#[track_caller]
fn inner(recorded: &Recorded) -> SpanRecord {
    let spans = recorded.spans().finished();
    let mut spans = spans.into_iter().filter(|span| span.name != "root");
    let span = spans.next().expect("a span");
    assert!(spans.next().is_none(), "{}", recorded.spans().tree());
    span
}

#[test]
fn another_thread_adds_to_the_span() {
    #[traced_span]
    fn works() {
        on_another_thread(|context| {
            let span = context.span();
            assert!(span.is_recording());
            set(context, "there", "one");
            span.add_event("there", vec![KeyValue::new("n", 1)]);
            let ids = (TraceId::from(1), SpanId::from(2));
            let flags = TraceFlags::SAMPLED;
            let target = SpanContext::new(ids.0, ids.1, flags, true, TraceState::NONE);
            span.add_link(target, Vec::new());
            span.update_name("renamed");
            span.set_status(Status::error("there"));
        });
    }
    let recorded = record();
    root(works);
    let span = inner(&recorded);
    assert_eq!(span.name, "renamed");
    assert_eq!(span.attribute("there"), Some(&"one".into()));
    let event = span.event("there").expect("an event");
    assert_eq!(event.attributes, [KeyValue::new("n", 1)]);
    assert_eq!(span.links.len(), 1);
    assert_eq!(span.status, Status::error("there"));
}

#[test]
fn the_last_value_wins_whichever_thread_sets_it() {
    #[traced_span]
    fn here_last() {
        on_another_thread(|context| set(context, "key", "there"));
        attr!("key" = "here");
    }
    #[traced_span]
    fn there_last() {
        attr!("key" = "here");
        on_another_thread(|context| set(context, "key", "there"));
    }
    #[traced_span]
    fn by_api_last() {
        on_another_thread(|context| set(context, "key", "there"));
        attr!("key" = "here");
        set(&Context::current(), "key", "by the API");
    }
    let cases: [(fn(), &'static str); 3] = [
        (here_last, "here"),
        (there_last, "there"),
        (by_api_last, "by the API"),
    ];
    for (work, expected) in cases {
        let recorded = record();
        root(work);
        assert_eq!(inner(&recorded).attribute("key"), Some(&expected.into()));
    }
}

#[test]
fn nothing_is_added_after_another_thread_ended_the_span() {
    #[traced_span]
    fn works() {
        attr!("before" = true);
        on_another_thread(|context| {
            context.span().end();
            assert!(!context.span().is_recording());
            set(context, "after", "there");
        });
        attr!("after" = true);
        event!("after");
        assert!(!Context::current().span().is_recording());
    }
    let recorded = record();
    root(works);
    let span = inner(&recorded);
    assert_eq!(span.attributes, [KeyValue::new("before", true)]);
    assert_eq!(span.events, []);
}

#[test]
fn nothing_is_added_after_the_api_ended_the_span() {
    #[traced_span]
    fn works() {
        Context::current().span().end();
        assert!(!Context::current().span().is_recording());
        on_another_thread(|context| assert!(!context.span().is_recording()));
        attr!("after" = true);
        event!("after");
        set(&Context::current(), "after", "by the API");
        // It is still the current one.
        leaf();
    }
    let recorded = record();
    root(works);
    recorded.check(&["INTERNAL root", "  INTERNAL works", "    INTERNAL leaf"]);
    let spans = recorded.spans().finished();
    let works = spans.iter().find(|span| span.name == "works");
    let works = works.expect("the span");
    assert_eq!(works.attributes, []);
    assert_eq!(works.events, []);
}

#[test]
fn what_comes_while_a_span_ends_is_for_that_span_or_for_none() {
    const SPANS: usize = 2_000;
    #[traced_span]
    fn works(shown: &Mutex<Option<Context>>, came: &AtomicBool) {
        // First, as the other thread may use up what a span has room for.
        attr!("here" = true);
        *shown.lock().expect("no panic") = Some(Context::current());
        // The first one waits, so that at least one is reached.
        while !came.load(Ordering::Acquire) {
            thread::yield_now();
        }
    }
    let recorded = record();
    let shown = Mutex::new(None);
    let (came, done) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let context: Option<Context> = shown.lock().expect("no panic").clone();
                if let Some(context) = context {
                    let span = context.span();
                    let id = span.span_context().span_id().to_string();
                    span.set_attribute(KeyValue::new("of", id.clone()));
                    span.add_event("of", vec![KeyValue::new("of", id)]);
                    came.store(true, Ordering::Release);
                }
            }
        });
        root(|| {
            for _ in 0..SPANS {
                works(&shown, &came);
            }
        });
        done.store(true, Ordering::Relaxed);
    });
    let spans = recorded.spans().finished();
    assert_eq!(spans.len(), SPANS + 1);
    let mut reached = 0;
    for span in spans.iter().filter(|span| span.name == "works") {
        assert_eq!(span.attribute("here"), Some(&true.into()));
        let id = span.span_id.to_string();
        if let Some(of) = span.attribute("of") {
            assert_eq!(*of, id.clone().into());
            reached += 1;
        }
        for event in &span.events {
            assert_eq!(event.attributes, [KeyValue::new("of", id.clone())]);
        }
    }
    assert!(reached > 0);
}

#[test]
fn a_context_that_stays_does_nothing_to_later_spans() {
    #[traced_span]
    fn first() -> Context {
        Context::current()
    }
    #[traced_span]
    fn second(stale: &Context) {
        assert!(!stale.span().is_recording());
        set(stale, "stale", "here");
        on_another_thread({
            let stale = stale.clone();
            move |_| {
                assert!(!stale.span().is_recording());
                set(&stale, "stale", "there");
                stale.span().end();
            }
        });
        attr!("kept" = true);
    }
    let recorded = record();
    root(|| {
        let stale = first();
        // Whether there is one of the same or of another depth.
        second(&stale);
        root(|| second(&stale));
    });
    let spans = recorded.spans().finished();
    let seconds: Vec<_> = spans.iter().filter(|span| span.name == "second").collect();
    assert_eq!(seconds.len(), 2);
    for second in seconds {
        assert_eq!(second.attributes, [KeyValue::new("kept", true)]);
    }
}

#[test]
fn spans_within_a_leaf_hang_where_the_leaf_does() {
    #[traced_span(leaf)]
    fn in_the_leaf() {
        attr!("of" = "outer");
        assert_eq!(span_context().span_id(), super::current_span());
        leaf();
    }
    #[traced_span]
    fn outer() {
        in_the_leaf();
        event!("after");
    }
    let recorded = record();
    root(outer);
    recorded.check(&[
        "INTERNAL root",
        "  INTERNAL outer",
        "    INTERNAL in_the_leaf",
        "    INTERNAL leaf",
    ]);
    let spans = recorded.spans().finished();
    let outer = spans.iter().find(|span| span.name == "outer");
    let outer = outer.expect("the span");
    assert_eq!(outer.attribute("of"), Some(&"outer".into()));
    assert!(outer.event("after").is_some());
}

#[test]
fn a_value_may_record_on_the_span_it_is_for() {
    #[traced_span]
    fn works() {
        event!(
            "outer",
            "value" = {
                event!(
                    "inner",
                    "deep" = {
                        attr!("deepest" = 1);
                        2
                    }
                );
                3
            }
        );
    }
    let recorded = record();
    root(works);
    let span = inner(&recorded);
    let names: Vec<_> = span.events.iter().map(|event| event.name.clone()).collect();
    assert_eq!(names, ["inner", "outer"]);
    assert_eq!(span.attribute("deepest"), Some(&1.into()));
}

#[test]
fn a_guard_that_the_function_leaves_behind_changes_nothing() {
    #[traced_span]
    fn leaves_a_guard(other: &Context) -> opentelemetry::ContextGuard {
        other.clone().attach()
    }
    #[traced_span(err = |_| "with a guard")]
    fn fails_with_a_guard(other: &Context) -> Result<(), opentelemetry::ContextGuard> {
        Err(other.clone().attach())
    }
    let recorded = record();
    root(|| {
        let before = span_context();
        let other = Context::current();
        drop(leaves_a_guard(&other));
        assert_eq!(span_context(), before);
        drop(fails_with_a_guard(&other).err());
        assert_eq!(span_context(), before);
        leaf();
    });
    recorded.check(&[
        "INTERNAL root",
        "  INTERNAL leaves_a_guard",
        "  INTERNAL fails_with_a_guard ERROR: with a guard",
        "  INTERNAL leaf",
    ]);
}
