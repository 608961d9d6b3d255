use otel_runtime::traced_span;

#[traced_span(err = dispaly)]
fn find() -> Result<(), String> {
    Ok(())
}

fn main() {
    find().unwrap();
}
