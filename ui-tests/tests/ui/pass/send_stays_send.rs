#![deny(warnings)]

use std::cell::Cell;
use std::rc::Rc;

use otel_runtime::{attr, event, span, span_attr, span_event, traced_span};

fn needs_send_and_sync<T: Send>(value: T) -> T {
    value
}

/// Can be sent, and not shared.
struct NotShared(Cell<u32>);

#[traced_span]
async fn owned(not_shared: NotShared, text: String) -> Result<NotShared, String> {
    std::future::ready(()).await;
    if text.is_empty() { Err(text) } else { Ok(not_shared) }
}

#[traced_span("everything", kind = client, err = |error| format!("{error:?}"))]
#[span_attr("cell" = cell.0.get(), "ok" = |ok| ok.0.get())]
#[span_event("seen", "cell" = cell.0.get())]
async fn recorded(cell: NotShared) -> Result<NotShared, Cell<u32>> {
    {
        let rc = Rc::new(1);
        attr!("rc" = *rc);
    }
    span!("step", { cell.0.set(1) });
    event!("stepped");
    std::future::ready(()).await;
    #[span_attr]
    let more = cell.0.get() + 1;
    std::future::ready(()).await;
    #[traced_span("wait")]
    std::future::ready(more).await;
    Ok(cell)
}

#[traced_span]
async fn borrowed(numbers: &mut [Cell<u32>]) -> Option<&mut Cell<u32>> {
    std::future::ready(()).await;
    numbers.last_mut()
}

#[traced_span]
fn handed_out(cell: Cell<u32>) -> impl Future<Output = u32> + Send {
    let rc = Rc::new(cell.get());
    let n = *rc;
    async move { n + cell.get() }
}

#[traced_span]
async fn generic<T: Send + Clone, F: AsyncFn(T) -> T>(value: T, function: F) -> T {
    function(value.clone()).await
}

fn main() {
    drop(needs_send_and_sync(owned(NotShared(Cell::new(1)), String::new())));
    drop(needs_send_and_sync(recorded(NotShared(Cell::new(1)))));
    drop(needs_send_and_sync(borrowed(&mut [])));
    drop(needs_send_and_sync(handed_out(Cell::new(1))));
    drop(generic(1, async |n| n));
}
