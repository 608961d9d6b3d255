#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, span_event, traced_span};

#[traced_span]
fn early(n: u32) -> Result<u32, String> {
    macro_rules! bail {
        ($($format:tt)*) => {
            return Err(format!($($format)*))
        };
    }
    macro_rules! checked {
        ($value:expr) => {
            match $value {
                Some(value) => value,
                None => bail!("none of {n}"),
            }
        };
    }
    #[span_attr]
    let checked = checked!(n.checked_sub(1));
    #[span_event("checked")]
    if checked > 5 {
        bail!("too many");
    }
    Ok(checked)
}

#[traced_span]
async fn later(n: u32) -> Option<u32> {
    macro_rules! wait {
        ($value:expr) => {
            std::future::ready($value).await
        };
    }
    Some(wait!(n) + wait!(1))
}

fn main() {
    assert_eq!((early(0), early(2)), (Err("none of 0".to_owned()), Ok(1)));
    assert!(early(9).is_err());
    assert_eq!(later(1).now_or_never(), Some(Some(2)));
}
