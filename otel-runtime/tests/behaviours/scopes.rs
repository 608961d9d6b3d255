//! The instrumentation scope: whose code it was.

use otel_runtime::traced_span;

use super::{block_on, leaf, record};

#[test]
fn the_scope_is_the_annotated_crate() {
    let recorded = record();
    leaf();
    let span = recorded.only();
    assert_eq!(span.scope_name, env!("CARGO_PKG_NAME"));
    assert_eq!(
        span.scope_version.as_deref(),
        Some(env!("CARGO_PKG_VERSION"))
    );
}

#[traced_span(scope = "my.library")]
fn scoped() {}

#[test]
fn the_scope_can_be_named() {
    let recorded = record();
    scoped();
    let span = recorded.only();
    assert_eq!(
        (span.scope_name.as_str(), span.scope_version),
        ("my.library", None)
    );
}

#[test]
fn a_library_of_edition_2021_keeps_its_temporaries() {
    let recorded = record();
    let lock = std::sync::Mutex::new(Vec::new());
    assert_eq!(annotated_library::is_still_locked(&lock), [true, true]);
    recorded.check(&[
        "INTERNAL library.lock",
        "  INTERNAL library.block",
        "  INTERNAL library.condition",
    ]);
}

#[test]
fn crates_in_one_binary_keep_theirs() {
    #[traced_span]
    async fn ours() {
        annotated_library::call(leaf);
        annotated_library::wait_for(async { leaf() }).await;
    }
    let recorded = record();
    block_on(ours());
    recorded.check(&[
        "INTERNAL ours",
        "  INTERNAL library.call",
        "    INTERNAL leaf",
        "  INTERNAL library.await",
        "    INTERNAL library.part",
        "      INTERNAL leaf",
    ]);
    for span in recorded.spans().finished() {
        let expected = if span.name.starts_with("library") {
            ("annotated-library", "3.1.4")
        } else {
            (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        };
        assert_eq!(
            (span.scope_name.as_str(), span.scope_version.as_deref()),
            (expected.0, Some(expected.1)),
            "{}",
            span.name
        );
    }
}
