#![deny(warnings)]

use std::fmt::{self, Display, Write as _};
use std::{io, thread};

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

/// One error for all, as in an application.
struct Report(Box<dyn std::error::Error + Send + Sync>);

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Report {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

type Result<T = (), E = Report> = std::result::Result<T, E>;
type Fixed = Result<u32, u8>;
type Reordered<E, T> = std::result::Result<T, E>;

#[traced_span]
#[span_attr("n" = |n| *n)]
fn reported(text: &str) -> Result<u32> {
    Ok(text.parse()?)
}

#[traced_span]
async fn reported_later() -> Result {
    ::core::future::ready(()).await;
    Err(io::Error::other("no"))?
}

#[traced_span(err = display, err_if = |code| *code > 1)]
fn fixed(code: u8) -> Fixed {
    Err(code)
}

#[traced_span]
#[span_attr("length" = |text| text.len() + 1)]
fn reordered() -> Reordered<u8, String> {
    Ok("a".to_owned())
}

#[traced_span]
fn opened() -> io::Result<u32> {
    Err(io::ErrorKind::NotFound.into())
}

#[traced_span]
fn shown(shown: &impl Display) -> fmt::Result {
    let mut text = String::new();
    write!(text, "{shown}")
}

#[traced_span]
fn joined() -> thread::Result<u32> {
    thread::spawn(|| 1).join()
}

fn main() {
    assert!(reported("1").is_ok_and(|n| n == 1));
    assert_eq!(
        reported("x").err().unwrap().0.to_string(),
        "invalid digit found in string"
    );
    assert!(reported_later().now_or_never().unwrap().is_err());
    assert_eq!((fixed(2), reordered()), (Err(2), Ok("a".to_owned())));
    assert!(opened().is_err() && shown(&1).is_ok() && joined().is_ok());
}
