//! Spans around parts of an async function that await.

use std::panic::catch_unwind;
use std::pin::pin;
use std::task::Poll;

use otel_runtime::{CANCELLED, traced_span};

use super::{block_on, current_span, fetch, leaf, pause, poll_once, record};

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
    recorded.spans().clear();
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
        .spans()
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
