//! The provider is replaced or shut down while the library goes on.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::Poll;

use annotated_library::{call, count, find, wait_for};
use opentelemetry::trace::SpanContext;

use super::polling::{block_on, pause, poll_once};
use super::{check, check_together, current, set_provider, start};

const FOUND: [&str; 2] = ["CLIENT library.find", "  INTERNAL library.measure"];

#[test]
fn a_plain_provider_is_all_it_takes() {
    let application = start();
    assert_eq!(find("blue"), Ok(4));
    let waited = block_on(wait_for(async {
        pause().await;
        find("")
    }));
    assert_eq!(waited, Err("no room".to_owned()));
    assert_eq!(
        application.spans.tree_with_attributes(),
        [
            "CLIENT library.find",
            "    · length = 4",
            "    · room = \"blue\"",
            "    * library.asked",
            "      · room = \"blue\"",
            "  INTERNAL library.measure",
            "INTERNAL library.await",
            "    · polled = true",
            "  INTERNAL library.part",
            "    CLIENT library.find ERROR: no room",
            "        · error.type = \"alloc::string::String\"",
            "        · room = \"\"",
            "        * library.asked",
            "          · room = \"\"",
            "        * exception",
            "          · exception.message = \"no room\"",
            "          · exception.type = \"alloc::string::String\"",
        ]
        .join("\n")
    );
}

#[test]
fn after_a_replacement_spans_go_to_the_new_provider() {
    let application = start();
    assert_eq!(find("blue"), Ok(4));
    let (second, _) = set_provider(|builder| builder);
    assert_eq!(find("green"), Ok(5));
    application.check(&FOUND);
    check(&second, &FOUND);
}

#[test]
fn a_call_in_flight_ends_its_span_with_the_provider_that_started_it() {
    let application = start();
    let second = call(|| {
        let (second, _) = set_provider(|builder| builder);
        assert_eq!(find("blue"), Ok(4));
        second
    });
    application.check(&["INTERNAL library.call"]);
    check_together(
        &application.spans,
        &second,
        &[
            "INTERNAL library.call",
            "  CLIENT library.find",
            "    INTERNAL library.measure",
        ],
    );
}

#[test]
fn a_future_in_flight_ends_its_spans_with_the_provider_that_started_them() {
    let application = start();
    let mut future = pin!(wait_for(async {
        pause().await;
        find("blue")
    }));
    assert!(poll_once(future.as_mut()).is_pending());
    let (second, _) = set_provider(|builder| builder);
    assert_eq!(poll_once(future), Poll::Ready(Ok(4)));
    application.check(&["INTERNAL library.await", "  INTERNAL library.part"]);
    check_together(
        &application.spans,
        &second,
        &[
            "INTERNAL library.await",
            "  INTERNAL library.part",
            "    CLIENT library.find",
            "      INTERNAL library.measure",
        ],
    );
}

#[test]
fn after_a_shut_down_calls_go_on_without_spans() {
    let application = start();
    application.provider.shutdown().expect("it shuts down");
    assert_eq!(find("blue"), Ok(4));
    assert_eq!(find(""), Err("no room".to_owned()));
    assert_eq!(call(current), SpanContext::NONE);
    let waited = block_on(wait_for(async {
        pause().await;
        current()
    }));
    assert_eq!(waited, SpanContext::NONE);
    assert!(catch_unwind(|| call(|| panic!("on purpose"))).is_err());
    application.check(&[]);

    let (second, _) = set_provider(|builder| builder);
    assert_eq!(find("green"), Ok(5));
    check(&second, &FOUND);
}

#[test]
fn after_a_shut_down_nothing_is_evaluated() {
    let application = start();
    application.provider.shutdown().expect("it shuts down");
    let evaluations = Cell::new(0);
    assert!(count(&evaluations).is_err());
    assert_eq!(evaluations.get(), 0);
}

#[test]
fn a_call_in_flight_outlives_a_shut_down() {
    let application = start();
    let found = call(|| {
        let before = current();
        application.provider.shutdown().expect("it shuts down");
        let found = find("blue");
        assert_eq!(current(), before);
        found
    });
    assert_eq!(found, Ok(4));
    let panicked = catch_unwind(|| call(|| panic!("on purpose")));
    assert!(panicked.is_err());
    assert_eq!(current(), SpanContext::NONE);
    application.check(&[]);
}

#[test]
fn a_future_in_flight_outlives_a_shut_down() {
    let application = start();
    let future = || {
        Box::pin(wait_for(async {
            pause().await;
            find("blue")
        }))
    };
    let (mut finished, mut dropped) = (future(), future());
    assert!(poll_once(finished.as_mut()).is_pending());
    assert!(poll_once(dropped.as_mut()).is_pending());
    application.provider.shutdown().expect("it shuts down");
    assert_eq!(poll_once(finished.as_mut()), Poll::Ready(Ok(4)));
    drop(dropped);
    assert_eq!(current(), SpanContext::NONE);
    application.check(&[]);
}

#[test]
fn what_ended_before_a_shut_down_is_exported() {
    let application = start();
    assert_eq!(find("blue"), Ok(4));
    application.provider.shutdown().expect("it shuts down");
    assert_eq!(find("green"), Ok(5));
    application.check(&FOUND);
}
