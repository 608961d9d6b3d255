use otel_runtime::{span_event, traced_span};

#[traced_span]
fn find(id: u32) -> u32 {
    match id {
        #[span_event("one")]
        1 => 1,
        other => other,
    }
}

fn main() {
    find(1);
}
