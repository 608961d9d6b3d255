#![deny(warnings)]

use std::panic::catch_unwind;

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

#[traced_span]
fn panics() -> Result<u32, String> {
    panic!("one {}", 1)
}

#[traced_span]
fn to_do(_room: &str) -> impl Iterator<Item = u32> {
    if true {
        todo!("two");
    }
    std::iter::empty()
}

#[traced_span]
fn not_implemented<T>() -> Option<T> {
    unimplemented!("three")
}

#[traced_span]
fn unreachable() {
    unreachable!("four")
}

#[traced_span]
fn never() -> ! {
    panic!("five")
}

#[traced_span]
async fn later() -> Box<dyn std::error::Error> {
    todo!("six")
}

#[traced_span]
async fn never_later() -> ! {
    std::future::ready(()).await;
    unreachable!("seven")
}

fn message<T>(run: impl FnOnce() -> T + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(run).err().expect("it panics");
    panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap()
}

fn main() {
    assert_eq!(message(panics), "one 1");
    assert!(message(|| to_do("")).contains("two"));
    assert!(message(not_implemented::<u32>).contains("three"));
    assert!(message(unreachable).contains("four"));
    assert_eq!(message(|| never()), "five");
    assert!(message(|| later().now_or_never()).contains("six"));
    assert!(message(|| never_later().now_or_never()).contains("seven"));
}
