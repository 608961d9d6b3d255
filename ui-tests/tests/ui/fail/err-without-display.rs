use otel_runtime::traced_span;

struct Silent;

#[traced_span(err = display)]
fn find() -> Result<(), Silent> {
    Err(Silent)
}

fn main() {
    let _ = find();
}
