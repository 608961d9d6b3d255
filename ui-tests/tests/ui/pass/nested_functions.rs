#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, span_event, traced_span};

#[traced_span("outer")]
#[span_attr("n" = n)]
fn outer(n: u32) -> Result<u32, String> {
    #[traced_span("inner", kind = client)]
    #[span_attr("n" = n)]
    fn inner(n: u32) -> Result<u32, String> {
        #[traced_span]
        fn innermost(n: u32) -> u32 {
            n + 1
        }
        #[span_event("calling")]
        Ok(innermost(n))
    }

    struct Local(u32);

    #[traced_span]
    impl Local {
        fn get(&self) -> u32 {
            self.0
        }
    }

    #[span_attr]
    let local = Local(inner(n)?).get();
    Ok(local + n)
}

#[traced_span]
async fn later(n: u32) -> u32 {
    #[traced_span]
    async fn inner(n: &u32) -> u32 {
        std::future::ready(*n).await
    }
    #[traced_span]
    mod deeper {
        pub fn value() -> u32 {
            1
        }
    }
    inner(&n).await + deeper::value()
}

fn main() {
    assert_eq!(outer(1), Ok(3));
    assert_eq!(later(1).now_or_never(), Some(2));
}
