#![deny(warnings)]

use std::cell::Cell;
use std::rc::Rc;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("rc" = *rc)]
async fn parameter(rc: Rc<u32>) -> Rc<u32> {
    std::future::ready(()).await;
    rc
}

#[traced_span]
async fn local() -> Result<u32, Rc<String>> {
    let cell = Rc::new(Cell::new(1));
    let guard = Rc::clone(&cell);
    #[traced_span("wait")]
    std::future::ready(()).await;
    Ok(guard.get())
}

#[traced_span]
async fn shared(cell: &Cell<u32>) -> u32 {
    std::future::ready(()).await;
    cell.replace(2)
}

#[traced_span]
async fn pointer(pointer: *const u32) -> bool {
    std::future::ready(()).await;
    pointer.is_null()
}

fn main() {
    assert_eq!(parameter(Rc::new(1)).now_or_never().as_deref(), Some(&1));
    assert_eq!(local().now_or_never(), Some(Ok(1)));
    assert_eq!(shared(&Cell::new(1)).now_or_never(), Some(1));
    assert_eq!(pointer(std::ptr::null()).now_or_never(), Some(true));
}
