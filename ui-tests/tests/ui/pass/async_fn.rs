#![deny(warnings)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use otel_runtime::traced_span;

#[traced_span]
async fn nothing() {
    ::core::future::ready(()).await;
}

#[traced_span("room.find", kind = client)]
async fn find(rooms: &[u32], room: u32) -> Result<&u32, String> {
    std::future::ready(()).await;
    rooms
        .iter()
        .find(|it| **it == room)
        .ok_or_else(|| format!("no room {room}"))
}

#[traced_span]
async fn first(rooms: Vec<String>) -> Option<String> {
    nothing().await;
    rooms.into_iter().next()
}

#[traced_span]
async fn forever() -> ! {
    loop {
        std::future::pending::<()>().await;
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("not ready"),
    }
}

fn main() {
    run(nothing());
    assert_eq!(run(find(&[1, 2], 2)), Ok(&2));
    assert_eq!(run(first(vec!["a".to_owned()])).as_deref(), Some("a"));
    drop(forever());
}
