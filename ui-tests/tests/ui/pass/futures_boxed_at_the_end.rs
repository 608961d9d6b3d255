//! What a function puts into a box at its end keeps its type, also after statements.

#![deny(warnings)]

use std::error::Error;
use std::fmt::Debug;
use std::future::{Ready, ready};
use std::pin::Pin;

use futures_util::future::{BoxFuture, FutureExt as _, LocalBoxFuture};
use futures_util::stream::{self, BoxStream, StreamExt as _};
use otel_runtime::{span_attr, traced_span};

/// That the output lives as long as the future is said nowhere.
trait Boxing: Future {
    #[traced_span]
    fn boxed_here<'a, T>(self) -> BoxFuture<'a, T>
    where
        Self: Future<Output = T> + Sized + Send + 'a,
    {
        Box::pin(self)
    }
}

impl<F: Future> Boxing for F {}

#[traced_span]
#[span_attr("length" = |length| *length)]
fn after_statements(text: &str) -> BoxFuture<'_, Result<usize, Box<dyn Error + Send + Sync>>> {
    let trimmed = text.trim();
    let length: usize = trimmed.len();
    Box::pin(async move {
        if length == 0 {
            return Err("nothing".into());
        }
        let n: usize = trimmed.parse()?;
        Ok(n.min(length))
    })
}

/// What is returned early has to have the same type, so it is boxed twice.
#[traced_span]
fn by_return(n: u32) -> Pin<Box<dyn Future<Output = Result<u32, String>>>> {
    if n == 0 {
        return Box::pin(ready(Err("none".to_owned())));
    }
    Box::pin(async move { Ok(n) })
}

/// The types come from the output.
#[traced_span]
fn inferred(n: u32) -> LocalBoxFuture<'static, Result<Vec<Box<dyn Debug>>, String>> {
    let start = n;
    Box::pin(async move {
        let all = (start..3).map(|n| Box::new(n) as Box<dyn Debug>).collect();
        Ok(all)
    })
}

#[traced_span]
fn of_a_block(n: u32) -> BoxFuture<'static, u32> {
    Box::pin({
        let n = n + 1;
        ready(n)
    })
}

#[traced_span]
fn of_a_match(n: u32) -> BoxFuture<'static, u32> {
    drop(format!("{n}"));
    Box::pin(match n {
        0 => ready(1),
        n => ready(n),
    })
}

#[traced_span]
fn numbers(n: u32) -> BoxStream<'static, u32> {
    let numbers = 0..n;
    Box::pin(stream::iter(numbers))
}

#[traced_span]
fn of_a_named_type(n: u32) -> BoxFuture<'static, u32> {
    Box::<Ready<u32>>::pin(ready(n))
}

#[traced_span]
fn by_another_path(n: u32) -> BoxFuture<'static, u32> {
    use std::boxed as boxes;
    let n = n + 1;
    boxes::Box::pin(async move { n })
}

macro_rules! of_fragments {
    ($name:ident, $block:block) => {
        #[traced_span]
        fn $name() -> BoxFuture<'static, Option<u32>> {
            let some = Some($block);
            Box::pin(async move { some })
        }
    };
}

of_fragments!(of_fragments, { 1 });

struct Service(u32);

impl Service {
    #[traced_span]
    fn call(&mut self, n: u32) -> Pin<Box<dyn Future<Output = Result<u32, std::num::TryFromIntError>> + Send>> {
        self.0 += n;
        let sum = i64::from(self.0);
        Box::pin(async move { u32::try_from(sum) })
    }

    #[traced_span]
    fn recursive(n: u32) -> BoxFuture<'static, u32> {
        let less = n.saturating_sub(1);
        Box::pin(async move { if n == 0 { 0 } else { 1 + Self::recursive(less).await } })
    }
}

fn main() {
    let one: Ready<u32> = ready(1);
    assert_eq!(one.boxed_here().now_or_never(), Some(1));
    assert_eq!(after_statements("17").now_or_never().unwrap().unwrap(), 2);
    assert!(after_statements(" ").now_or_never().unwrap().is_err());
    assert!(after_statements("x").now_or_never().unwrap().is_err());
    assert_eq!(by_return(1).now_or_never(), Some(Ok(1)));
    assert!(by_return(0).now_or_never().unwrap().is_err());
    assert_eq!(inferred(1).now_or_never().unwrap().unwrap().len(), 2);
    assert_eq!(of_a_block(1).now_or_never(), Some(2));
    assert_eq!(of_a_match(0).now_or_never(), Some(1));
    assert_eq!(of_a_named_type(1).now_or_never(), Some(1));
    assert_eq!(by_another_path(1).now_or_never(), Some(2));
    assert_eq!(of_fragments().now_or_never(), Some(Some(1)));
    assert_eq!(numbers(3).collect::<Vec<_>>().now_or_never(), Some(vec![0, 1, 2]));
    assert_eq!(Service(1).call(2).now_or_never(), Some(Ok(3)));
    assert_eq!(Service::recursive(3).now_or_never(), Some(3));
}
