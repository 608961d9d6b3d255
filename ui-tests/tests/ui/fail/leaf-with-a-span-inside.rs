use otel_runtime::traced_span;

#[traced_span(leaf)]
fn find() {
    #[traced_span("inner")]
    {
        println!("looking");
    }
}

fn main() {
    find();
}
