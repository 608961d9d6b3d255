//! Functions that hand out a future or a stream, and futures and streams that others made.

use std::future::Future;
use std::panic::catch_unwind;
use std::pin::{Pin, pin};

use otel_runtime::{CANCELLED, span_attr, traced_span};

use super::{block_on, fetch, leaf, panics_later, pause, poll_once, record};

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

/// An alias of one's own, called like that of the crate `futures`.
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

#[traced_span(err = |error| format!("{text}: {error}"))]
fn aliased(text: &str) -> BoxFuture<'_, usize> {
    let length = text.len();
    Box::pin(async move { length.checked_sub(1).ok_or_else(|| "too short".to_owned()) })
}

#[traced_span]
fn aliased_block(text: &str) -> BoxFuture<'_, usize> {
    Box::pin(async move {
        let length = aliased(text).await?;
        Ok(length * 2)
    })
}

#[test]
fn an_alias_may_say_what_an_error_is() {
    let recorded = record();
    assert_eq!(block_on(aliased_block("two")), Ok(4));
    assert!(block_on(aliased_block("")).is_err());
    recorded.check(&[
        "INTERNAL aliased_block",
        "  INTERNAL aliased",
        "INTERNAL aliased_block ERROR: too short",
        "  INTERNAL aliased ERROR: : too short",
    ]);
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
    recorded.spans().clear();
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
    recorded.spans().clear();
    let mut dropped = Box::pin(count(2));
    assert_eq!(block_on(dropped.next()), Some(0));
    drop(dropped);
    recorded.check_attributes(&["INTERNAL counting", "  INTERNAL leaf"]);
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
    let dropped = recorded.spans().finished().pop().expect("a span");
    assert_eq!(dropped.attribute(CANCELLED), Some(&true.into()));
    recorded.spans().clear();
    let mut panicking = Box::pin(panics_later().in_span("around a panic"));
    let polls = || (0..2).for_each(|_| drop(poll_once(panicking.as_mut())));
    assert!(catch_unwind(std::panic::AssertUnwindSafe(polls)).is_err());
    recorded.check(&[
        "INTERNAL around a panic ERROR",
        "  INTERNAL panics_later ERROR",
    ]);
}

#[test]
fn a_stream_ends_with_what_ends_it() {
    use futures_util::StreamExt as _;
    use futures_util::stream::{self, Stream};

    #[traced_span]
    fn counts(to: u32) -> impl Stream<Item = Result<u32, String>> {
        stream::iter(0..to).map(|number| match number {
            2 => panic!("on purpose"),
            1 => Err("an item".to_owned()),
            _ => Ok(number),
        })
    }
    #[traced_span]
    fn boxed_counts(to: u32) -> Pin<Box<dyn Stream<Item = Result<u32, String>>>> {
        Box::pin(stream::iter((0..to).map(Ok)))
    }
    let recorded = record();
    // Its end.
    assert_eq!(block_on(counts(2).collect::<Vec<_>>()).len(), 2);
    recorded.check_attributes(&["INTERNAL counts"]);
    recorded.spans().clear();
    // A panic, at once: the stream itself lives on.
    let mut panicking = Box::pin(counts(3));
    let poll = catch_unwind(std::panic::AssertUnwindSafe(|| {
        block_on(panicking.by_ref().collect::<Vec<_>>())
    }));
    assert!(poll.is_err());
    recorded.check(&["INTERNAL counts ERROR"]);
    recorded.spans().clear();
    // Dropped before it was polled, and kept after its end.
    drop(boxed_counts(1));
    let mut kept = boxed_counts(1);
    assert_eq!(block_on(kept.by_ref().collect::<Vec<_>>()), [Ok(0)]);
    recorded.check_attributes(&["INTERNAL boxed_counts", "INTERNAL boxed_counts"]);
}

async fn twice(work: impl Future<Output = ()>) -> Option<()> {
    leaf();
    work.await;
    leaf();
    Some(())
}

#[traced_span]
fn given_to_a_call() -> impl Future<Output = Option<()>> {
    twice(async move {
        pause().await;
        leaf();
    })
}

#[test]
fn what_a_call_does_with_a_block_is_within_the_span() {
    let recorded = record();
    assert_eq!(block_on(given_to_a_call()), Some(()));
    recorded.check(&[
        "INTERNAL given_to_a_call",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}
