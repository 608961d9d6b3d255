#![deny(warnings)]

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, Stream};
use otel_runtime::{span_attr, span_event, traced_span};

fn needs_send<T: Send>(_: T) {}

#[traced_span]
fn opaque(n: u32) -> impl Future<Output = Result<u32, String>> + Send {
    let doubled = n * 2;
    async move { Ok(doubled) }
}

#[traced_span]
#[expect(clippy::manual_async_fn, reason = "the two are to mean the same")]
fn only_a_block(text: &str) -> impl Future<Output = Result<&str, String>> + Send {
    async move {
        if text.is_empty() {
            return Err("empty".to_owned());
        }
        Ok(text)
    }
}

#[traced_span(err = debug)]
#[span_attr("length" = text.len(), "first" = |ok| ok.len())]
fn boxed<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Result<&'a str, String>> + Send + 'a>> {
    if text.is_empty() {
        return Box::pin(async { Err("empty".to_owned()) });
    }
    Box::pin(async move { Ok(text) })
}

#[traced_span]
fn alias(text: String) -> BoxFuture<'static, usize> {
    let length = text.len();
    Box::pin(async move { length })
}

#[traced_span]
fn not_send(cell: std::rc::Rc<u32>) -> impl Future<Output = u32> {
    std::future::ready(*cell)
}

#[traced_span]
fn streamed(to: u32) -> impl Stream<Item = u32> + Send {
    stream::iter(0..to)
}

#[traced_span]
fn boxed_stream(numbers: &[u32]) -> BoxStream<'_, &u32> {
    Box::pin(stream::iter(numbers))
}

#[async_trait]
trait Rooms {
    async fn find(&self, id: u32) -> Result<String, std::num::ParseIntError>;

    #[traced_span("rooms.count")]
    async fn count(&self, #[span_attr] floor: u32) -> usize {
        floor as usize
    }
}

struct Hotel {
    name: String,
}

#[async_trait]
impl Rooms for Hotel {
    #[traced_span("rooms.find", kind = client)]
    #[span_attr("hotel" = self.name, "id" = id)]
    #[span_event("asked")]
    async fn find(&self, id: u32) -> Result<String, std::num::ParseIntError> {
        let parsed: u32 = self.name.parse()?;
        std::future::ready(()).await;
        Ok(format!("{parsed}{id}"))
    }
}

trait Plain {
    fn later(&self) -> impl Future<Output = u32> + Send;
    async fn native(&self) -> u32;
}

impl Plain for Hotel {
    #[traced_span]
    fn later(&self) -> impl Future<Output = u32> + Send {
        let length = self.name.len();
        async move { u32::try_from(length).unwrap_or(0) }
    }

    #[traced_span]
    async fn native(&self) -> u32 {
        1
    }
}

fn main() {
    let hotel = Hotel { name: "1".to_owned() };
    needs_send(opaque(1));
    needs_send(only_a_block("a"));
    needs_send(boxed("a"));
    needs_send(alias(String::new()));
    drop(not_send(std::rc::Rc::new(1)));
    needs_send(streamed(1));
    needs_send(boxed_stream(&[1]));
    needs_send(hotel.find(1));
    needs_send(hotel.count(1));
    needs_send(hotel.later());
    drop(hotel.native());
}
