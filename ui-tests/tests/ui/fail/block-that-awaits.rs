use otel_runtime::traced_span;

#[traced_span]
async fn find() {
    #[traced_span("wait")]
    {
        std::future::ready(()).await;
    }
}

fn main() {
    drop(find());
}
