//! What users' own code may do while it is asked for a value: start spans, read the context, panic.

use std::fmt;
use std::future::Future;
use std::panic::{UnwindSafe, catch_unwind};

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, Status};
use otel_runtime::{attr, event, span_attr, span_event, traced_span};

use super::{block_on, current_span, leaf, pause, record};

/// Says which span is current, and makes one.
struct Curious;

impl Curious {
    fn say(f: &mut fmt::Formatter<'_>) -> fmt::Result {
        attr!("looked.at" = true);
        event!("looked.at");
        leaf();
        write!(f, "{}", current_span())
    }
}

impl fmt::Display for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Curious::say(f)
    }
}

impl fmt::Debug for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Curious::say(f)
    }
}

/// Checks that the function's own span is the current one while its error is described.
#[track_caller]
fn check_described(call: impl FnOnce() -> Result<(), Curious>) {
    let recorded = record();
    assert!(call().is_err());
    let spans = recorded.spans().finished();
    let [leaf, fails] = spans.as_slice() else {
        panic!("{}", recorded.spans().tree());
    };
    assert_eq!(fails.status, Status::error(fails.span_id.to_string()));
    assert_eq!(fails.attribute("looked.at"), Some(&true.into()));
    assert!(fails.event("looked.at").is_some());
    assert_eq!(leaf.parent_span_id, Some(fails.span_id));
}

#[test]
fn an_error_may_look_around_in_its_display() {
    #[traced_span]
    fn fails() -> Result<(), Curious> {
        Err(Curious)
    }
    check_described(fails);
}

#[test]
fn an_error_may_look_around_in_its_debug() {
    #[traced_span(err = debug)]
    fn fails() -> Result<(), Curious> {
        Err(Curious)
    }
    check_described(fails);
}

#[test]
fn an_error_of_an_async_function_may_look_around() {
    #[traced_span]
    async fn fails() -> Result<(), Curious> {
        pause().await;
        Err(Curious)
    }
    check_described(|| block_on(fails()));
}

#[test]
fn an_error_of_an_async_function_may_look_around_in_its_debug() {
    #[traced_span(err = debug)]
    async fn fails() -> Result<(), Curious> {
        std::future::ready(()).await;
        Err(Curious)
    }
    check_described(|| block_on(fails()));
}

#[test]
fn an_error_of_a_future_that_is_handed_out_may_look_around() {
    #[traced_span]
    fn fails() -> impl Future<Output = Result<(), Curious>> {
        let ended = Err(Curious);
        async { ended }
    }
    check_described(|| block_on(fails()));
}

#[test]
fn an_error_of_a_boxed_block_may_look_around() {
    #[traced_span]
    fn fails() -> std::pin::Pin<Box<dyn Future<Output = Result<(), Curious>>>> {
        Box::pin(async { Err(Curious) })
    }
    check_described(|| block_on(fails()));
}

