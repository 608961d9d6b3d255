#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

// The macro's `n` and the caller's are two.
macro_rules! added {
    ($name:ident, $later:ident, $n:ident, $value:expr) => {
        #[traced_span]
        #[span_attr("theirs" = $n, "ours" = n)]
        fn $name($n: u32, n: u32) -> Option<u32> {
            let sum = $value + n;
            Some(sum)
        }

        #[traced_span]
        async fn $later($n: String, n: &str) -> Option<String> {
            let sum = $value + n;
            Some(sum)
        }
    };
}

added!(add, add_later, n, n);

macro_rules! with_local {
    ($value:expr) => {{
        #[traced_span]
        fn local(result: u32) -> Result<u32, u32> {
            let span = $value;
            Ok(result + span)
        }
        local(1)
    }};
}

fn main() {
    assert_eq!(add(1, 10), Some(11));
    assert_eq!(add_later("a".to_owned(), "b").now_or_never().flatten().as_deref(), Some("ab"));
    assert_eq!(with_local!(2), Ok(3));
}
