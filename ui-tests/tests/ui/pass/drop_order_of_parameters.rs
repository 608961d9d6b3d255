#![deny(warnings)]

use std::cell::RefCell;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

thread_local! {
    static DROPPED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

struct Noted(&'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

macro_rules! functions {
    ($name:ident, $later:ident, $(#[$attribute:meta])*) => {
        $(#[$attribute])*
        fn $name(first: Noted, _: Noted, _third: Noted, moved: Noted, (left, right): (Noted, Noted)) -> Result<Noted, String> {
            let _local = Noted("local");
            drop(left);
            if right.0.is_empty() || first.0.is_empty() {
                return Err("empty".to_owned());
            }
            Ok(moved)
        }

        $(#[$attribute])*
        async fn $later(first: Noted, _: Noted, _third: Noted, moved: Noted, (left, right): (Noted, Noted)) -> Noted {
            let _local = Noted("local");
            std::future::ready(()).await;
            drop((left, right.0, first.0));
            moved
        }
    };
}

functions!(plain, plain_later,);
functions!(traced, traced_later, #[traced_span] #[span_attr("n" = 1, "result" = |_ok| 2)]);

fn dropped<T>(run: impl FnOnce(Noted, Noted, Noted, Noted, (Noted, Noted)) -> T) -> Vec<&'static str> {
    let tuple = (Noted("left"), Noted("right"));
    let result = run(Noted("first"), Noted("second"), Noted("third"), Noted("moved"), tuple);
    DROPPED.with_borrow_mut(|dropped| dropped.push("returned"));
    drop(result);
    DROPPED.take()
}

fn main() {
    assert_eq!(dropped(traced), dropped(plain));
    assert_eq!(
        dropped(|a, b, c, d, e| traced_later(a, b, c, d, e).now_or_never().unwrap()),
        dropped(|a, b, c, d, e| plain_later(a, b, c, d, e).now_or_never().unwrap())
    );
    // Never polled.
    assert_eq!(
        dropped(|a, b, c, d, e| drop(traced_later(a, b, c, d, e))),
        dropped(|a, b, c, d, e| drop(plain_later(a, b, c, d, e)))
    );
}
