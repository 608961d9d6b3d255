#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, span_event};

struct Room(u32);

impl Room {
    #[span_attr("room" = self.0)]
    #[must_use]
    fn by_value(self) -> u32 {
        self.0
    }

    #[otel_runtime::span_event("changed", "by" = by, "now" = |now| **now)]
    fn change(&mut self, by: u32) -> Result<&mut u32, String> {
        self.0 = self.0.checked_sub(by).ok_or("too many")?;
        Ok(&mut self.0)
    }

    #[span_event("awaited")]
    #[span_attr("length" = |text| text.len() + 1)]
    async fn later(&self, mut text: String) -> Result<String, String> {
        std::future::ready(()).await;
        text.push('!');
        Ok(text)
    }
}

#[span_attr("n" = n)]
unsafe extern "C" fn foreign(n: i32) -> i32 {
    n
}

#[span_event("opaque", "text" = text)]
fn opaque(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars()
}

#[span_attr("generic" = ?value)]
fn generic<T: std::fmt::Debug, const N: usize>(value: [T; N]) -> Option<T> {
    value.into_iter().next()
}

#[span_event("never")]
fn never() -> ! {
    panic!("never")
}

fn main() {
    assert_eq!(Room(1).by_value(), 1);
    let mut room = Room(3);
    assert_eq!((room.change(1).copied(), room.change(9).is_err()), (Ok(2), true));
    assert_eq!(room.later("a".to_owned()).now_or_never(), Some(Ok("a!".to_owned())));
    // SAFETY: it asks for nothing.
    assert_eq!(unsafe { foreign(1) }, 1);
    assert_eq!(opaque("ab").count(), 2);
    assert_eq!(generic(["a"]), Some("a"));
    assert!(std::panic::catch_unwind(|| never()).is_err());
}
