#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_event, traced_span};

#[traced_span]
fn first_even(numbers: &[u32]) -> Option<u32> {
    let mut left = numbers.iter();
    'outer: loop {
        loop {
            let number = left.next()?;
            if number % 2 == 0 {
                break 'outer Some(*number);
            }
            if number % 5 == 0 {
                continue 'outer;
            }
        }
    }
}

#[traced_span]
fn counted(to: u32) -> u32 {
    let mut n = 0;
    while n < to {
        n += 1;
        #[span_event("step")]
        if n == 7 {
            continue;
        }
    }
    n
}

#[traced_span]
fn labelled_block(n: u32) -> Result<u32, String> {
    let doubled = 'checked: {
        if n == 0 {
            break 'checked 0;
        }
        n * 2
    };
    Ok(doubled)
}

#[traced_span]
async fn awaited(mut n: u32) -> u32 {
    loop {
        std::future::ready(()).await;
        n += 1;
        if n > 3 {
            break n;
        }
    }
}

fn main() {
    assert_eq!((first_even(&[1, 2]), first_even(&[1])), (Some(2), None));
    assert_eq!(counted(9), 9);
    assert_eq!((labelled_block(0), labelled_block(2)), (Ok(0), Ok(4)));
    assert_eq!(awaited(1).now_or_never(), Some(4));
}
