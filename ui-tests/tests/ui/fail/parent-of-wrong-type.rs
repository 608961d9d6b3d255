use otel_runtime::traced_span;

#[traced_span(parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
fn find() {}

fn main() {
    find();
}
