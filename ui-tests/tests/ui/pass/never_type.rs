#![deny(warnings)]

use std::convert::Infallible;

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

enum Void {}

#[traced_span]
fn exit() -> ! {
    std::process::exit(0)
}

#[traced_span]
fn forever(mut step: impl FnMut()) -> ! {
    loop {
        step();
    }
}

#[traced_span]
fn infallible(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[traced_span]
fn only_errors(n: u32) -> Result<Void, u32> {
    Err(n)
}

#[traced_span]
fn takes_none(void: Void) -> Option<u32> {
    match void {}
}

#[traced_span]
async fn serve(left: &mut u32) -> Result<Infallible, std::io::Error> {
    ::core::future::ready(()).await;
    loop {
        *left = left.checked_sub(1).ok_or(std::io::ErrorKind::TimedOut)?;
    }
}

fn main() {
    let pointer: fn() -> ! = exit;
    let panic =
        std::panic::catch_unwind(|| forever(|| std::panic::resume_unwind(Box::new("stop"))));
    assert!(panic.is_err());
    assert_eq!(infallible(1), Ok(1));
    assert!(only_errors(1).is_err());
    let _: fn(Void) -> Option<u32> = takes_none;
    assert!(serve(&mut 3).now_or_never().unwrap().is_err());
    if infallible(1).is_ok() {
        pointer();
    }
}
