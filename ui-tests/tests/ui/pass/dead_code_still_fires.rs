#![deny(warnings)]

use otel_runtime::{span_attr, span_event, traced_span};

#[expect(dead_code)]
#[traced_span]
fn sync() -> Option<u32> {
    None
}

#[traced_span]
#[expect(dead_code)]
async fn later() -> Result<u32, String> {
    ::core::future::ready(()).await;
    Ok(1)
}

#[expect(dead_code)]
#[span_attr("n" = 1)]
#[span_event("seen")]
fn helpers_alone() {}

struct Rooms;

#[traced_span]
impl Rooms {
    #[expect(dead_code)]
    fn count(&self) -> usize {
        std::mem::size_of_val(self)
    }
}

fn main() {
    let _ = Rooms;
}
