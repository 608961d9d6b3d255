use otel_runtime::traced_span;

#[traced_span]
fn find() -> Result<u32, String> {
    #[traced_span("inner", err = debug)]
    let found = Ok(1);
    found
}

fn main() {
    let _ = find();
}
