use std::future::{Future, ready};
use std::pin::Pin;
use std::rc::Rc;

use otel_runtime::traced_span;

#[traced_span]
fn not_send(n: Rc<u32>) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    Box::pin(async move {
        ready(()).await;
        *n
    })
}

#[traced_span]
fn not_static(text: &str) -> Pin<Box<dyn Future<Output = usize>>> {
    Box::pin(async move { text.len() })
}

#[traced_span]
fn not_send_after_statements(n: Rc<u32>) -> Pin<Box<dyn Future<Output = u32> + Send>> {
    let n = Rc::clone(&n);
    Box::pin(async move {
        ready(()).await;
        *n
    })
}

fn main() {}
