#![deny(warnings)]

use otel_runtime::traced_span;

#[deprecated]
#[traced_span]
fn above() -> u32 {
    1
}

#[traced_span]
#[deprecated(since = "1.0.0", note = "use `above`")]
async fn below() {
    ::core::future::ready(()).await;
}

struct Rooms;

#[traced_span]
impl Rooms {
    #[deprecated]
    fn count() -> u32 {
        2
    }
}

fn main() {
    #[expect(deprecated)]
    let above = above();
    #[expect(deprecated)]
    let below = below();
    #[expect(deprecated)]
    let count = Rooms::count();
    drop(below);
    assert_eq!((above, count), (1, 2));
}
