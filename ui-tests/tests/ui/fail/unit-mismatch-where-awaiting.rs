use otel_runtime::traced_span;

#[traced_span]
async fn find() {
    std::future::ready(()).await;
    5
}

fn main() {}
