#![deny(warnings, unreachable_pub)]

use otel_runtime::traced_span;

mod outer {
    use otel_runtime::traced_span;

    #[traced_span]
    pub(crate) fn everywhere() -> u32 {
        inner::parent() + inner::there()
    }

    mod inner {
        use otel_runtime::traced_span;

        #[traced_span]
        pub(super) fn parent() -> u32 {
            here() + Counter::start().0
        }

        #[traced_span]
        pub(in crate::outer) fn there() -> u32 {
            1
        }

        #[traced_span]
        #[expect(clippy::needless_pub_self)]
        pub(self) fn here() -> u32 {
            2
        }

        pub(super) struct Counter(u32);

        #[traced_span]
        impl Counter {
            pub(in crate::outer) fn start() -> Self {
                Self(3)
            }
        }
    }

    #[traced_span]
    pub(crate) async fn later() {
        ::core::future::ready(()).await;
    }
}

#[traced_span]
pub(crate) fn own() -> u32 {
    outer::everywhere()
}

fn main() {
    assert_eq!(own(), 6);
    drop(outer::later());
}
