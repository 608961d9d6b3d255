//! The options of `#[traced_span]`.

use std::future::Future;
use std::panic::catch_unwind;
use std::pin::Pin;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use otel_runtime::{span_attr, span_event, traced_span};

use super::{block_on, leaf, pause, record, span_context, unsampled_span};

#[traced_span("root", root)]
fn root() {}

#[traced_span("explicit", parent = parent.clone())]
fn under_context(parent: &Context) {
    leaf();
}

#[traced_span(parent = parent)]
async fn under_span_context(parent: SpanContext) {
    std::future::ready(()).await;
    leaf();
}

#[traced_span(links = others)]
fn linked(others: &[SpanContext]) {}

#[traced_span(leaf)]
#[span_attr("n" = n)]
#[span_event("seen")]
fn leaf_span(n: u32) -> Result<u32, String> {
    leaf();
    if n == 0 {
        Err("zero".to_owned())
    } else {
        Ok(n)
    }
}

#[traced_span(leaf)]
async fn leaf_task() {
    pause().await;
    leaf();
}

#[test]
fn a_root_starts_a_trace_of_its_own() {
    #[traced_span]
    fn around() {
        root();
        leaf();
    }
    let recorded = record();
    around();
    recorded.check(&["INTERNAL around", "  INTERNAL leaf", "INTERNAL root"]);
    let spans = recorded.spans().finished();
    assert_ne!(spans[0].trace_id, spans[1].trace_id);
}

#[test]
fn a_parent_can_be_given() {
    #[traced_span]
    fn first() -> (Context, SpanContext) {
        (Context::current(), span_context())
    }
    let recorded = record();
    let (context, span_context) = first();
    under_context(&context);
    block_on(under_span_context(span_context));
    recorded.check(&[
        "INTERNAL first",
        "  INTERNAL explicit",
        "    INTERNAL leaf",
        "  INTERNAL under_span_context",
        "    INTERNAL leaf",
    ]);
}

/// What is current in the body, and whether telemetry is suppressed there.
fn around() -> (SpanContext, bool, Option<u32>) {
    let context = Context::current();
    let value = context.get::<Value>().map(|value| value.0);
    (
        context.span().span_context().clone(),
        context.is_telemetry_suppressed(),
        value,
    )
}

struct Value(u32);

#[traced_span(parent = parent)]
fn around_under(parent: &Context) -> (SpanContext, bool, Option<u32>) {
    around()
}

#[traced_span(parent = parent)]
async fn around_later_under(parent: &Context) -> (SpanContext, bool, Option<u32>) {
    pause().await;
    around()
}

#[traced_span(parent = parent, leaf)]
fn around_leaf_under(parent: &Context) -> (SpanContext, bool, Option<u32>) {
    around()
}

#[test]
fn a_parent_is_current_also_where_no_span_is_made() {
    let recorded = record();
    let suppressed = Context::new()
        .with_value(Value(1))
        .with_telemetry_suppressed();
    let unsampled = Context::new()
        .with_value(Value(2))
        .with_remote_span_context(unsampled_span());
    let before = around();
    for (parent, is_suppressed, value) in [(&suppressed, true, 1), (&unsampled, false, 2)] {
        let trace = parent.span().span_context().trace_id();
        for (current, found_suppressed, found) in
            [around_under(parent), block_on(around_later_under(parent))]
        {
            assert_eq!(current.trace_id(), trace);
            assert!(!current.is_sampled());
            assert_eq!((found_suppressed, found), (is_suppressed, Some(value)));
        }
        assert_eq!(around_leaf_under(parent), before);
        assert_eq!(around(), before);
    }
    recorded.check(&[]);
}

#[test]
fn links_are_recorded() {
    #[traced_span]
    fn other() -> SpanContext {
        span_context()
    }
    let recorded = record();
    linked(&[other(), other()]);
    recorded.check_attributes(&[
        "INTERNAL other",
        "INTERNAL other",
        "INTERNAL linked",
        "    ~ link to INTERNAL other",
        "    ~ link to INTERNAL other",
    ]);
}

#[test]
fn a_leaf_is_recorded_and_never_current() {
    #[traced_span]
    async fn around() {
        assert_eq!(leaf_span(1), Ok(1));
        assert!(leaf_span(0).is_err());
        leaf_task().await;
    }
    let recorded = record();
    block_on(around());
    recorded.check(&[
        "INTERNAL around",
        "  INTERNAL leaf_span",
        "  INTERNAL leaf",
        "  INTERNAL leaf_span ERROR: zero",
        "  INTERNAL leaf",
        "  INTERNAL leaf_task",
        "  INTERNAL leaf",
    ]);
}

