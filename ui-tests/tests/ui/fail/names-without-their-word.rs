use otel_runtime::traced_span;

const NAME: &str = "find";

#[traced_span(NAME)]
fn by_a_constant() {}

#[traced_span(crate::NAME, kind = client)]
fn by_a_path() {}

#[traced_span(concat!("room.", "find"))]
fn by_a_macro() {}

fn main() {
    by_a_constant();
    by_a_path();
    by_a_macro();
}
