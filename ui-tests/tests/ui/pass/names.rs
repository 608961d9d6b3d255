#![deny(warnings)]

use otel_runtime::traced_span;

const NAME: &str = "from.a.const";

#[traced_span(name = NAME)]
fn constant() {}

#[traced_span(name = "literal", kind = producer,)]
fn literal() {}

#[traced_span(name = format!("computed.{}", n % 2))]
fn computed(n: u32) -> u32 {
    n
}

#[traced_span()]
fn empty_parentheses() {}

fn main() {
    constant();
    literal();
    empty_parentheses();
    assert_eq!(computed(1), 1);
}
