#![deny(warnings)]

use std::panic::UnwindSafe;

use otel_runtime::traced_span;

#[traced_span]
fn length(text: &str) -> usize {
    text.len()
}

#[traced_span]
fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

#[traced_span]
fn first<'a>(a: &'a str, _: &str) -> Result<&'a str, String> {
    Ok(a)
}

#[traced_span]
async fn later(n: u32) -> u32 {
    n
}

fn is_plain<T: Copy + Send + Sync + UnwindSafe + 'static>(_: &T) -> usize {
    size_of::<T>()
}

fn called_later<F: Future<Output = u32>>(function: fn(u32) -> F) -> bool {
    let future = function(1);
    size_of_val(&future) > 0
}

fn main() {
    let pointer: for<'a> fn(&'a str) -> usize = length;
    let two: for<'a, 'b> fn(&'a str, &'b str) -> Result<&'a str, String> = first;
    assert_eq!((pointer("ab"), two("a", "b")), (2, Ok("a")));
    assert_eq!(["1", "x"].map(parsed::<u32>), [Some(1), None]);
    assert_eq!(["a", "bc"].iter().copied().map(length).sum::<usize>(), 3);
    assert_eq!(is_plain(&length) + is_plain(&parsed::<u8>) + is_plain(&later), 0);
    assert!(called_later(later));
    assert!(std::panic::catch_unwind(|| length("a")).is_ok());
}
