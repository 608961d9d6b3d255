#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

struct Room {
    r#type: u32,
}

#[traced_span]
#[span_attr("kind" = r#ref.r#type, r#struct = 1)]
fn r#match(
    #[span_attr] r#type: u32,
    r#ref: &Room,
    Room { r#type: r#in }: Room,
) -> Result<u32, String> {
    #[span_attr]
    let r#let = r#type + r#ref.r#type + r#in;
    Ok(r#let)
}

#[traced_span]
async fn r#async<'r#loop>(r#fn: &'r#loop str) -> Option<&'r#loop str> {
    ::core::future::ready(()).await;
    Some(r#fn)
}

mod r#mod {
    #[otel_runtime::traced_span]
    pub fn r#use() -> bool {
        true
    }
}

fn main() {
    assert_eq!(r#match(1, &Room { r#type: 2 }, Room { r#type: 3 }), Ok(6));
    drop(r#async("a"));
    assert!(r#mod::r#use());
}
