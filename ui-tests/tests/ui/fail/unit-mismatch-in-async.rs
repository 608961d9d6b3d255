use otel_runtime::traced_span;

#[traced_span]
async fn find() {
    5
}

fn main() {
    drop(find());
}
