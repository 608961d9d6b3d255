#![deny(warnings)]
#![allow(clippy::too_many_arguments, clippy::unnecessary_wraps)]

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

/// Many parameters with parts that have no name, of functions of each shape.
macro_rules! partly_bound {
    ($name:ident, $ret:ty, $value:expr, [$($async:ident)?], [$($await:tt)*], $(#[$attribute:meta])*) => {
        $(#[$attribute])*
        pub(super) $($async)? fn $name(
            (_, _a): (Noted, Noted),
            (_b, _): (Noted, Noted),
            [_c, _, _]: [Noted; 3],
            [_, _, _d]: [Noted; 3],
            ([_e, _], _): ([Noted; 2], Noted),
            [(_f, _), _]: [(Noted, Noted); 2],
            _: [Noted; 2],
            _: (Noted, Noted),
            (_, _): (Noted, Noted),
        ) -> $ret {
            let _local = Noted("local");
            $($await)*
            $value
        }
    };
}

mod plain_parts {
    use super::Noted;
    partly_bound!(unit, u32, 1, [], [],);
    partly_bound!(result, Result<(), String>, Ok(()), [], [],);
    partly_bound!(ready, u32, 1, [async], [],);
    partly_bound!(later, u32, 1, [async], [std::future::ready(()).await;],);
    partly_bound!(helped, u32, 1, [], [],);
    partly_bound!(helped_at_once, u32, 1, [], [],);
}

mod traced_parts {
    use super::{Noted, span_attr, traced_span};
    partly_bound!(unit, u32, 1, [], [], #[traced_span]);
    partly_bound!(result, Result<(), String>, Ok(()), [], [], #[traced_span]);
    partly_bound!(ready, u32, 1, [async], [], #[traced_span]);
    partly_bound!(later, u32, 1, [async], [std::future::ready(()).await;], #[traced_span]);
    partly_bound!(helped, u32, 1, [], [], #[span_attr("n" = |n| *n)]);
    partly_bound!(helped_at_once, u32, 1, [], [], #[span_attr("n" = 1)]);
}

macro_rules! of_parts {
    ($function:expr) => {{
        let n = |name| Noted(name);
        let result = $function(
            (n("1"), n("2")),
            (n("3"), n("4")),
            [n("5"), n("6"), n("7")],
            [n("8"), n("9"), n("10")],
            ([n("11"), n("12")], n("13")),
            [(n("14"), n("15")), (n("16"), n("17"))],
            [n("18"), n("19")],
            (n("20"), n("21")),
            (n("22"), n("23")),
        );
        (result, DROPPED.take())
    }};
}

macro_rules! same_parts {
    ($($function:ident)*) => {
        $(assert_eq!(of_parts!(traced_parts::$function), of_parts!(plain_parts::$function));)*
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
    same_parts!(unit result helped helped_at_once);
    let (traced, _) = of_parts!(traced_parts::ready);
    let (plain, _) = of_parts!(plain_parts::ready);
    assert_eq!((traced.now_or_never(), DROPPED.take()), (plain.now_or_never(), DROPPED.take()));
    let (traced, _) = of_parts!(traced_parts::later);
    let (plain, _) = of_parts!(plain_parts::later);
    assert_eq!((traced.now_or_never(), DROPPED.take()), (plain.now_or_never(), DROPPED.take()));
    // Never polled.
    assert_eq!(
        dropped(|a, b, c, d, e| drop(traced_later(a, b, c, d, e))),
        dropped(|a, b, c, d, e| drop(plain_later(a, b, c, d, e)))
    );
}
