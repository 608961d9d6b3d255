#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[traced_span]
#[span_attr("first" = first)]
fn sync(
    #[allow(unused_variables)] unused: String,
    #[cfg_attr(doc, allow(unused_variables))] first: u32,
    #[cfg(doc)] absent: NoSuchType,
    #[cfg(not(doc))]
    #[span_attr]
    present: &str,
) -> Result<usize, String> {
    Ok(usize::try_from(first).unwrap_or(0) + present.len())
}

#[traced_span]
async fn later(
    #[expect(unused_variables)] unused: &str,
    #[cfg(not(doc))] present: String,
    #[cfg(doc)] present: NoSuchType,
) -> Option<String> {
    ::core::future::ready(()).await;
    Some(present)
}

fn main() {
    assert_eq!(sync(String::new(), 1, "a"), Ok(2));
    assert_eq!(
        later("", "a".to_owned())
            .now_or_never()
            .flatten()
            .as_deref(),
        Some("a")
    );
}
