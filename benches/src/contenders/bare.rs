//! Functions without spans.

use super::{Functions, Pending, block_on};

#[inline(never)]
fn plain(number: u64) -> u64 {
    number.wrapping_mul(3)
}

#[inline(never)]
fn attributes(number: u64, room: &str, price: f64, is_new: bool) -> u64 {
    std::hint::black_box((room, price, is_new));
    number.wrapping_mul(3)
}

fn tree(number: u64) -> u64 {
    (0..10).map(|_| chain(number, 10)).sum()
}

#[inline(never)]
fn chain(number: u64, depth: u32) -> u64 {
    if depth == 1 {
        number
    } else {
        std::hint::black_box(chain(number, depth - 1))
    }
}

async fn task(number: u64) -> u64 {
    Pending(3).await;
    number
}

pub(super) fn functions() -> Functions {
    Functions {
        plain,
        attributes,
        leaf: plain,
        leaf_attributes: attributes,
        tree,
        task: |number| block_on(task(number)),
        under: |_, work| work(),
        flush: Box::new(|| None),
    }
}
