//! Futures that are polled side by side: siblings stay siblings.

use std::pin::pin;
use std::task::Poll;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use otel_runtime::{CANCELLED, traced_span};

use super::{block_on, leaf, pause, poll_once, record};

#[traced_span(name = name)]
async fn child(name: &'static str, pauses: u32) -> u32 {
    for _ in 0..pauses {
        pause().await;
        leaf();
    }
    pauses
}

#[traced_span]
async fn joins() -> u32 {
    let (a, b, c) = tokio::join!(child("a", 1), child("b", 2), child("c", 0));
    leaf();
    a + b + c
}

#[test]
fn joined_futures_are_siblings() {
    let recorded = record();
    assert_eq!(block_on(joins()), 3);
    recorded.check(&[
        "INTERNAL joins",
        "  INTERNAL a",
        "    INTERNAL leaf",
        "  INTERNAL b",
        "    INTERNAL leaf",
        "    INTERNAL leaf",
        "  INTERNAL c",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn a_selected_future_and_the_one_it_beats_are_siblings() {
    #[traced_span]
    async fn selects() -> u32 {
        let first = tokio::select! {
            biased;
            slow = child("slow", 9) => slow,
            fast = child("fast", 1) => fast,
        };
        leaf();
        first
    }
    let recorded = record();
    assert_eq!(block_on(selects()), 1);
    recorded.check_attributes(&[
        "INTERNAL selects",
        "  INTERNAL slow",
        &format!("      · {CANCELLED} = true"),
        "    INTERNAL leaf",
        "  INTERNAL fast",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn futures_in_any_order_are_siblings() {
    #[traced_span]
    async fn collects() -> Vec<u32> {
        let children = [child("a", 2), child("b", 1)];
        let futures: FuturesUnordered<_> = children.into_iter().collect();
        let done = futures.collect().await;
        leaf();
        done
    }
    let recorded = record();
    assert_eq!(block_on(collects()), [1, 2]);
    recorded.check(&[
        "INTERNAL collects",
        "  INTERNAL a",
        "    INTERNAL leaf",
        "    INTERNAL leaf",
        "  INTERNAL b",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn siblings_within_a_part_belong_to_the_part() {
    #[traced_span]
    async fn joins_in_a_part() {
        #[traced_span("part")]
        {
            let both = futures_util::future::join(child("a", 1), child("b", 1));
            both.await;
        }
        leaf();
    }
    let recorded = record();
    block_on(joins_in_a_part());
    recorded.check(&[
        "INTERNAL joins_in_a_part",
        "  INTERNAL part",
        "    INTERNAL a",
        "      INTERNAL leaf",
        "    INTERNAL b",
        "      INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn functions_with_parts_are_siblings_too() {
    #[traced_span(name = name)]
    async fn with_part(name: &'static str) {
        #[traced_span("part")]
        {
            pause().await;
            leaf();
        }
        leaf();
    }
    #[traced_span]
    async fn joins_parts() {
        tokio::join!(with_part("a"), with_part("b"));
        leaf();
    }
    let recorded = record();
    block_on(joins_parts());
    let with_part = [
        "    INTERNAL part",
        "      INTERNAL leaf",
        "    INTERNAL leaf",
    ];
    recorded.check(
        &[
            &["INTERNAL joins_parts", "  INTERNAL a"],
            &with_part[..],
            &["  INTERNAL b"],
            &with_part[..],
            &["  INTERNAL leaf"],
        ]
        .concat(),
    );
}

#[test]
fn async_blocks_are_siblings_too() {
    #[traced_span]
    async fn joins_blocks() {
        let a = #[traced_span("a")]
        async {
            pause().await;
            leaf();
        };
        let b = #[traced_span("b")]
        async {
            leaf();
            pause().await;
        };
        tokio::join!(a, b);
    }
    let recorded = record();
    block_on(joins_blocks());
    recorded.check(&[
        "INTERNAL joins_blocks",
        "  INTERNAL a",
        "    INTERNAL leaf",
        "  INTERNAL b",
        "    INTERNAL leaf",
    ]);
}

#[test]
fn futures_of_different_parents_keep_theirs() {
    let recorded = record();
    let (mut first, mut second) = (pin!(joins()), pin!(joins()));
    for _ in 0..2 {
        assert!(poll_once(first.as_mut()).is_pending());
        assert!(poll_once(second.as_mut()).is_pending());
    }
    assert_eq!(poll_once(first), Poll::Ready(3));
    assert_eq!(poll_once(second), Poll::Ready(3));
    let tree = [
        "INTERNAL joins",
        "  INTERNAL a",
        "    INTERNAL leaf",
        "  INTERNAL b",
        "    INTERNAL leaf",
        "    INTERNAL leaf",
        "  INTERNAL c",
        "  INTERNAL leaf",
    ];
    recorded.check(&[tree, tree].concat());
}
