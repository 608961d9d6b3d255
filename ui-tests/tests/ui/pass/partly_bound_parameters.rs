//! What a pattern leaves unbound is dropped when it would be without the attribute.

#![deny(warnings)]

use std::cell::RefCell;
use std::future::{Future, ready};
use std::pin::pin;
use std::task::{Context, Waker};

use otel_runtime::traced_span;

thread_local! {
    static DROPPED: RefCell<String> = const { RefCell::new(String::new()) };
}

struct Noted(char);

impl Drop for Noted {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

macro_rules! functions {
    ($module:ident, $(#[$attribute:meta])*) => {
        mod $module {
            use super::*;

            $(#[$attribute])*
            pub(crate) fn tuples(
                (_a, _): (Noted, Noted),
                (_, ((_c, _), _d)): (Noted, ((Noted, Noted), Noted)),
            ) -> Option<u32> {
                Some(1)
            }

            $(#[$attribute])*
            pub(crate) async fn later(_: Noted, _e: Noted, (_, _f): (Noted, Noted)) -> Option<u32> {
                ready(Some(1)).await
            }

            $(#[$attribute])*
            pub(crate) fn references(&(n, _): &(u32, Noted), (m, _): &(u32, Noted)) -> Option<u32> {
                Some(n + m)
            }
        }
    };
}

functions!(plain,);
functions!(traced, #[traced_span]);

macro_rules! order {
    ($module:ident) => {{
        let noted = Noted;
        $module::tuples(
            (noted('a'), noted('1')),
            (noted('2'), ((noted('c'), noted('3')), noted('d'))),
        );
        let later = $module::later(noted('4'), noted('e'), (noted('5'), noted('f')));
        assert!(pin!(later).poll(&mut Context::from_waker(Waker::noop())).is_ready());
        assert_eq!($module::references(&(1, noted('g')), &(2, noted('h'))), Some(3));
        DROPPED.take()
    }};
}

fn main() {
    assert_eq!(order!(traced), order!(plain));
}
