//! How a span ends, other than by an `Err`.

use std::panic::catch_unwind;
use std::pin::pin;

use opentelemetry::trace::Status;
use otel_runtime::{CANCELLED, span_attr, traced_span};

use super::{async_child, block_on, current_span, leaf, panics_later, poll_once, record};

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
            .spans()
            .finished()
            .last()
            .expect("a span")
            .attribute(CANCELLED),
        None
    );
}

#[traced_span]
fn panics() -> u32 {
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
