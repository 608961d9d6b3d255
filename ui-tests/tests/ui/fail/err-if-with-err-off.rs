use otel_runtime::traced_span;

#[traced_span(err = off, err_if = |_| true)]
fn find() -> Result<(), String> {
    Ok(())
}

fn main() {
    find().unwrap();
}
