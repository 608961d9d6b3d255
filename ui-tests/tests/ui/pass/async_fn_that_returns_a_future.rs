//! What an `async fn` returns may be a future or a task, to be awaited later; nobody says that it is forgotten.

#![deny(warnings)]

use std::future::{Future, Ready, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use otel_runtime::{span_attr, traced_span};

#[traced_span]
async fn later(number: u32) -> Ready<u32> {
    ready(()).await;
    ready(number)
}

#[traced_span]
async fn boxed(number: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    let first = ready(number).await;
    Box::pin(async move { first + 1 })
}

#[traced_span]
async fn some_future(number: u32) -> impl Future<Output = u32> {
    let first = ready(number).await;
    if first == 0 {
        return ready(7);
    }
    ready(first + 1)
}

#[traced_span]
async fn perhaps(number: u32) -> Result<Ready<u32>, String> {
    let first = ready(Ok::<_, String>(number)).await?;
    Ok(ready(first))
}

/// Like that of a task of Tokio's.
struct JoinHandle(Ready<u32>);

impl Future for JoinHandle {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        Pin::new(&mut self.0).poll(context)
    }
}

#[traced_span]
async fn started(number: u32) -> JoinHandle {
    JoinHandle(ready(ready(number).await))
}

#[traced_span]
async fn not_written_yet() -> JoinHandle {
    todo!("it comes later")
}

#[span_attr("is_later" = |_| true)]
async fn not_traced(number: u32) -> Ready<u32> {
    ready(()).await;
    ready(number)
}

fn main() {
    let mut both = pin!(async { started(1).await.await + boxed(2).await.await });
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(both.as_mut().poll(&mut context), Poll::Ready(4));
    drop((later(1), some_future(3), perhaps(4), not_written_yet(), not_traced(5)));
}
