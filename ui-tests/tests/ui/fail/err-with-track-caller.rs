use otel_runtime::{span_attr, traced_span};

#[traced_span(err = display)]
#[track_caller]
fn find() -> Result<(), String> {
    Ok(())
}

#[traced_span]
#[span_attr("length" = |text| text.len())]
#[track_caller]
fn text() -> String {
    String::new()
}

fn main() {
    find().unwrap();
    text();
}
