#![deny(warnings)]

use std::collections::{BTreeMap, HashSet};
use std::error::Error;

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

#[derive(Debug, Default, PartialEq)]
struct Settings {
    rooms: BTreeMap<String, u32>,
}

#[traced_span]
fn collected(texts: &[&str]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    Ok(texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?)
}

#[traced_span]
fn collected_at_once(texts: &[&str]) -> Result<HashSet<i64>, std::num::ParseIntError> {
    texts.iter().map(|text| text.parse()).collect()
}

#[traced_span]
#[expect(clippy::default_trait_access)]
fn defaulted() -> Settings {
    Default::default()
}

#[traced_span]
fn parsed(text: &str) -> Result<u16, Box<dyn Error>> {
    if text == "?" {
        return Err("unknown".into());
    }
    let n = text.parse()?;
    Ok(n)
}

#[traced_span]
fn converted(text: &str) -> Option<Box<str>> {
    if text.is_empty() {
        return None;
    }
    Some(text.into())
}

#[traced_span]
fn empty() -> (Vec<String>, Option<u8>, [u64; 2]) {
    (vec![], None, [1 << 40, 2])
}

#[traced_span]
async fn later(text: &str) -> Result<Vec<u64>, Box<dyn Error>> {
    let first = std::future::ready(text.parse()).await?;
    let mut all = Vec::with_capacity(2);
    all.push(first);
    Ok(all.into_iter().chain([text.len().try_into()?]).collect())
}

fn main() {
    assert_eq!(collected(&["1", "2"]).unwrap(), [1, 2]);
    assert!(collected_at_once(&["x"]).is_err());
    assert_eq!(defaulted(), Settings::default());
    assert_eq!(parsed("7").unwrap(), 7);
    assert_eq!(parsed("?").unwrap_err().to_string(), "unknown");
    assert_eq!(converted("a").as_deref(), Some("a"));
    assert_eq!(empty().2[0], 1 << 40);
    assert_eq!(later("7").now_or_never().unwrap().unwrap(), [7, 1]);
}
