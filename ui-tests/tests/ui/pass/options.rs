#![deny(warnings)]

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use otel_runtime::{span_attr, traced_span};

struct Message {
    context: SpanContext,
}

#[traced_span("message.process", kind = consumer, parent = message.context)]
fn process(message: Message) -> Result<Message, String> {
    Ok(message)
}

#[traced_span(parent = &context, links = messages.iter().map(|message| &message.context))]
async fn batch(context: Context, messages: Vec<Message>) -> usize {
    ::core::future::ready(()).await;
    drop(context);
    messages.len()
}

#[traced_span(root, links = [first.context.clone(), second.context.clone()])]
fn both(first: &Message, second: &Message) -> bool {
    first.context == second.context
}

#[traced_span("hash", leaf, scope = "my.library")]
#[span_attr("length" = text.len(), "hash" = |hash| *hash)]
fn hash(text: &str) -> usize {
    text.len()
}

fn matters(error: &std::io::Error) -> bool {
    error.kind() != std::io::ErrorKind::NotFound
}

#[traced_span(err_if = matters)]
fn open() -> std::io::Result<()> {
    Ok(())
}

#[traced_span(err = debug, err_if = |error| *error > limit)]
async fn limited(limit: u32) -> Result<(), u32> {
    ::core::future::ready(()).await;
    Err(limit)
}

fn main() {
    let message = || Message {
        context: Context::current().span().span_context().clone(),
    };
    assert!(process(message()).is_ok());
    assert!(both(&message(), &message()));
    assert_eq!(hash("ab"), 2);
    assert!(open().is_ok());
    drop(batch(Context::new(), vec![message()]));
    drop(limited(1));
}
