#![deny(warnings)]

use std::sync::atomic::{AtomicU32, Ordering};

use otel_runtime::traced_span;

#[derive(Debug, PartialEq)]
struct Room(u32);

#[traced_span]
fn counted() -> Option<u32> {
    #![allow(unused_variables)]
    //! Counts its calls.
    use std::cmp::max;
    static CALLS: AtomicU32 = AtomicU32::new(0);
    const STEP: u32 = 1;
    fn add(n: u32) -> u32 {
        n + STEP
    }
    macro_rules! bigger {
        ($a:expr, $b:expr) => {
            max($a, $b)
        };
    }
    let unused = 1;
    Some(bigger!(add(CALLS.fetch_add(STEP, Ordering::Relaxed)), 1))
}

#[traced_span]
#[expect(clippy::wildcard_imports, reason = "what it brings in is the point")]
fn glob() -> Result<Room, String> {
    use other::*;
    let _: Result = 1;
    Ok(Room(helper()))
}

mod other {
    pub type Result = u32;

    pub fn helper() -> u32 {
        7
    }
}

#[traced_span]
fn nested() -> u32 {
    #[traced_span("nested.inner")]
    fn inner(n: u32) -> u32 {
        n + 1
    }
    inner(1)
}

fn main() {
    assert_eq!(counted(), Some(1));
    assert_eq!(counted(), Some(2));
    assert_eq!(glob(), Ok(Room(7)));
    assert_eq!(nested(), 2);
}
