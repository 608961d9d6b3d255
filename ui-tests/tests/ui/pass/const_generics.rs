#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

struct Grid<T, const W: usize, const H: usize>([[T; W]; H]);

#[traced_span]
impl<T: Copy + Default, const W: usize, const H: usize> Grid<T, W, H> {
    const CELLS: usize = W * H;

    fn new() -> Self {
        Self([[T::default(); W]; H])
    }

    #[span_attr("cells" = Self::CELLS, "width" = W)]
    fn row(&self, at: usize) -> Option<&[T; W]> {
        self.0.get(at)
    }
}

#[traced_span]
fn filled<const N: usize>(value: u8) -> [u8; N] {
    [value; N]
}

#[traced_span]
fn half<const FIRST: bool>(text: &str) -> Result<&str, [u8; 2]> {
    let (first, second) = text.split_at_checked(text.len() / 2).ok_or([0; 2])?;
    Ok(if FIRST { first } else { second })
}

#[traced_span]
async fn joined<const N: usize>(texts: [String; N]) -> String {
    ::core::future::ready(()).await;
    texts.join("")
}

fn main() {
    assert_eq!(Grid::<u8, 2, 3>::new().row(2), Some(&[0; 2]));
    assert_eq!(filled::<3>(7), [7; 3]);
    assert_eq!(
        (half::<true>("ab"), half::<false>("ab")),
        (Ok("a"), Ok("b"))
    );
    let texts = ["a", "b"].map(str::to_owned);
    assert_eq!(joined(texts).now_or_never().as_deref(), Some("ab"));
}
