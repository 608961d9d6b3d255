use otel_runtime::{span_attr, traced_span};

#[traced_span("", kind = sever, nam = "x")]
#[span_attr("" = 1)]
fn find(#[span_attr] (a, b): (u32, u32)) -> u32 {
    a + b
}

fn main() {
    // The function is still there, so that this call is no further mistake.
    find((1, 2));
}
