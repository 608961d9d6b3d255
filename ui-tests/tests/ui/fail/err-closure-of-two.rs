use otel_runtime::traced_span;

#[traced_span(err = |a, b| a)]
fn find() -> Result<(), String> {
    Ok(())
}

fn main() {
    find().unwrap();
}
