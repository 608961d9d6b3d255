#![deny(warnings)]

use std::fmt::Display;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, span_event, traced_span};

#[traced_span]
fn matched(n: u32) -> Result<Box<dyn Display>, String> {
    #[span_event("matched", "n" = n)]
    match n {
        0 => Err("none".to_owned()),
        1 => Ok(Box::new(1)),
        _ => Ok(Box::new("many")),
    }
}

#[traced_span]
fn conditional(n: u32) -> Option<u32> {
    #[span_event("conditional")]
    if n > 0 { Some(n) } else { None }
}

#[traced_span]
fn looped(mut n: u32) -> u32 {
    #[span_attr("n" = n)]
    loop {
        n += 1;
        if n > 3 {
            break n;
        }
    }
}

#[traced_span]
fn chained(texts: &[&str]) -> Vec<u8> {
    #[span_event("chained")]
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

#[traced_span]
fn borrowed(texts: &mut [String]) -> &mut String {
    #[span_event("borrowed")]
    &mut texts[0]
}

#[traced_span]
async fn awaited(n: u32) -> Result<u32, Box<dyn std::error::Error>> {
    #[span_event("awaited")]
    Ok(std::future::ready(n.to_string().parse()).await?)
}

#[traced_span]
fn traced_part(n: u32) -> Result<u64, String> {
    #[traced_span("part")]
    {
        let n = n.checked_sub(1).ok_or("none")?;
        Ok(n.into())
    }
}

fn main() {
    assert_eq!(matched(2).map(|it| it.to_string()), Ok("many".to_owned()));
    assert!(matched(0).is_err());
    assert_eq!((conditional(1), looped(1), chained(&["7", "x"])), (Some(1), 4, vec![7]));
    assert_eq!(borrowed(&mut ["a".to_owned()]), "a");
    assert_eq!(awaited(1).now_or_never().unwrap().unwrap(), 1);
    assert_eq!((traced_part(2), traced_part(0)), (Ok(1), Err("none".to_owned())));
}
