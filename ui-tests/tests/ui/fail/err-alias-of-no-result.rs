use otel_runtime::traced_span;

type Outcome = Option<u32>;

#[traced_span(err = display)]
fn find() -> Outcome {
    None
}

fn main() {
    find();
}
