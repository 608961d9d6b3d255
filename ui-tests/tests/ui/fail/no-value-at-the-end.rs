use otel_runtime::traced_span;

#[traced_span]
fn find() -> Option<u32> {
    let _room = 1;
}

#[traced_span]
async fn later() -> u32 {
    let _room = 1;
}

fn main() {
    find();
    drop(later());
}
