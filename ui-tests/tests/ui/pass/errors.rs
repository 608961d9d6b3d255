#![deny(warnings)]

use std::error::Error;
use std::io;

use otel_runtime::traced_span;

struct Silent;

#[derive(Debug)]
struct OnlyDebug(#[allow(dead_code)] u32);

type Alias<T> = Result<T, OnlyDebug>;

#[traced_span]
fn silent() -> Result<(), Silent> {
    Err(Silent)
}

#[traced_span]
fn only_debug() -> Alias<()> {
    Err(OnlyDebug(1))
}

#[traced_span]
fn unknown<E>(error: E) -> Result<(), E> {
    Err(error)
}

#[traced_span]
fn boxed() -> Result<u32, Box<dyn Error + Send + Sync>> {
    let n: u32 = "x".parse()?;
    Ok(n)
}

#[traced_span(err = display)]
fn shown() -> io::Result<()> {
    Err(io::Error::other("no"))
}

#[traced_span(err = debug)]
async fn debugged() -> Alias<()> {
    ::core::future::ready(()).await;
    Err(OnlyDebug(2))
}

#[traced_span(err = off)]
fn off() -> Result<(), Silent> {
    Err(Silent)
}

#[traced_span(err = |error| format!("code {}", error.0))]
fn described() -> Alias<()> {
    Err(OnlyDebug(3))
}

#[traced_span]
fn nested() -> Option<Result<(), Silent>> {
    Some(Err(Silent))
}

fn main() {
    assert!(silent().is_err() && only_debug().is_err() && unknown(1).is_err() && boxed().is_err());
    assert!(shown().is_err() && off().is_err() && described().is_err() && nested().is_some());
    drop(debugged());
}
