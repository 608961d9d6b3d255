use otel_runtime::traced_span;

#[traced_span]
async fn find() {
    let task = async {
        #[traced_span("wait")]
        {
            std::future::ready(()).await;
        }
    };
    #[traced_span("find")]
    let found = std::future::ready(1).await;
    task.await;
    drop(found);
}

fn main() {
    drop(find());
}
