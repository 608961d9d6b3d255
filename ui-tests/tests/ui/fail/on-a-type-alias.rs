use otel_runtime::traced_span;

#[traced_span]
type Rooms = Vec<u32>;

fn main() {
    drop(Rooms::new());
}
