#![deny(warnings)]

use std::cell::Cell;
use std::pin::Pin;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

#[traced_span(err = debug)]
#[span_attr("length" = text.len())]
#[expect(clippy::manual_async_fn, reason = "it is to mean the same")]
fn opaque(text: &str) -> impl Future<Output = Result<u32, std::num::ParseIntError>> + Send {
    async move {
        CALLS.set(CALLS.get() + 1);
        let n: u32 = text.parse()?;
        if n == 0 {
            return Ok(1);
        }
        Ok(n)
    }
}

#[traced_span]
fn boxed<'a>(text: &'a mut String) -> Pin<Box<dyn Future<Output = &'a str> + Send + 'a>> {
    Box::pin(async move {
        text.push('!');
        text.as_str()
    })
}

#[traced_span]
fn borrowing(numbers: &[u32]) -> Pin<Box<dyn Future<Output = u32> + '_>> {
    Box::pin(async { numbers.iter().sum() })
}

/// What is recorded is not in the block.
#[traced_span]
#[span_attr("number" = number, "text" = text)]
#[expect(clippy::manual_async_fn, reason = "it is to mean the same")]
fn beside(number: u32, text: String) -> impl Future<Output = u32> {
    async { 5 }
}

/// What is dropped at the end is so in the order of the block, whatever is recorded.
mod dropped {
    use std::cell::Cell;

    use otel_runtime::{span_attr, traced_span};

    thread_local! {
        pub(crate) static DROPPED: Cell<String> = const { Cell::new(String::new()) };
    }

    pub(crate) struct Noted(pub(crate) &'static str);

    impl Drop for Noted {
        fn drop(&mut self) {
            DROPPED.set(DROPPED.take() + self.0);
        }
    }

    #[traced_span]
    #[span_attr("second" = second.0)]
    #[expect(clippy::manual_async_fn, reason = "it is to mean the same")]
    pub(crate) fn traced(first: Noted, second: Noted) -> impl Future<Output = ()> {
        async move {
            let _both = (&first, &second);
            std::future::ready(()).await;
        }
    }

    #[span_attr("second" = second.0)]
    #[expect(clippy::manual_async_fn, reason = "it is to mean the same")]
    pub(crate) fn helper_alone(first: Noted, second: Noted) -> impl Future<Output = ()> {
        async move {
            let _both = (&first, &second);
            std::future::ready(()).await;
        }
    }
}

mod lints {
    use std::pin::Pin;

    use otel_runtime::traced_span;

    #[deprecated]
    fn old() -> u32 {
        1
    }

    #[traced_span]
    pub(crate) fn in_front_of_the_box() -> Pin<Box<dyn Future<Output = u32>>> {
        #[expect(deprecated)]
        Box::pin(async { old() })
    }
}

/// Nor is what is named in a text, a part of a pattern or the receiver.
mod named {
    use std::pin::Pin;

    use otel_runtime::{span_attr, traced_span};

    #[traced_span(name = format!("of {number:>3}"))]
    #[expect(clippy::manual_async_fn, reason = "it is to mean the same")]
    pub(crate) fn in_a_text(number: u32) -> impl Future<Output = u32> {
        async { 5 }
    }

    #[traced_span]
    #[span_attr("text" = text, "count" = |count| *count)]
    pub(crate) fn by_a_pattern((_, text): (u32, String)) -> Pin<Box<dyn Future<Output = u32>>> {
        Box::pin(async { 5 })
    }

    pub(crate) struct Room {
        pub(crate) id: u32,
    }

    impl Room {
        #[traced_span(name = self.id.to_string())]
        #[expect(clippy::manual_async_fn, reason = "it is to mean the same")]
        pub(crate) fn borrowed(&self) -> impl Future<Output = u32> {
            async { 5 }
        }

        #[traced_span(name = self.id.to_string())]
        #[expect(clippy::manual_async_fn, reason = "it is to mean the same")]
        pub(crate) fn owned(self) -> impl Future<Output = u32> {
            async { 5 }
        }
    }
}

fn main() {
    let noted = || (dropped::Noted("1"), dropped::Noted("2"));
    let (first, second) = noted();
    assert_eq!(dropped::traced(first, second).now_or_never(), Some(()));
    let (first, second) = noted();
    assert_eq!(dropped::helper_alone(first, second).now_or_never(), Some(()));
    assert_eq!(dropped::DROPPED.take(), "1212");
    assert_eq!(lints::in_front_of_the_box().now_or_never(), Some(1));
    let room = named::Room { id: 1 };
    assert_eq!(named::in_a_text(1).now_or_never(), Some(5));
    assert_eq!(named::by_a_pattern((1, String::new())).now_or_never(), Some(5));
    assert_eq!(room.borrowed().now_or_never(), Some(5));
    assert_eq!(room.owned().now_or_never(), Some(5));
    assert_eq!(beside(1, String::new()).now_or_never(), Some(5));
    drop(opaque("1"));
    assert_eq!(CALLS.get(), 0);
    assert_eq!(opaque("0").now_or_never(), Some(Ok(1)));
    assert!(opaque("x").now_or_never().unwrap().is_err());
    assert_eq!(boxed(&mut "a".to_owned()).now_or_never(), Some("a!"));
    assert_eq!(borrowing(&[1, 2]).now_or_never(), Some(3));
}
