//! Spans around parts of an async function that await.

use std::panic::catch_unwind;
use std::pin::{Pin, pin};
use std::sync::Mutex;
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

fn is_locked(lock: &Mutex<Vec<u32>>) -> bool {
    lock.try_lock().is_err()
}

/// Each with a lock that is a temporary of what is traced.
#[traced_span]
fn under_a_lock(lock: &Mutex<Vec<u32>>) -> Vec<bool> {
    let mut seen = Vec::new();
    match #[traced_span("match")]
    lock.lock().expect("no panic").len()
    {
        0 => {}
        _ => seen.push(is_locked(lock)),
    }
    for _ in #[traced_span("for")]
    lock.lock().expect("no panic").iter()
    {
        seen.push(is_locked(lock));
    }
    let (_, argument) = (
        #[traced_span("first")]
        lock.lock().expect("no panic").len(),
        is_locked(lock),
    );
    seen.push(argument);
    #[traced_span("statement")]
    lock.lock().expect("no panic").push(2);
    seen.push(is_locked(lock));
    seen
}

#[test]
fn a_lock_is_held_as_long_as_without_a_span() {
    let recorded = record();
    let lock = Mutex::new(vec![1]);
    assert_eq!(under_a_lock(&lock), [true, true, true, false]);
    recorded.check(&[
        "INTERNAL under_a_lock",
        "  INTERNAL match",
        "  INTERNAL for",
        "  INTERNAL first",
        "  INTERNAL statement",
    ]);
}

#[traced_span]
async fn lock_after_a_part(lock: &Mutex<Vec<u32>>) -> bool {
    match #[traced_span("awaiting")]
    (fetch(1).await, lock.lock().expect("no panic").len())
    {
        (_, 0) => is_locked(lock),
        _ => false,
    }
}

#[test]
fn a_lock_is_held_beyond_a_part_that_awaits() {
    let recorded = record();
    let lock = Mutex::new(Vec::new());
    assert!(block_on(lock_after_a_part(&lock)));
    recorded.check(&[
        "INTERNAL lock_after_a_part",
        "  INTERNAL awaiting",
        "    INTERNAL leaf",
    ]);
}

fn one() -> u32 {
    leaf();
    1
}

#[traced_span]
fn ranges() -> u32 {
    let bound = #[traced_span("bound")]
    one()..one() + 2;
    let mut sum = 0;
    for n in #[traced_span("inclusive")]
    one()..=one()
    {
        sum += n;
    }
    sum + bound.sum::<u32>()
}

#[test]
fn a_range_is_traced_as_a_whole() {
    let recorded = record();
    assert_eq!(ranges(), 4);
    recorded.check(&[
        "INTERNAL ranges",
        "  INTERNAL bound",
        "    INTERNAL leaf",
        "    INTERNAL leaf",
        "  INTERNAL inclusive",
        "    INTERNAL leaf",
        "    INTERNAL leaf",
    ]);
}

struct Around(u32);

fn found_around() -> Option<u32> {
    let context = opentelemetry::Context::current();
    context.get::<Around>().map(|around| around.0)
}

/// Attaches contexts around parts: of one that is ready at once, and of one with another inside.
#[traced_span]
async fn with_contexts() -> Vec<Option<u32>> {
    let mut found = vec![found_around()];
    let around = |n| opentelemetry::Context::current_with_value(Around(n));
    {
        let _attached = around(1).attach();
        #[traced_span("macro")]
        let sum = sum!(found_around().unwrap_or(0), 1);
        found.push(Some(sum));
        found.push(found_around());
        #[traced_span("outer")]
        {
            found.push(found_around());
            let _attached = around(2).attach();
            #[traced_span("inner")]
            {
                found.push(found_around());
                std::future::ready(()).await;
                leaf();
            }
            found.push(found_around());
        }
        found.push(found_around());
        leaf();
    }
    found.push(found_around());
    #[traced_span("pausing")]
    {
        pause().await;
        let _attached = around(3).attach();
        #[traced_span("inside")]
        {
            std::future::ready(()).await;
        }
        found.push(found_around());
    }
    found.push(found_around());
    leaf();
    found
}

/// A part that pauses, and hands out what it has attached.
#[traced_span]
async fn attached_by_a_part() -> Vec<Option<u32>> {
    let attached = #[traced_span("attaching")]
    {
        pause().await;
        opentelemetry::Context::current_with_value(Around(1)).attach()
    };
    let mut found = vec![found_around()];
    drop(attached);
    found.push(found_around());
    leaf();
    found
}

#[test]
fn a_context_that_a_part_attaches_stays_after_it() {
    let recorded = record();
    assert_eq!(block_on(attached_by_a_part()), [Some(1), None]);
    recorded.check(&[
        "INTERNAL attached_by_a_part",
        "  INTERNAL attaching",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn a_context_that_is_attached_around_a_part_is_current_after_it() {
    let recorded = record();
    let expected = [
        None,
        Some(2),
        Some(1),
        Some(1),
        Some(2),
        Some(2),
        Some(1),
        None,
        Some(3),
        None,
    ];
    assert_eq!(block_on(with_contexts()), expected);
    recorded.check(&[
        "INTERNAL with_contexts",
        "  INTERNAL macro",
        "  INTERNAL outer",
        "    INTERNAL inner",
        "      INTERNAL leaf",
        "  INTERNAL leaf",
        "  INTERNAL pausing",
        "    INTERNAL inside",
        "  INTERNAL leaf",
    ]);
}

/// Hides an expression, as macros do.
macro_rules! sum {
    ($left:expr, $right:expr) => {
        $left + $right
    };
}
use sum;

#[traced_span]
fn one_block<'a>(numbers: &'a [u32]) -> Pin<Box<dyn Future<Output = u32> + Send + 'a>> {
    Box::pin(async move {
        #[traced_span("first")]
        let first = fetch(numbers[0]).await.unwrap_or_default();
        let both = #[traced_span("both")]
        {
            let (one, other) = futures_util::join!(fetch(1), fetch(2));
            one.unwrap_or_default() + other.unwrap_or_default()
        };
        leaf();
        first + both
    })
}

#[test]
fn parts_of_a_block_that_is_handed_out_have_spans() {
    let recorded = record();
    assert_eq!(block_on(one_block(&[4])), 7);
    recorded.check(&[
        "INTERNAL one_block",
        "  INTERNAL first",
        "    INTERNAL leaf",
        "  INTERNAL both",
        "    INTERNAL leaf",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}
