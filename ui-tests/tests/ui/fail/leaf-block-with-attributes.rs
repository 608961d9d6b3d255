use otel_runtime::{span_attr, traced_span};

#[traced_span]
fn find(id: u32) -> u32 {
    #[traced_span("step", leaf)]
    {
        #[span_attr]
        let doubled = id * 2;
        doubled
    }
}

fn main() {}
