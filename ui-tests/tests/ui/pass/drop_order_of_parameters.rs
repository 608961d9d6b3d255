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

macro_rules! arrays {
    ($name:ident, $later:ident, $(#[$attribute:meta])*) => {
        $(#[$attribute])*
        fn $name([_, first, ..]: [Noted; 4], (_, [.., _last]): (Noted, [Noted; 2]), [_, ..]: [Noted; 2]) -> Result<Noted, String> {
            let _local = Noted("local");
            Ok(first)
        }

        $(#[$attribute])*
        async fn $later([_, first, ..]: [Noted; 4], (_, [.., _last]): (Noted, [Noted; 2]), [_, ..]: [Noted; 2]) -> Noted {
            let _local = Noted("local");
            std::future::ready(()).await;
            first
        }
    };
}

functions!(plain, plain_later,);
arrays!(plain_arrays, plain_arrays_later,);
arrays!(traced_arrays, traced_arrays_later, #[traced_span] #[span_attr("n" = 1, "result" = |_ok| 2)]);
functions!(traced, traced_later, #[traced_span] #[span_attr("n" = 1, "result" = |_ok| 2)]);

fn dropped<T>(run: impl FnOnce(Noted, Noted, Noted, Noted, (Noted, Noted)) -> T) -> Vec<&'static str> {
    let tuple = (Noted("left"), Noted("right"));
    let result = run(Noted("first"), Noted("second"), Noted("third"), Noted("moved"), tuple);
    DROPPED.with_borrow_mut(|dropped| dropped.push("returned"));
    drop(result);
    DROPPED.take()
}

fn dropped_of_arrays<T>(run: impl FnOnce([Noted; 4], (Noted, [Noted; 2]), [Noted; 2]) -> T) -> Vec<&'static str> {
    let four = [Noted("a"), Noted("b"), Noted("c"), Noted("d")];
    let result = run(four, (Noted("e"), [Noted("f"), Noted("g")]), [Noted("h"), Noted("i")]);
    DROPPED.with_borrow_mut(|dropped| dropped.push("returned"));
    drop(result);
    DROPPED.take()
}

fn main() {
    assert_eq!(dropped_of_arrays(traced_arrays), dropped_of_arrays(plain_arrays));
    assert_eq!(
        dropped_of_arrays(|a, b, c| traced_arrays_later(a, b, c).now_or_never().unwrap()),
        dropped_of_arrays(|a, b, c| plain_arrays_later(a, b, c).now_or_never().unwrap())
    );
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