#[test]
fn a_value_of_an_async_function_may_look_around() {
    #[traced_span("looked at")]
    #[span_attr("shown" = %Curious, "result" = |()| Curious.to_string())]
    async fn later() {
        pause().await;
        attr!("inline" = ?Curious);
    }
    let recorded = record();
    block_on(later());
    let span = recorded.spans().finished().pop().expect("a span");
    for key in ["shown", "result", "inline"] {
        let value = span.attribute(key).map(ToString::to_string);
        assert_eq!(value, Some(span.span_id.to_string()), "{key}");
    }
    recorded.check(&[
        "INTERNAL looked at",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn a_value_may_look_around() {
    #[traced_span("looked at")]
    #[span_attr("shown" = %Curious, "result" = |()| Curious.to_string())]
    fn sync() {
        attr!("inline" = ?Curious);
    }
    let recorded = record();
    sync();
    let span = recorded.spans().finished().pop().expect("a span");
    for key in ["shown", "result", "inline"] {
        let value = span.attribute(key).map(ToString::to_string);
        assert_eq!(value, Some(span.span_id.to_string()), "{key}");
    }
    recorded.check(&[
        "INTERNAL looked at",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

/// Panics wherever it is shown, after having started a span.
struct Loud;

impl fmt::Display for Loud {
    #[traced_span("display")]
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        loud()
    }
}

impl fmt::Debug for Loud {
    #[traced_span("debug")]
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        loud()
    }
}

fn loud<T>() -> T {
    panic!("on purpose")
}

/// Checks that the span ends as one that panicked, that the context is restored, and that recording goes on.
#[track_caller]
fn check_panic(name: &str, call: impl FnOnce() + UnwindSafe) {
    let recorded = record();
    let before = current_span();
    assert!(catch_unwind(call).is_err(), "{name}");
    assert_eq!(current_span(), before, "{name}");
    let spans = recorded.spans().finished();
    let span = spans.last().expect("a span");
    assert_eq!(span.name, name);
    assert_eq!(span.status, Status::error(""), "{name}");
    assert_eq!(
        span.attribute("error.type"),
        Some(&"panic".into()),
        "{name}"
    );
    assert!(span.event("exception").is_some(), "{name}");
    recorded.spans().clear();
    leaf();
    recorded.check(&["INTERNAL leaf"]);
}

/// A function, sync and async, each with one thing in it that panics.
macro_rules! panicking {
    ($(#[$attribute:meta])* $name:ident -> $output:ty, $body:expr) => {{
        fn sync() {
            #[traced_span]
            $(#[$attribute])*
            fn $name() -> $output {
                $body
            }
            let _ = $name();
        }
        fn later() {
            #[traced_span]
            $(#[$attribute])*
            async fn $name() -> $output {
                pause().await;
                $body
            }
            let _ = block_on($name());
        }
        check_panic(stringify!($name), sync);
        check_panic(stringify!($name), later);
    }};
}

#[test]
fn a_panic_in_an_attribute_ends_its_span() {
    panicking!(#[span_attr("loud" = loud::<u32>())] typed -> (), ());
    panicking!(#[span_attr({ loud::<&str>() } = 1 + 1)] key -> (), ());
    panicking!(#[span_attr("loud" = %Loud)] shown -> (), ());
    panicking!(#[span_attr("loud" = ?Loud)] debugged -> (), ());
    panicking!(#[span_attr("loud" = |()| loud::<u32>())] result -> (), ());
    panicking!(#[span_attr("loud" = |()| Loud.to_string())] result_shown -> (), ());
}

#[test]
fn a_panic_in_an_event_ends_its_span() {
    panicking!(#[span_event(loud::<String>() + "!")] event_name -> (), ());
    panicking!(#[span_event("event", "loud" = loud::<u32>())] typed -> (), ());
    panicking!(#[span_event("event", "loud" = %Loud)] shown -> (), ());
    panicking!(#[span_event("event", "loud" = |()| loud::<u32>())] result -> (), ());
}

#[test]
fn a_panic_in_a_body_or_a_statement_ends_its_span() {
    panicking!(body -> u32, loud());
    panicking!(inline_attribute -> (), attr!("loud" = %Loud));
    panicking!(inline_event -> (), event!("event", "loud" = loud::<u32>()));
}

#[test]
fn a_panic_while_an_error_is_described_ends_its_span() {
    panicking!(display -> Result<(), Loud>, Err(Loud));
    check_panic("debug_option", || {
        #[traced_span(err = debug)]
        fn debug_option() -> Result<(), Loud> {
            Err(Loud)
        }
        let _ = debug_option();
    });
    check_panic("err_option", || {
        #[traced_span(err = |_| loud::<u32>())]
        fn err_option() -> Result<(), u32> {
            Err(7)
        }
        let _ = err_option();
    });
    check_panic("err_if_option", || {
        #[traced_span(err_if = |_| loud())]
        async fn err_if_option() -> Result<(), u32> {
            std::future::ready(()).await;
            Err(7)
        }
        let _ = block_on(err_if_option());
    });
    check_panic("handed_out", || {
        #[traced_span]
        fn handed_out() -> impl Future<Output = Result<(), Loud>> {
            let ended = Err(Loud);
            async { ended }
        }
        let _ = block_on(handed_out());
    });
}

#[test]
fn a_panic_before_the_span_makes_none() {
    #[traced_span(name = loud::<String>())]
    fn name() {}
    #[traced_span(links = [loud::<SpanContext>()])]
    async fn links() {
        std::future::ready(()).await;
    }
    #[traced_span(parent = loud::<Context>())]
    fn parent() {}
    let recorded = record();
    let before = current_span();
    assert!(catch_unwind(name).is_err());
    assert!(catch_unwind(|| block_on(links())).is_err());
    assert!(catch_unwind(parent).is_err());
    assert_eq!(current_span(), before);
    recorded.check(&[]);
    leaf();
    recorded.check(&["INTERNAL leaf"]);
}

#[test]
fn a_panic_in_a_key_ends_its_span() {
    fn loud() -> &'static str {
        panic!("on purpose")
    }
    #[traced_span]
    #[span_attr({ loud() } = 1)]
    fn key() {}
    let recorded = record();
    assert!(catch_unwind(key).is_err());
    recorded.check(&["INTERNAL key ERROR"]);
}
