use otel_runtime::{span_event, traced_span};

#[traced_span]
fn find(number: u32) -> u32 {
    if number > 1 {
        #[span_event("too large")]
        panic!("{number}");
    }
    number
}

fn main() {
    find(1);
}
