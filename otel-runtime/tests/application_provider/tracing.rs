//! Spans of the library among those of `tracing` that `tracing-opentelemetry` makes.
//!
//! Both land in one trace as long as its layer activates the OpenTelemetry context of the span that is entered
//! (`with_context_activation`), which it does unless told otherwise. Where it is switched off, our span under one of
//! `tracing` is not its child; the function can then name it as `parent = Span::current().context()`.

use annotated_library::{call, find, wait_for};
use opentelemetry::trace::TracerProvider as _;
use otel_runtime::traced_span;
use tracing::{Instrument as _, Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::polling::{block_on, pause};
use super::{Application, start};

/// Does the work with a subscriber for this thread, which sends its spans to the application's provider.
fn with_subscriber<T>(
    application: &Application,
    activates_context: bool,
    work: impl FnOnce() -> T,
) -> T {
    let layer = tracing_opentelemetry::layer()
        .with_tracer(application.provider.tracer("tracing"))
        .with_context_activation(activates_context);
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, work)
}

#[test]
fn ours_under_one_of_tracing_under_ours() {
    let application = start();
    with_subscriber(&application, true, || {
        let _outer = info_span!("outer").entered();
        let found = call(|| info_span!("inner").in_scope(|| find("blue")));
        assert_eq!(found, Ok(4));
        assert_eq!(find(""), Err("no room".to_owned()));
    });
    application.check(&[
        "INTERNAL outer",
        "  INTERNAL library.call",
        "    INTERNAL inner",
        "      CLIENT library.find",
        "        INTERNAL library.measure",
        "  CLIENT library.find ERROR: no room",
    ]);
}

#[test]
fn the_layer_activates_the_context_unless_told_otherwise() {
    let application = start();
    let layer = tracing_opentelemetry::layer().with_tracer(application.provider.tracer("tracing"));
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        info_span!("outer").in_scope(|| call(|| ()));
    });
    application.check(&["INTERNAL outer", "  INTERNAL library.call"]);
}

#[test]
fn futures_under_spans_of_tracing_and_over_them() {
    let application = start();
    with_subscriber(&application, true, || {
        let inner = async {
            pause().await;
            find("blue")
        };
        let waited = wait_for(async {
            pause().await;
            inner.instrument(info_span!("inner")).await
        });
        let found = block_on(waited.instrument(info_span!("outer")));
        assert_eq!(found, Ok(4));
    });
    application.check(&[
        "INTERNAL outer",
        "  INTERNAL library.await",
        "    INTERNAL library.part",
        "      INTERNAL inner",
        "        CLIENT library.find",
        "          INTERNAL library.measure",
    ]);
}

#[test]
fn without_an_active_context_ours_starts_a_trace_of_its_own() {
    let application = start();
    with_subscriber(&application, false, || {
        info_span!("outer").in_scope(|| call(|| info_span!("inner").in_scope(|| ())));
    });
    application.check(&[
        "INTERNAL outer",
        "  INTERNAL inner",
        "INTERNAL library.call",
    ]);
}

#[test]
fn without_an_active_context_a_parent_can_be_given() {
    #[traced_span(parent = Span::current().context())]
    fn under_tracing() {
        call(|| ());
    }
    let application = start();
    with_subscriber(&application, false, || {
        info_span!("outer").in_scope(under_tracing);
    });
    application.check(&[
        "INTERNAL outer",
        "  INTERNAL under_tracing",
        "    INTERNAL library.call",
    ]);
}

#[test]
fn without_an_active_context_one_of_tracing_is_still_a_child_of_ours() {
    let application = start();
    with_subscriber(&application, false, || {
        call(|| info_span!("inner").in_scope(|| ()));
    });
    application.check(&["INTERNAL library.call", "  INTERNAL inner"]);
}
