use otel_runtime::traced_span;

#[traced_span]
fn find() {
    let search = #[traced_span("search")]
    async |id: u32| id;
    drop(search(1));
}

fn main() {
    find();
}
