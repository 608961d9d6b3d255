#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

macro_rules! getter {
    ($(#[$attribute:meta])* $name:ident, $span:literal, $ty:ty, $value:expr) => {
        $(#[$attribute])*
        #[traced_span($span)]
        #[span_attr("value" = $value)]
        fn $name(by: $ty) -> Option<$ty> {
            Some($value * by)
        }
    };
}

getter!(#[must_use] one, "get.one", u32, 1);
getter!(two, "get.two", u64, 1 + 1);

macro_rules! traced {
    ($function:item) => {
        #[traced_span]
        $function
    };
}

traced! {
    fn whole(n: u32) -> Result<u32, String> {
        Ok(n)
    }
}

fn main() {
    assert_eq!(one(2), Some(2));
    assert_eq!(two(2), Some(4));
    assert_eq!(whole(1), Ok(1));
}
