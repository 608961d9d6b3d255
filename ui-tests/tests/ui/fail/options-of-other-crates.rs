use otel_runtime::traced_span;

#[traced_span("room.find", skip_all, fields(room.id = id), level = "debug", target = "rooms", err(Debug), ret)]
fn find(id: u32) -> Result<u32, String> {
    Ok(id)
}

#[traced_span(follows_from = causes, err)]
fn follow(causes: &[u32]) -> Result<usize, String> {
    Ok(causes.len())
}

#[traced_span(properties = { "room": "{id}" })]
fn load(id: u32) {}

fn main() {
    let _ = find(1);
    let _ = follow(&[]);
    load(1);
}
