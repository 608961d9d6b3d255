#![deny(warnings)]

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

struct Room(u32);

#[traced_span]
impl Room {
    async fn by_value(self) -> u32 {
        ::core::future::ready(()).await;
        self.0
    }

    async fn changed(mut self, by: u32) -> Result<Self, String> {
        self.0 += by;
        std::future::ready(()).await;
        Ok(self)
    }

    async fn by_reference(&self, other: &u32) -> Option<&u32> {
        ::core::future::ready(()).await;
        if self.0 > *other { Some(&self.0) } else { None }
    }

    async fn by_unique_reference(&mut self) -> Result<&mut u32, String> {
        ::core::future::ready(()).await;
        self.0 += 1;
        Ok(&mut self.0)
    }

    #[span_attr("room" = self.0)]
    async fn arc(self: Arc<Self>) -> usize {
        ::core::future::ready(()).await;
        Arc::strong_count(&self)
    }

    async fn rc(self: Rc<Self>) -> usize {
        std::future::ready(()).await;
        Rc::strong_count(&self)
    }

    async fn boxed(self: Box<Self>) -> Option<u32> {
        ::core::future::ready(()).await;
        Some(self.0)
    }

    async fn pinned(mut self: Pin<&mut Self>) -> u32 {
        ::core::future::ready(()).await;
        self.0 += 1;
        self.0
    }
}

fn main() {
    assert_eq!(Room(1).by_value().now_or_never(), Some(1));
    assert_eq!(Room(1).changed(2).now_or_never().unwrap().unwrap().0, 3);
    assert_eq!(Room(1).by_reference(&0).now_or_never(), Some(Some(&1)));
    assert_eq!(
        Room(1).by_unique_reference().now_or_never(),
        Some(Ok(&mut 2))
    );
    assert_eq!(Arc::new(Room(1)).arc().now_or_never(), Some(1));
    assert_eq!(Rc::new(Room(1)).rc().now_or_never(), Some(1));
    assert_eq!(Box::new(Room(1)).boxed().now_or_never(), Some(Some(1)));
    assert_eq!(Pin::new(&mut Room(1)).pinned().now_or_never(), Some(2));
}
