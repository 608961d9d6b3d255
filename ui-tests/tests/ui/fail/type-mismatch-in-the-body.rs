use otel_runtime::traced_span;

#[traced_span]
fn find() -> Result<u32, String> {
    Ok("one")
}

#[traced_span]
async fn find_later() -> Result<u32, String> {
    if true {
        return Ok("one");
    }
    Ok(1)
}

fn main() {
    let _ = find();
    drop(find_later());
}
