#![deny(warnings)]

use std::cell::Cell;
use std::rc::Rc;

use otel_runtime::{span_attr, span_event, traced_span};

fn needs_send<T: Send>(_: T) {}

#[traced_span]
#[span_attr("n" = n, "shared" = n.to_string())]
#[span_event("seen", "n" = n)]
async fn sends(n: u32) -> Result<u32, String> {
    std::future::ready(()).await;
    Ok(n)
}

#[traced_span]
async fn stays_here(cell: Rc<Cell<u32>>) -> u32 {
    std::future::ready(()).await;
    cell.get()
}

fn main() {
    needs_send(sends(1));
    drop(stays_here(Rc::new(Cell::new(1))));
}
