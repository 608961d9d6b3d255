//! A body that is a call with an `async` block: what comes of it is the call's affair.

use std::future::Future;
use std::pin::Pin;

use otel_runtime::traced_span;

type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;
type Tagged<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

async fn limited<F: Future>(work: F) -> Option<F::Output> {
    Some(work.await)
}

#[traced_span]
fn started(n: u32) -> impl Future<Output = Option<u32>> {
    limited(async move { n + 1 })
}

#[traced_span]
fn loaded(n: u32) -> BoxFuture<u32> {
    Box::pin(async move { Ok(n) })
}

mod named {
    use super::Tagged as BoxFuture;
    use otel_runtime::traced_span;

    #[traced_span]
    pub fn tagged(text: &str) -> BoxFuture<'_, usize, String> {
        Box::pin(async move { Ok(text.len()) })
    }
}

fn main() {
    drop((started(1), loaded(2), named::tagged("three")));
}
