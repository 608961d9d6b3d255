use otel_runtime::{span_event, traced_span};

#[traced_span]
fn find() {
    #[span_event("counted")]
    let _rooms = 1 + ;
    #[traced_span("told")]
    println!();
}

fn main() {
    find();
}
