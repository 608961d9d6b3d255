#![deny(warnings)]

use std::cell::RefCell;

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

thread_local! {
    static DROPPED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

struct Noted(&'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

async fn plain(first: Noted, _: Noted, third: Noted) -> Result<(), String> {
    let _local = Noted("local");
    drop(third);
    std::future::pending::<()>().await;
    drop(first);
    Ok(())
}

#[traced_span]
async fn traced(first: Noted, _: Noted, third: Noted) -> Result<(), String> {
    let _local = Noted("local");
    drop(third);
    std::future::pending::<()>().await;
    drop(first);
    Ok(())
}

fn main() {
    // Pending, and dropped with it.
    assert!(plain(Noted("first"), Noted("second"), Noted("third")).now_or_never().is_none());
    let expected = DROPPED.take();
    assert!(traced(Noted("first"), Noted("second"), Noted("third")).now_or_never().is_none());
    assert_eq!(DROPPED.take(), expected);
}
