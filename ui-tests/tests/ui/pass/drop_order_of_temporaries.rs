#![deny(warnings)]

use std::cell::Cell;

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

thread_local! {
    static DROPPED: Cell<String> = const { Cell::new(String::new()) };
}

struct Noted(&'static str);

impl Noted {
    fn length(&self) -> usize {
        self.0.len()
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.take() + self.0 + " ");
    }
}

macro_rules! functions {
    ($tail:ident, $returned:ident, $later:ident, $(#[$attribute:meta])*) => {
        $(#[$attribute])*
        fn $tail(_parameter: &Noted) -> Option<usize> {
            let _local = Noted("local");
            Some(Noted("temporary").length())
        }

        $(#[$attribute])*
        fn $returned(again: bool, _parameter: Noted) -> Result<usize, Noted> {
            let local = Noted("local");
            match Noted("matched").length() {
                7 if again => return Err(local),
                length => Ok(length),
            }
        }

        $(#[$attribute])*
        async fn $later(_parameter: Noted) -> usize {
            let _local = Noted("local");
            std::future::ready(Noted("awaited").length()).await + Noted("temporary").length()
        }
    };
}

functions!(tail, returned, later,);
functions!(traced_tail, traced_returned, traced_later, #[traced_span]);

fn dropped<T>(result: T) -> String {
    drop(result);
    DROPPED.take()
}

fn main() {
    let parameter = Noted("parameter");
    assert_eq!(dropped(traced_tail(&parameter)), dropped(tail(&parameter)));
    for again in [false, true] {
        let parameter = || Noted("parameter");
        assert_eq!(dropped(traced_returned(again, parameter())), dropped(returned(again, parameter())));
    }
    let traced = dropped(traced_later(Noted("parameter")).now_or_never());
    assert_eq!(traced, dropped(later(Noted("parameter")).now_or_never()));
}
