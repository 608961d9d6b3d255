#![deny(warnings)]
#![deny(
    absolute_paths_not_starting_with_crate,
    ambiguous_negative_literals,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    if_let_rescope,
    impl_trait_overcaptures,
    impl_trait_redundant_captures,
    keyword_idents,
    let_underscore_drop,
    meta_variable_misuse,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    redundant_imports,
    redundant_lifetimes,
    single_use_lifetimes,
    tail_expr_drop_order,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unused_extern_crates,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    future_incompatible,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility
)]
#![allow(rust_2024_incompatible_pat)]
//! What a careful crate denies says nothing of the expansion.

use futures_util::FutureExt as _;
use otel_runtime::{attr, event, span, span_attr, span_event, traced_span};

#[traced_span("room.find", kind = client)]
#[span_attr("room" = room, "name" = %name, "length" = |name| name.len())]
#[span_event("asked", "room" = room)]
fn find<'a>(room: u32, name: &'a str, _unused: &str) -> Result<&'a str, std::num::ParseIntError> {
    let added = span!("add", { room + 1 });
    attr!("added" = added);
    event!("added");
    #[traced_span("checked")]
    if added > 9 {
        let _: u32 = name.parse()?;
    }
    Ok(name)
}

#[traced_span]
async fn later(text: String, _: String) -> Option<usize> {
    #[traced_span("wait")]
    std::future::ready(()).await;
    Some(text.len())
}

#[traced_span]
fn opaque(texts: &[String]) -> impl Iterator<Item = &String> {
    texts.iter()
}

#[traced_span]
fn handed_out(text: String) -> impl Future<Output = usize> {
    let length = text.len();
    async move { length }
}

#[traced_span]
fn under_locks(lock: &std::sync::Mutex<Vec<u32>>) -> usize {
    let first = #[traced_span("first")]
    {
        lock.lock().map_or(0, |found| found.len())
    };
    #[traced_span("condition")]
    if let Ok(mut found) = lock.lock() {
        found.push(1);
    }
    #[traced_span("last")]
    lock.lock().map_or(first, |found| first + found.len())
}

#[traced_span]
async fn unit() {
    ::core::future::ready(()).await;
}

fn main() {
    assert_eq!(find(1, "a", ""), Ok("a"));
    assert_eq!(
        later("a".to_owned(), String::new()).now_or_never(),
        Some(Some(1))
    );
    assert_eq!(opaque(&[String::new()]).count(), 1);
    assert_eq!(handed_out("ab".to_owned()).now_or_never(), Some(2));
    assert_eq!(under_locks(&std::sync::Mutex::default()), 1);
    assert!(unit().now_or_never().is_some());
}
