#![deny(warnings)]

use otel_runtime::traced_span;

#[must_use]
#[traced_span]
fn above() -> u32 {
    1
}

#[traced_span]
#[must_use = "it is all there is"]
fn below() -> Option<u32> {
    Some(1)
}

struct Rooms;

#[traced_span]
impl Rooms {
    #[must_use]
    fn count(&self) -> u32 {
        std::mem::size_of_val(self).try_into().unwrap_or(0)
    }
}

#[traced_span]
fn fails() -> Result<(), String> {
    Err("no".to_owned())
}

#[traced_span]
async fn later() {
    ::core::future::ready(()).await;
}

fn main() {
    // Each of these would be an unfulfilled expectation if the call could be ignored.
    #[expect(unused_must_use)]
    above();
    #[expect(unused_must_use)]
    below();
    #[expect(unused_must_use)]
    Rooms.count();
    #[expect(unused_must_use)]
    fails();
    #[expect(unused_must_use)]
    later();
}
