use otel_runtime::traced_span;

#[traced_span]
fn find() {
    #[traced_span]
    {
        println!("looking");
    }
}

fn main() {
    find();
}