#[test]
fn a_leaf_takes_what_is_known_only_at_its_end() {
    #[traced_span(leaf)]
    #[span_attr("half" = |n| *n / 2)]
    #[span_event("halved", "of" = |n| *n)]
    fn halving(n: u32) -> Result<u32, String> {
        // Another span is open, and has ended, before anything is added to this one.
        assert_eq!(halved(n), n / 2);
        if n.is_multiple_of(2) {
            Ok(n)
        } else {
            Err("odd".to_owned())
        }
    }
    #[traced_span(leaf)]
    #[span_attr("half" = |half| *half)]
    fn halved(n: u32) -> u32 {
        n / 2
    }
    #[traced_span(leaf)]
    fn refuses() {
        panic!("on purpose");
    }
    #[traced_span]
    fn around() {
        assert!(halving(8).is_ok());
        assert!(halving(7).is_err());
        assert!(catch_unwind(refuses).is_err());
    }
    let recorded = record();
    around();
    recorded.check_attributes(&[
        "INTERNAL around",
        "  INTERNAL halving",
        "      · half = 4",
        "      * halved",
        "        · of = 8",
        "  INTERNAL halved",
        "      · half = 4",
        "  INTERNAL halving ERROR: odd",
        "      · error.type = \"alloc::string::String\"",
        "      * exception",
        "        · exception.message = \"odd\"",
        "        · exception.type = \"alloc::string::String\"",
        "  INTERNAL halved",
        "      · half = 3",
        "  INTERNAL refuses ERROR",
        "      · error.type = \"panic\"",
        "      * exception",
        "        · exception.type = \"panic\"",
    ]);
}

#[test]
fn kinds_of_each_sort() {
    #[traced_span(kind = internal)]
    fn internal() {}
    #[traced_span(kind = server)]
    fn server() {}
    #[traced_span(kind = client)]
    async fn client() {
        std::future::ready(()).await;
    }
    #[traced_span(kind = producer)]
    fn producer() -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async {})
    }
    #[traced_span(kind = consumer)]
    fn consumer() {
        #[traced_span("inside", kind = client)]
        {
            leaf();
        }
    }
    let recorded = record();
    internal();
    server();
    block_on(client());
    block_on(producer());
    consumer();
    recorded.check(&[
        "INTERNAL internal",
        "SERVER server",
        "CLIENT client",
        "PRODUCER producer",
        "CONSUMER consumer",
        "  CLIENT inside",
        "    INTERNAL leaf",
    ]);
}

#[test]
fn names_of_each_sort() {
    const NAME: &str = "constant";

    #[traced_span]
    fn r#type() {}
    #[traced_span]
    fn generic<T: Default>() -> T {
        T::default()
    }
    #[traced_span("a literal, Zürich")]
    fn literal() {}
    #[traced_span(name = NAME)]
    async fn constant() {
        std::future::ready(()).await;
    }
    #[traced_span(name = format!("computed {id}"))]
    async fn computed(id: u32) {
        std::future::ready(()).await;
    }
    #[traced_span(name = name)]
    fn given(name: &'static str) {}
    let recorded = record();
    r#type();
    generic::<u32>();
    literal();
    block_on(constant());
    block_on(computed(7));
    given("given at run time");
    recorded.check(&[
        "INTERNAL type",
        "INTERNAL generic",
        "INTERNAL a literal, Zürich",
        "INTERNAL constant",
        "INTERNAL computed 7",
        "INTERNAL given at run time",
    ]);
}

#[test]
fn async_functions_have_links_roots_and_parents_too() {
    #[traced_span(root)]
    async fn async_root() -> SpanContext {
        pause().await;
        span_context()
    }
    #[traced_span(links = Some(other))]
    async fn async_linked(other: &SpanContext) {
        pause().await;
        leaf();
    }
    #[traced_span]
    async fn around() {
        let root = async_root().await;
        async_linked(&root).await;
        under_span_context(root).await;
    }
    let recorded = record();
    block_on(around());
    recorded.check_attributes(&[
        "INTERNAL around",
        "  INTERNAL async_linked",
        "      ~ link to INTERNAL async_root",
        "    INTERNAL leaf",
        "INTERNAL async_root",
        "  INTERNAL under_span_context",
        "    INTERNAL leaf",
    ]);
}

#[test]
fn links_may_be_none_and_of_any_iterator() {
    #[traced_span(links = others.iter().copied().flatten())]
    fn of_iterator(others: &[Option<&SpanContext>]) {}
    let recorded = record();
    linked(&[]);
    let other = otel_runtime::span!("other", { span_context() });
    of_iterator(&[None, Some(&other)]);
    recorded.check_attributes(&[
        "INTERNAL linked",
        "INTERNAL other",
        "INTERNAL of_iterator",
        "    ~ link to INTERNAL other",
    ]);
}

#[test]
fn what_is_current_is_no_parent_where_one_is_given() {
    #[traced_span]
    fn first() -> opentelemetry::Context {
        Context::current()
    }
    #[traced_span]
    fn second(parent: &Context) {
        under_context(parent);
        leaf();
    }
    let recorded = record();
    second(&first());
    recorded.check(&[
        "INTERNAL first",
        "  INTERNAL explicit",
        "    INTERNAL leaf",
        "INTERNAL second",
        "  INTERNAL leaf",
    ]);
}
