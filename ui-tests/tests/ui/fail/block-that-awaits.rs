use otel_runtime::traced_span;

#[traced_span]
async fn find() {
    let task = async {
        #[traced_span("wait")]
        {
            std::future::ready(()).await;
        }
    };
    task.await;
}

fn main() {
    drop(find());
}
