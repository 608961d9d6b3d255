use otel_runtime::{span, span_attr, span_event, traced_span};

#[traced_span]
#[span_attr("id" = id()?)]
fn find() -> Option<u32> {
    id()
}

#[traced_span(parent = parent()?, links = [parent()?])]
fn below() -> Option<u32> {
    id()
}

#[traced_span(name = return None)]
#[span_event({ id()?.to_string() }, "id" = format!("{:?}", id()?))]
#[span_attr({ id()?.to_string() } = 1)]
fn named() -> Option<u32> {
    id()
}

#[traced_span(err_if = counts()?)]
fn failing() -> Result<u32, String> {
    Ok(1)
}

#[traced_span]
fn search() -> u32 {
    let mut found = 0;
    'search: loop {
        found += 1;
        #[span_attr("found" = if found > 2 { break 'search } else { found })]
        let _one = found;
        #[span_attr("found" = { if found > 2 { continue } found })]
        let _other = found;
        // These stay within the value.
        #[span_attr("found" = 'value: { loop { if found > 3 { break 'value 1 } break } 2 })]
        let _third = found;
        span!("step", parent = if found > 4 { break 'search } else { context() }, {});
        if found > 5 {
            break 'search;
        }
    }
    found
}

#[traced_span]
#[span_attr("list" = vec![id()?; 2], "is" = matches!(id()?, 1 | 2 if true))]
fn in_macros() -> Option<u32> {
    #[span_attr("json" = stringify!({ "id": id()?, "other": [1] }))]
    let id = id();
    id
}

#[traced_span]
#[span_attr("is" = matches!(later().await, Some(1) | None if true))]
async fn awaited() -> Option<u32> {
    later().await
}

async fn later() -> Option<u32> {
    None
}

fn id() -> Option<u32> {
    None
}

fn parent() -> Option<opentelemetry::Context> {
    None
}

fn context() -> opentelemetry::Context {
    opentelemetry::Context::new()
}

fn counts() -> Result<fn(&String) -> bool, String> {
    Err(String::new())
}

fn main() {
    find();
    below();
    named();
    let _ = failing();
    search();
    in_macros();
    drop(awaited());
}
