use otel_runtime::attr;

fn main() {
    attr!("room");
}
