use otel_runtime::span_attr;

#[span_attr("n" = 1)]
const fn find() -> u32 {
    1
}

fn main() {
    find();
}
