#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

#[traced_span]
#[expect(clippy::needless_continue)]
fn sync(texts: &[&str]) -> Result<u32, String> {
    let mut sum = 0;
    'rows: loop {
        for text in texts {
            match *text {
                "" => #[traced_span("skip")] continue,
                "restart" if sum < 5 => #[traced_span("restart")] { sum += 5; continue 'rows; }
                "restart" => (),
                "stop" => #[traced_span("stop")] break 'rows,
                "return" => #[traced_span("return")] return Ok(sum),
                #[traced_span("before the arm")]
                "one" => sum += 1,
                other => #[traced_span("parse", kind = client)]
                {
                    sum += other.parse::<u32>().map_err(|error| error.to_string())?;
                }
            }
        }
        break;
    }
    Ok(sum + 100)
}

#[traced_span]
async fn later(n: u32) -> Result<u32, String> {
    let found = match n {
        0 => #[traced_span("none")]
        {
            std::future::ready(Err("none".to_owned())).await?
        }
        1 => #[traced_span("one")] std::future::ready(7).await,
        _ => #[traced_span("return")] return Ok(n),
    };
    Ok(found)
}

fn main() {
    assert_eq!(sync(&["1", "", "one"]), Ok(102));
    assert_eq!(sync(&["restart", "stop", "9"]), Ok(105));
    assert_eq!(sync(&["return"]), Ok(0));
    assert!(sync(&["x"]).is_err());
    assert!(later(0).now_or_never().unwrap().is_err());
    assert_eq!((later(1).now_or_never(), later(2).now_or_never()), (Some(Ok(7)), Some(Ok(2))));
}
