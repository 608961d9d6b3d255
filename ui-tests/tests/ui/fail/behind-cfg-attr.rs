use otel_runtime::{span_attr, traced_span};

#[traced_span]
fn find(#[cfg_attr(all(), span_attr)] number: u32) -> u32 {
    #[cfg_attr(all(), traced_span("double"))]
    let twice = number * 2;
    #[cfg_attr(all(), span_attr)]
    let thrice = number * 3;
    twice + thrice
}

fn main() {
    find(1);
}
