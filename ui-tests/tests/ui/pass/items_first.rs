//! A body that starts with an item, before any statement.

#![deny(warnings)]

use otel_runtime::traced_span;

#[traced_span]
fn counted(text: String) -> Result<u32, std::num::ParseIntError> {
    const MORE: u32 = 1;
    let text = text + "1";
    Ok(text.parse::<u32>()? + MORE)
}

#[traced_span]
async fn later(text: String) -> usize {
    use std::future::ready;
    ready(()).await;
    text.len()
}

fn main() {
    assert_eq!(counted("1".to_owned()), Ok(12));
    drop(later(String::new()));
}
