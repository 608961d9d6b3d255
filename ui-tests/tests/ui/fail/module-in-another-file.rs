use otel_runtime::traced_span;

#[traced_span]
#[path = "../pass/names.rs"]
mod names;

fn main() {}
