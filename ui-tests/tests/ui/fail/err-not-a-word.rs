use otel_runtime::traced_span;

#[traced_span(err = 1 + 1)]
fn find() -> Result<(), String> {
    Ok(())
}

fn main() {
    find().unwrap();
}
