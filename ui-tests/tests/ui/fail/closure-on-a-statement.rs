use otel_runtime::{span_event, traced_span};

#[traced_span]
fn find() {
    #[span_event("done", "n" = |n| n)]
    println!("done");
}

fn main() {
    find();
}
