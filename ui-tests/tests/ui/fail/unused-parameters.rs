#![deny(unused)]

use otel_runtime::traced_span;

#[traced_span]
pub fn find(unused: u32) -> Option<u32> {
    None
}

#[traced_span]
pub async fn later(mut unchanged: &str) -> Option<&str> {
    Some(unchanged)
}

fn main() {
    find(1);
    drop(later(""));
}
