//! Parents and children.

use std::future::Future;
use std::pin::{Pin, pin};

use opentelemetry::Context;
use otel_runtime::traced_span;

use super::{async_child, async_parent, block_on, current_span, leaf, pause, poll_once, record};

#[traced_span("parent", kind = server)]
fn parent() {
    leaf();
    leaf();
}

#[test]
fn calls_become_children() {
    let recorded = record();
    parent();
    recorded.check(&["SERVER parent", "  INTERNAL leaf", "  INTERNAL leaf"]);
}

#[test]
fn awaits_become_children() {
    let recorded = record();
    block_on(async_parent());
    recorded.check(&[
        "INTERNAL async_parent",
        "  INTERNAL leaf",
        "  INTERNAL child",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn a_span_is_current_only_while_its_future_is_polled() {
    let recorded = record();
    let before = current_span();
    let mut future = pin!(async_parent());
    assert!(poll_once(future.as_mut()).is_pending());
    assert_eq!(current_span(), before);
    leaf();
    assert!(poll_once(future).is_ready());
    recorded.check(&[
        "INTERNAL async_parent",
        "  INTERNAL leaf",
        "  INTERNAL child",
        "    INTERNAL leaf",
        "  INTERNAL leaf",
        "INTERNAL leaf",
    ]);
}

#[test]
fn a_future_that_is_never_polled_makes_no_span() {
    let recorded = record();
    drop(async_parent());
    recorded.check(&[]);
}

#[test]
fn a_span_ends_though_its_context_lives_on() {
    #[traced_span]
    fn hands_out() -> Context {
        Context::current()
    }
    let recorded = record();
    let context = hands_out();
    recorded.check(&["INTERNAL hands_out"]);
    drop(context);
    recorded.check(&["INTERNAL hands_out"]);
}

#[test]
fn an_async_span_ends_though_its_context_lives_on() {
    #[traced_span]
    async fn hands_out() -> Context {
        pause().await;
        Context::current()
    }
    let recorded = record();
    let context = block_on(hands_out());
    recorded.check(&["INTERNAL hands_out"]);
    drop(context);
    recorded.check(&["INTERNAL hands_out"]);
}

#[test]
fn a_parent_may_end_before_its_child() {
    #[traced_span]
    fn hands_out() -> Context {
        Context::current()
    }
    let recorded = record();
    let context = hands_out();
    {
        let _parent = context.attach();
        leaf();
        block_on(async_child());
    }
    leaf();
    recorded.check(&[
        "INTERNAL hands_out",
        "  INTERNAL leaf",
        "  INTERNAL child",
        "    INTERNAL leaf",
        "INTERNAL leaf",
    ]);
}

#[test]
fn a_child_may_be_polled_after_its_parent_has_ended() {
    #[traced_span]
    fn begins<F: Future>(child: Pin<&mut F>) {
        assert!(poll_once(child).is_pending());
    }
    let recorded = record();
    let mut child = Box::pin(async_child());
    begins(child.as_mut());
    recorded.check(&["INTERNAL begins"]);
    block_on(child);
    recorded.check(&["INTERNAL begins", "  INTERNAL child", "    INTERNAL leaf"]);
}

#[test]
fn recursion_makes_a_span_for_each_call() {
    #[traced_span]
    fn down(depth: u32) {
        if depth > 0 {
            down(depth - 1);
        }
    }
    #[traced_span]
    async fn down_later(depth: u32) {
        pause().await;
        if depth > 0 {
            Box::pin(down_later(depth - 1)).await;
        }
    }
    let recorded = record();
    down(2);
    block_on(down_later(1));
    recorded.check(&[
        "INTERNAL down",
        "  INTERNAL down",
        "    INTERNAL down",
        "INTERNAL down_later",
        "  INTERNAL down_later",
    ]);
}

#[test]
fn a_macro_of_another_crate_can_name_its_runtime() {
    annotated_library::traced! {
        fn handed_out() -> impl Future<Output = Result<u32, String>> {
            async { Ok(later().await?) }
        }
    }
    annotated_library::traced! {
        async fn later() -> Result<u32, &'static str> {
            pause().await;
            sync()
        }
    }
    annotated_library::traced! {
        #[otel_runtime::span_attr("sum" = |sum| *sum)]
        fn sync() -> Result<u32, &'static str> {
            Ok(1)
        }
    }
    let recorded = record();
    assert_eq!(block_on(handed_out()), Ok(1));
    recorded.check(&[
        "INTERNAL handed_out",
        "  INTERNAL later",
        "    INTERNAL sync",
    ]);
}

#[test]
fn an_attribute_that_stands_twice_makes_two_spans() {
    #[traced_span]
    #[traced_span]
    fn twice() {
        leaf();
    }
    #[traced_span]
    #[traced_span]
    async fn twice_later() {
        pause().await;
        leaf();
    }
    #[traced_span]
    #[traced_span]
    fn twice_in_a_box() -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async {
            pause().await;
            leaf();
        })
    }
    let recorded = record();
    drop(twice_later());
    drop(twice_in_a_box());
    twice();
    block_on(twice_later());
    block_on(twice_in_a_box());
    recorded.check(&[
        "INTERNAL twice",
        "  INTERNAL twice",
        "    INTERNAL leaf",
        "INTERNAL twice_later",
        "  INTERNAL twice_later",
        "    INTERNAL leaf",
        "INTERNAL twice_in_a_box",
        "  INTERNAL twice_in_a_box",
        "    INTERNAL leaf",
    ]);
}

#[test]
fn a_suppressed_scope_within_a_call_hides_what_is_in_it() {
    #[traced_span]
    fn around() {
        {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            leaf();
        }
        leaf();
    }
    let recorded = record();
    around();
    recorded.check(&["INTERNAL around", "  INTERNAL leaf"]);
}
