#![deny(warnings)]

use otel_runtime::{span_attr, span_event, traced_span};

fn needs_send<T: Send>(_: T) {}

async fn fetch(n: u32) -> Result<u32, String> {
    std::future::ready(()).await;
    if n > 9 { Err("too large".to_owned()) } else { Ok(n) }
}

#[traced_span]
async fn total(numbers: Vec<u32>) -> Result<u32, String> {
    let mut total = 0;
    #[traced_span("first")]
    let first = fetch(1).await?;
    #[traced_span("all", kind = client)]
    for number in &numbers {
        if *number == 0 {
            continue;
        }
        let fetched = #[traced_span("one")]
        {
            if *number > 7 {
                break;
            }
            if *number == 7 {
                return Ok(7);
            }
            #[span_event("fetching", "number" = *number)]
            fetch(*number).await?
        };
        total += fetched;
    }
    #[span_attr]
    let total = total + first;
    #[traced_span("last")]
    fetch(total).await
}

#[traced_span]
async fn inner_block() -> u32 {
    #[traced_span("outer")]
    {
        let task = #[traced_span("task")]
        async { 1 };
        task.await
    }
}

#[traced_span]
fn sync_with_task() -> impl Future<Output = u32> {
    let task = #[traced_span("outer")]
    {
        #[traced_span("task")]
        async { 1 }
    };
    task
}

fn main() {
    needs_send(total(vec![1, 2]));
    needs_send(inner_block());
    drop(sync_with_task());
}
