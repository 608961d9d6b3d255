#![deny(warnings)]
#![expect(clippy::unused_async, reason = "it is so without the attribute too")]

use futures_util::FutureExt as _;
use otel_runtime::{span, traced_span};

#[traced_span]
fn sync(n: u32) -> Option<u32> {
    #![expect(unused_variables)]
    #![allow(clippy::let_and_return)]
    let unused = 1;
    let n = n + 1;
    n.into()
}

#[traced_span]
async fn later() -> Result<u32, String> {
    //! Inner documentation.
    #![expect(unused_mut, reason = "it is to be warned of")]
    let mut n = 1;
    Ok(n)
}

#[traced_span]
fn handed_out() -> impl Future<Output = u32> {
    #![expect(unused_variables)]
    let unused = 1;
    std::future::ready(1)
}

#[traced_span]
fn in_parts(n: u32) -> u32 {
    let doubled = n * 2;
    #[traced_span("block")]
    {
        #![expect(unused_variables)]
        let unused = 1;
    }
    #[traced_span(name = "match")]
    match doubled {
        #![expect(unused_variables)]
        0 => return 0,
        unused => {}
    }
    span!("inline", {
        #![expect(unused_variables)]
        let unused = 1;
        doubled
    })
}

fn main() {
    assert_eq!(sync(1), Some(2));
    assert_eq!(in_parts(1), 2);
    assert_eq!(later().now_or_never(), Some(Ok(1)));
    assert_eq!(handed_out().now_or_never(), Some(1));
}
