//! What the compiler says of parameters that are not used, it says with the attribute too: no more and no less.

#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

#[traced_span]
fn on_the_parameter(#[expect(unused_variables)] text: String, #[allow(unused)] other: String) -> Result<u32, String> {
    Ok(1)
}

#[traced_span]
async fn later(#[expect(unused_variables)] text: String, n: u32) -> u32 {
    std::future::ready(n).await
}

#[traced_span]
#[expect(unused_variables)]
fn in_a_text_by_chance(id: String) -> Result<u32, String> {
    Err("invalid".to_owned())
}

#[traced_span]
#[expect(unused_variables)]
fn parts((left, right): (String, String), [first, ..]: [String; 2]) -> Option<usize> {
    Some(left.len() + first.len())
}

#[traced_span]
#[span_attr("recorded" = recorded.len())]
fn recorded(recorded: String, in_a_text: String) -> Option<String> {
    Some(format!("{in_a_text}!"))
}

/// Used where no token says so.
#[traced_span]
fn included(text: String) -> Option<usize> {
    include!("parts/length.in")
}

fn main() {
    assert_eq!(on_the_parameter(String::new(), String::new()), Ok(1));
    drop(later(String::new(), 1));
    assert!(in_a_text_by_chance(String::new()).is_err());
    let text = || "ab".to_owned();
    assert_eq!(parts((text(), text()), [text(), text()]), Some(4));
    assert_eq!(recorded(text(), text()).as_deref(), Some("ab!"));
    assert_eq!(included(text()), Some(2));
}
