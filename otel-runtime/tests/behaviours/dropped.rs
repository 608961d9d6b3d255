//! What is dropped with a future before that is ready: within its span, as if it had gone on.

use std::pin::{Pin, pin};
use std::task::{self, Poll};

use futures_util::stream::{self, Stream};
use opentelemetry::Context;
use otel_runtime::{CANCELLED, InSpan as _, traced_span};

use super::{current_span, leaf, pause, poll_once, record};

/// Makes a span when it is dropped.
struct Cleanup;

impl Drop for Cleanup {
    fn drop(&mut self) {
        leaf();
    }
}

/// Polls a future once, and drops it.
fn poll_and_drop<F: Future>(future: F) {
    let mut future = pin!(future);
    assert!(poll_once(future.as_mut()).is_pending());
}

#[track_caller]
fn check(run: impl FnOnce(), expected: &[&str]) {
    let recorded = record();
    let before = current_span();
    run();
    assert_eq!(current_span(), before);
    recorded.check(expected);
}

#[traced_span]
async fn outer(_parameter: Cleanup) {
    let _local = Cleanup;
    inner().await;
}

#[traced_span]
async fn inner() {
    let _local = Cleanup;
    pause().await;
}

#[test]
fn what_an_async_function_holds_is_dropped_within_its_span() {
    let tree = [
        "INTERNAL outer",
        "  INTERNAL inner",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
    ];
    check(|| poll_and_drop(outer(Cleanup)), &tree);
}

#[test]
fn what_a_part_holds_is_dropped_within_its_span() {
    #[traced_span]
    async fn parts() {
        let _local = Cleanup;
        #[traced_span("part")]
        {
            let _in_part = Cleanup;
            pause().await;
        }
    }
    let tree = [
        "INTERNAL parts",
        "  INTERNAL part",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
    ];
    check(|| poll_and_drop(parts()), &tree);
}

#[test]
fn what_is_handed_out_is_dropped_within_its_span() {
    #[traced_span]
    fn future() -> impl Future<Output = ()> {
        let local = Cleanup;
        wrapped(async move {
            let _local = local;
            pause().await;
        })
    }
    #[traced_span]
    fn boxed() -> Pin<Box<dyn Future<Output = ()>>> {
        let local = Cleanup;
        Box::pin(wrapped(async move {
            let _local = local;
            pause().await;
        }))
    }
    #[traced_span]
    fn counted() -> impl Stream<Item = u32> {
        let local = Cleanup;
        stream::iter(0..3).map_with(local)
    }
    /// So that the macro does not see the block.
    fn wrapped<F: Future>(future: F) -> F {
        future
    }
    check(
        || poll_and_drop(future()),
        &["INTERNAL future", "  INTERNAL leaf"],
    );
    // Its statements ran, so that there is a span without a poll.
    check(|| drop(future()), &["INTERNAL future", "  INTERNAL leaf"]);
    check(
        || poll_and_drop(boxed()),
        &["INTERNAL boxed", "  INTERNAL leaf"],
    );
    check(|| drop(counted()), &["INTERNAL counted", "  INTERNAL leaf"]);
}

/// Keeps something as long as a stream.
trait MapWith: Stream + Sized {
    fn map_with<T>(self, kept: T) -> impl Stream<Item = Self::Item>;
}

impl<S: Stream> MapWith for S {
    fn map_with<T>(self, kept: T) -> impl Stream<Item = S::Item> {
        use futures_util::StreamExt as _;
        self.map(move |item| {
            let _kept = &kept;
            item
        })
    }
}

#[test]
fn what_was_put_into_a_span_is_dropped_within_it() {
    let work = || async {
        let _local = Cleanup;
        pause().await;
    };
    check(
        || poll_and_drop(work().in_span("work")),
        &["INTERNAL work", "  INTERNAL leaf"],
    );
    // Without a poll there is no span.
    let cleanup = Cleanup;
    let unpolled = async move {
        let _local = cleanup;
    };
    check(|| drop(unpolled.in_span("work")), &["INTERNAL leaf"]);
}

#[test]
fn a_span_that_is_never_current_is_not_so_for_what_is_dropped() {
    #[traced_span(leaf)]
    async fn leafy() {
        let _local = Cleanup;
        pause().await;
    }
    #[traced_span]
    async fn around() {
        leafy().await;
    }
    let tree = ["INTERNAL around", "  INTERNAL leafy", "  INTERNAL leaf"];
    check(|| poll_and_drop(around()), &tree);
}

#[test]
fn what_is_dropped_while_the_context_is_looked_at_is_dropped() {
    let recorded = record();
    let mut future = Box::pin(inner_without_cleanup());
    assert!(poll_once(future.as_mut()).is_pending());
    Context::map_current(|_| drop(future));
    assert_eq!(recorded.only().attribute(CANCELLED), Some(&true.into()));
}

#[traced_span]
async fn inner_without_cleanup() {
    pause().await;
}

#[test]
fn what_a_hand_written_future_holds_is_dropped_within_its_span() {
    struct Holding {
        _cleanup: Cleanup,
    }

    impl Future for Holding {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut task::Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    #[traced_span]
    fn handed_out() -> impl Future<Output = ()> {
        holding()
    }
    fn holding() -> Holding {
        Holding { _cleanup: Cleanup }
    }
    check(
        || assert!(poll_once(pin!(handed_out())).is_ready()),
        &["INTERNAL handed_out", "  INTERNAL leaf"],
    );
    check(
        || assert!(poll_once(pin!(holding().in_span("work"))).is_ready()),
        &["INTERNAL work", "  INTERNAL leaf"],
    );
}

#[test]
fn a_panic_while_dropping_leaves_the_context_as_it_was() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("on purpose");
        }
    }
    #[traced_span]
    async fn holding() {
        let _local = Panics;
        pause().await;
    }
    let recorded = record();
    let before = current_span();
    let dropped = std::panic::catch_unwind(|| poll_and_drop(holding()));
    assert!(dropped.is_err());
    assert_eq!(current_span(), before);
    assert_eq!(recorded.only().attribute(CANCELLED), Some(&true.into()));
}
