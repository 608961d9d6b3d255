use otel_runtime::traced_span;

trait Rooms {
    #[traced_span]
    fn find(&self) -> u32;
}

fn main() {}
