#![deny(warnings)]
#![expect(clippy::unused_async, reason = "it is so without the attribute too")]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

macro_rules! function {
    (
        $name:ident($($parameter:pat_param in $ty:ty),*) -> $output:path;
        $($statement:stmt),*; $value:expr
    ) => {
        #[traced_span]
        fn $name($($parameter: $ty),*) -> $output {
            $($statement;)*
            $value
        }
    };
    (item $item:item) => {
        #[traced_span("from.an.item")]
        $item
    };
    (words $($modifier:ident)+ => $body:block) => {
        #[traced_span]
        #[span_attr("n" = 1)]
        $($modifier)+() -> Option<u32> $body
    };
}

function!(
    summed((a, b) in (u32, u32), mut sum in u32) -> Result::<u32, String>;
    let doubled = a * 2, sum += doubled, if b == 0 { return Err(format!("{sum}")) };
    Ok(sum + b)
);

function!(item
    async fn later(n: u32) -> u32 {
        n
    }
);

function!(words async fn modified => { Some(7) });

fn main() {
    assert_eq!(summed((1, 2), 3), Ok(7));
    assert_eq!(summed((1, 0), 3), Err("5".to_owned()));
    assert_eq!(later(1).now_or_never(), Some(1));
    assert_eq!(modified().now_or_never(), Some(Some(7)));
}
