use otel_runtime::event;

fn main() {
    event!();
}
