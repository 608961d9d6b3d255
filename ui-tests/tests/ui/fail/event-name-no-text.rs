use otel_runtime::{event, span_event, traced_span};

#[traced_span]
#[span_event(number() + 3)]
fn find() {
    event!(number());
}

fn number() -> u32 {
    5
}

fn main() {
    find();
}
