#![deny(warnings)]

use futures_util::FutureExt as _;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use otel_runtime::traced_span;

#[traced_span("a", kind = internal)]
fn internal() {}

#[traced_span(kind = r#server, "b")]
fn name_after_the_kind() {}

#[traced_span("c", kind = consumer, root, links = None::<SpanContext>, scope = "rooms", leaf, crate = ::otel_runtime,)]
fn all_without_a_result() {}

#[traced_span(
    name = concat!("d", ".e"),
    kind = producer,
    parent = Context::current(),
    links = links.iter().rev(),
    err = |error: &String| error.clone(),
    err_if = |error: &String| !error.is_empty(),
)]
async fn all_with_a_result(links: Vec<SpanContext>) -> Result<usize, String> {
    ::core::future::ready(()).await;
    Ok(links.len())
}

#[traced_span(parent = parent)]
fn by_reference(parent: &Context) -> bool {
    parent.span().span_context().is_valid()
}

#[traced_span(parent = parent, err = display)]
fn by_span_context(parent: SpanContext) -> Result<SpanContext, String> {
    Ok(parent)
}

#[traced_span(parent = self.0, links = [&self.0; 2], err = debug)]
impl Caller {
    fn call(&self) -> Result<bool, ()> {
        Ok(self.0.is_valid())
    }
}

struct Caller(SpanContext);

#[traced_span(err = |()| String::new(), err_if = |()| false)]
fn ignored() -> Result<(), ()> {
    Err(())
}

fn main() {
    internal();
    name_after_the_kind();
    all_without_a_result();
    assert_eq!(
        all_with_a_result(vec![SpanContext::NONE]).now_or_never(),
        Some(Ok(1))
    );
    assert!(!by_reference(&Context::new()));
    assert_eq!(by_span_context(SpanContext::NONE), Ok(SpanContext::NONE));
    assert_eq!(Caller(SpanContext::NONE).call(), Ok(false));
    assert_eq!(ignored(), Err(()));
}
