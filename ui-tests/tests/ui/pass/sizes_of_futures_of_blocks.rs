//! A future that is one `async` block holds what it captures once, and is larger by no more than 64 bytes.

#![deny(warnings)]
#![allow(clippy::manual_async_fn, reason = "they are to be blocks")]

use std::future::{Future, ready};

use otel_runtime::{span_attr, traced_span};

type Bytes = [u8; 256];

fn plain(bytes: Bytes) -> impl Future<Output = usize> {
    async move {
        ready(()).await;
        bytes.len()
    }
}

#[traced_span]
fn traced(bytes: Bytes) -> impl Future<Output = usize> {
    async move {
        ready(()).await;
        bytes.len()
    }
}

#[traced_span(name = format!("of {bytes:?}"))]
#[span_attr("length" = bytes.len(), "result" = |length| *length)]
fn with_attributes(bytes: Bytes) -> impl Future<Output = usize> {
    async move {
        ready(()).await;
        bytes.len()
    }
}

#[span_attr("length" = bytes.len())]
fn helper_alone(bytes: Bytes) -> impl Future<Output = usize> {
    async move {
        ready(()).await;
        bytes.len()
    }
}

#[span_attr("length" = bytes.len(), "result" = |length| *length)]
fn result_alone(bytes: Bytes) -> impl Future<Output = usize> {
    async move {
        ready(()).await;
        bytes.len()
    }
}

mod parts {
    use super::{Bytes, ready, traced_span};

    #[traced_span]
    pub(crate) fn traced(bytes: Bytes) -> usize {
        let part = #[traced_span("part")]
        async move {
            ready(()).await;
            bytes.len()
        };
        size_of_val(&part)
    }
}

mod async_traits {
    use super::{Bytes, ready};

    #[async_trait::async_trait]
    pub(crate) trait Plain {
        async fn length(&self, bytes: Bytes) -> usize {
            ready(()).await;
            bytes.len()
        }
    }

    #[async_trait::async_trait]
    pub(crate) trait Traced {
        #[otel_runtime::traced_span]
        #[otel_runtime::span_attr("first" = bytes[0])]
        async fn length(&self, bytes: Bytes) -> usize {
            ready(()).await;
            bytes.len()
        }
    }

    impl Plain for () {}
    impl Traced for () {}
}

mod arguments {
    use super::{Bytes, ready, span_attr, traced_span};

    pub(crate) struct Page {
        pub(crate) number: bool,
        pub(crate) bytes: Bytes,
    }

    pub(crate) async fn plain(Page { number, mut bytes }: Page) -> usize {
        ready(()).await;
        bytes[0] = u8::from(number);
        bytes.len()
    }

    #[traced_span]
    #[span_attr("number" = number, "first" = bytes[0])]
    pub(crate) async fn parts(Page { number, mut bytes }: Page) -> usize {
        ready(()).await;
        bytes[0] = u8::from(number);
        bytes.len()
    }

    #[traced_span(name = format!("{bytes:?}"))]
    pub(crate) async fn in_a_text(mut bytes: Bytes) -> usize {
        ready(()).await;
        bytes[0] = 1;
        bytes.len()
    }

    #[span_attr("first" = bytes[0], "result" = |length| *length)]
    pub(crate) async fn helpers_alone(Page { number, mut bytes }: Page) -> usize {
        ready(()).await;
        bytes[0] = u8::from(number);
        bytes.len()
    }
}

fn assert_not_much_larger(traced: usize, plain: usize) {
    assert!(traced <= plain + 64, "{traced} bytes instead of {plain}");
}

fn main() {
    let bytes = [0; 256];
    let of_block = size_of_val(&plain(bytes));
    assert!(of_block < 2 * size_of::<Bytes>());
    assert_not_much_larger(size_of_val(&traced(bytes)), of_block);
    assert_not_much_larger(size_of_val(&with_attributes(bytes)), of_block);
    assert_not_much_larger(size_of_val(&helper_alone(bytes)), of_block);
    assert_not_much_larger(size_of_val(&result_alone(bytes)), of_block);
    assert_not_much_larger(parts::traced(bytes), of_block);

    let of_trait = size_of_val(&*async_traits::Plain::length(&(), bytes));
    let traced = size_of_val(&*async_traits::Traced::length(&(), bytes));
    assert_not_much_larger(traced, of_trait);

    let page = || arguments::Page { number: true, bytes };
    let of_function = size_of_val(&arguments::plain(page()));
    assert_not_much_larger(size_of_val(&arguments::parts(page())), of_function);
    assert_not_much_larger(size_of_val(&arguments::in_a_text(bytes)), of_function);
    assert_not_much_larger(size_of_val(&arguments::helpers_alone(page())), of_function);
}
