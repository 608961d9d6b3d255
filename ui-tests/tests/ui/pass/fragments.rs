#![deny(warnings)]
#![expect(clippy::unused_async, reason = "it is so without the attribute too")]

use otel_runtime::{span, span_attr, span_event, traced_span};

macro_rules! closures {
    ($value:expr, $err:expr, $name:expr) => {
        #[traced_span(name = $name, err = $err)]
        #[span_attr("value" = $value)]
        #[span_event($name)]
        fn closures() -> Result<u32, u32> {
            Ok(1)
        }
    };
}

closures!(|ok| *ok, |error| format!("code {error}"), "closures");

macro_rules! pieces {
    ($visibility:vis $name:ident $span:literal $pattern:pat => $ty:ty, $body:block $(#[$attribute:meta])*) => {
        $(#[$attribute])*
        $visibility fn $name($pattern: $ty) -> Option<u32> $body

        #[traced_span($span, kind = server)]
        $visibility async fn later($pattern: $ty) -> Option<u32> $body
    };
}

pieces!(pub(crate) sum "sum" (a, b) => (u32, u32), { Some(a + b) } #[span_attr("n" = 1)] #[traced_span("sum")]);

macro_rules! method {
    ($this:ident, $lifetime:lifetime, $($body:tt)*) => {
        impl Room {
            #[traced_span]
            #[span_attr(beds = $this.0)]
            fn beds<$lifetime>(&$lifetime mut $this) -> Option<&$lifetime mut u32> {
                $($body)*
            }
        }
    };
}

macro_rules! parts {
    ($name:ident, $block:block, $value:expr) => {
        #[traced_span]
        fn $name() -> u32 {
            let block = span!("block", $block);
            let value = #[traced_span("value")] $value;
            block + value
        }
    };
}

parts!(parts, { 1 }, { 2 });
parts!(parts_in_parentheses, { 1 }, (2));

struct Room(u32);

method!(self, 'a, Some(&mut self.0));

fn main() {
    assert_eq!(closures(), Ok(1));
    assert_eq!(sum((1, 2)), Some(3));
    drop(later((1, 2)));
    assert_eq!(parts(), 3);
    assert_eq!(parts_in_parentheses(), 3);
    assert_eq!(Room(1).beds(), Some(&mut 1));
}
