#![deny(warnings)]

use otel_runtime::traced_span;

fn span_attr() -> u32 {
    1
}

// Our words, where they are names and tokens of somebody else.
#[traced_span]
fn names(traced_span: u32, span_event: u32) -> Option<u32> {
    let span_attr_of_ours = traced_span;
    Some(span_attr() + span_attr_of_ours + span_event)
}

#[traced_span]
fn tokens() -> Result<String, String> {
    let text = stringify!(#[traced_span] fn tokens() {});
    Ok(format!("{text} #[span_attr]"))
}

fn main() {
    assert_eq!(names(1, 2), Some(4));
    assert_eq!(tokens().as_deref(), Ok("#[traced_span] fn tokens() {} #[span_attr]"));
}
