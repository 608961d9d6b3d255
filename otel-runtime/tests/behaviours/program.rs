//! The program stays what it was without the attributes.

use std::cell::Cell;

use otel_runtime::traced_span;

use super::{block_on, pause, record};

thread_local! {
    static DROPPED: Cell<String> = const { Cell::new(String::new()) };
}

struct Noted(&'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.take() + self.0);
    }
}

macro_rules! dropping {
    ($module:ident $(, $attribute:ident)?) => {
        mod $module {
            use super::*;

            $(#[$attribute])?
            pub(super) fn sync(_a: Noted, b: Noted, (_c, _d): (Noted, Noted), _: Noted, (Ok(_e) | Err(_e)): Result<Noted, Noted>) -> Result<(), ()> {
                let _local = Noted("l");
                let _moved = b;
                Ok(())
            }

            $(#[$attribute])?
            pub(super) async fn later(_a: Noted, b: Noted, (_c, _d): (Noted, Noted)) -> Result<(), ()> {
                let _local = Noted("l");
                let _moved = b;
                pause().await;
                Ok(())
            }
        }
    };
}

dropping!(plain);
dropping!(traced, traced_span);

#[test]
fn parameters_and_locals_are_dropped_as_without_the_attribute() {
    fn order(run: impl FnOnce([Noted; 4], [Noted; 2])) -> String {
        DROPPED.set(String::new());
        run(["a", "b", "c", "d"].map(Noted), ["e", "f"].map(Noted));
        DROPPED.take()
    }
    let _recorded = record();
    let plain = order(|[a, b, c, d], [e, f]| plain::sync(a, b, (c, d), e, Ok(f)).unwrap());
    let traced = order(|[a, b, c, d], [e, f]| traced::sync(a, b, (c, d), e, Ok(f)).unwrap());
    assert_eq!(plain, traced);
    let plain = order(|[a, b, c, d], _| block_on(plain::later(a, b, (c, d))).unwrap());
    let traced = order(|[a, b, c, d], _| block_on(traced::later(a, b, (c, d))).unwrap());
    assert_eq!(plain, traced);
}

#[test]
fn a_traced_future_is_hardly_larger() {
    let of = |text| [text; 4].map(Noted);
    let [a, b, c, d] = of("x");
    let plain = size_of_val(&plain::later(a, b, (c, d)));
    let [a, b, c, d] = of("x");
    let traced = size_of_val(&traced::later(a, b, (c, d)));
    assert!(traced <= plain + 64, "{traced} bytes instead of {plain}");
}

#[test]
fn a_function_still_sees_its_caller() {
    #[track_caller]
    #[traced_span]
    fn line() -> String {
        std::panic::Location::caller().line().to_string()
    }
    let recorded = record();
    assert_eq!(line(), line!().to_string());
    recorded.check(&["INTERNAL line"]);
}
