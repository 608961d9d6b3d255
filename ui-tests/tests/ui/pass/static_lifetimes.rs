#![deny(warnings)]

use std::any::Any;
use std::sync::{LazyLock, OnceLock};

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

static ROOMS: LazyLock<Vec<String>> = LazyLock::new(rooms);
static NAME: OnceLock<&'static str> = OnceLock::new();
static GREETING: fn(&'static str) -> &'static str = greeting;

#[traced_span]
fn rooms() -> Vec<String> {
    vec!["a".to_owned()]
}

#[traced_span]
fn greeting(default: &'static str) -> &'static str {
    NAME.get_or_init(|| default)
}

#[traced_span]
#[span_attr("first" = |first| *first)]
fn first() -> Result<&'static str, Box<dyn Any + Send + 'static>> {
    match ROOMS.first() {
        Some(first) => Ok(first),
        None => Err(Box::new("none")),
    }
}

#[traced_span]
async fn later<T: 'static + Send>(value: T) -> Box<dyn Any + Send> {
    ::core::future::ready(()).await;
    Box::new(value)
}

fn main() {
    assert_eq!(GREETING("hello"), "hello");
    assert_eq!(greeting("again"), "hello");
    assert_eq!(first().unwrap(), "a");
    assert!(later(1_u8).now_or_never().unwrap().is::<u8>());
}
