#![deny(warnings)]

use std::fmt::Display;
use std::rc::Rc;

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

#[traced_span]
fn dereferenced(text: &String) -> &str {
    text
}

#[traced_span]
fn slice(numbers: &mut [u32; 3]) -> &[u32] {
    numbers
}

#[traced_span]
fn dynamic(early: bool) -> Rc<dyn Display> {
    if early {
        return Rc::new(1);
    }
    Rc::new("a")
}

#[traced_span]
fn borrowed<'a>(n: &'a u32, text: &'a std::rc::Rc<str>) -> [&'a dyn Display; 2] {
    [n, text]
}

#[traced_span]
fn function(negative: bool) -> fn(i32) -> i32 {
    fn same(n: i32) -> i32 {
        n
    }
    if negative { |n| -n } else { same }
}

#[traced_span]
fn diverges(n: Option<u32>) -> u32 {
    match n {
        Some(n) => n,
        None => panic!("none"),
    }
}

#[traced_span]
#[expect(clippy::ptr_arg)]
async fn later(text: &String) -> (&str, Box<dyn Display>) {
    ::core::future::ready(()).await;
    if text.is_empty() {
        return (text, Box::new(0));
    }
    (text, Box::new('x'))
}

fn main() {
    assert_eq!(dereferenced(&"a".to_owned()), "a");
    assert_eq!(slice(&mut [1, 2, 3]).len(), 3);
    assert_eq!(
        dynamic(true).to_string() + &dynamic(false).to_string(),
        "1a"
    );
    assert_eq!(borrowed(&1, &"a".into())[1].to_string(), "a");
    assert_eq!(function(true)(1) + function(false)(2), 1);
    assert_eq!(diverges(Some(1)), 1);
    assert_eq!(
        later(&"a".to_owned()).now_or_never().unwrap().1.to_string(),
        "x"
    );
}
