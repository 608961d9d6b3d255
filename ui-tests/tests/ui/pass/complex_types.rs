#![deny(warnings)]

use std::collections::HashMap;

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

/// The compiler and clippy see the type where it is written, and only there.
#[traced_span]
async fn nested(
    n: u32,
) -> Result<HashMap<String, Vec<Option<Box<dyn Fn(u32) -> Result<u32, String> + Send>>>>, Box<dyn std::error::Error + Send + Sync>> {
    std::future::ready(()).await;
    let add = move |m: u32| m.checked_add(n).ok_or_else(|| "too much".to_owned());
    Ok(HashMap::from([("add".to_owned(), vec![None, Some(Box::new(add) as _)])]))
}

fn main() {
    let found = nested(1).now_or_never().unwrap().unwrap();
    let add = found["add"][1].as_ref().unwrap();
    assert_eq!((add(1), add(u32::MAX).is_err()), (Ok(2), true));
}
