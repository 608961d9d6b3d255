#![deny(warnings)]

use async_trait::async_trait;
use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

// The attribute works on either side of `#[async_trait]`.
#[traced_span]
#[async_trait]
trait Above {
    async fn find(&self, id: u32) -> Option<u32>;

    async fn twice(&self, id: u32) -> Option<u32> {
        Some(self.find(id).await? * 2)
    }
}

#[async_trait]
#[traced_span]
trait Below {
    async fn count(&self) -> usize;

    #[span_attr("n" = |n| *n)]
    async fn more(&self) -> usize {
        self.count().await + 1
    }
}

struct Rooms(Vec<u32>);

#[traced_span(kind = client)]
#[async_trait]
impl Above for Rooms {
    async fn find(&self, id: u32) -> Option<u32> {
        self.0.iter().copied().find(|it| *it == id)
    }
}

#[async_trait]
#[traced_span(kind = client)]
impl Below for Rooms {
    async fn count(&self) -> usize {
        self.0.len()
    }
}

fn needs_send<T: Send>(value: T) -> T {
    value
}

fn main() {
    let rooms = Rooms(vec![1]);
    assert_eq!(needs_send(rooms.twice(1)).now_or_never(), Some(Some(2)));
    assert_eq!(needs_send(rooms.find(2)).now_or_never(), Some(None));
    assert_eq!(needs_send(rooms.more()).now_or_never(), Some(2));
}
