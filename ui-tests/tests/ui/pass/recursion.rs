#![deny(warnings)]

use std::pin::Pin;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, LocalBoxFuture};
use otel_runtime::{span_attr, traced_span};

struct Tree {
    value: u32,
    branches: Vec<Tree>,
}

impl Tree {
    #[traced_span]
    #[span_attr("value" = self.value)]
    fn sum(&self) -> u32 {
        self.value + self.branches.iter().map(Tree::sum).sum::<u32>()
    }

    #[traced_span]
    fn boxed(&self) -> BoxFuture<'_, Result<u32, String>> {
        Box::pin(async move {
            let mut sum = self.value;
            for branch in &self.branches {
                sum += branch.boxed().await?;
            }
            Ok(sum)
        })
    }

    #[traced_span]
    async fn later(&mut self, by: u32) -> u32 {
        self.value += by;
        let mut sum = self.value;
        for branch in &mut self.branches {
            sum += Box::pin(branch.later(by)).await;
        }
        sum
    }
}

#[traced_span]
fn even(n: u32) -> LocalBoxFuture<'static, bool> {
    if n == 0 {
        return Box::pin(std::future::ready(true));
    }
    odd(n - 1)
}

#[traced_span]
fn odd(n: u32) -> Pin<Box<dyn Future<Output = bool>>> {
    Box::pin(async move { n != 0 && even(n - 1).await })
}

#[traced_span]
fn generic<F: FnMut(u32)>(n: u32, visit: &mut F) {
    visit(n);
    if n > 0 {
        generic(n - 1, visit);
    }
}

fn main() {
    let mut tree = Tree { value: 1, branches: vec![Tree { value: 2, branches: Vec::new() }] };
    assert_eq!(tree.sum(), 3);
    assert_eq!(tree.boxed().now_or_never(), Some(Ok(3)));
    assert_eq!(tree.later(1).now_or_never(), Some(5));
    assert_eq!((even(4).now_or_never(), even(3).now_or_never()), (Some(true), Some(false)));
    let mut sum = 0;
    generic(3, &mut |n| sum += n);
    assert_eq!(sum, 6);
}
