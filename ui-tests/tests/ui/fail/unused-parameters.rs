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

#[traced_span]
pub fn owned(mut first: String, second: Vec<u8>, #[allow(unused)] third: String) -> Option<usize> {
    Some(second.len())
}

#[traced_span]
pub async fn owned_later(text: String) {
    std::future::ready(()).await;
}

fn main() {
    find(1);
    drop(later(""));
    owned(String::new(), Vec::new(), String::new());
    drop(owned_later(String::new()));
}
