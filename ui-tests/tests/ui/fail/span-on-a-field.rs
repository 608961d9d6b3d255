use otel_runtime::traced_span;

struct Room {
    beds: u32,
}

#[traced_span]
fn find(beds: u32) -> Room {
    Room {
        #[traced_span("beds")]
        beds,
    }
}

fn main() {
    let _ = find(1).beds;
}
