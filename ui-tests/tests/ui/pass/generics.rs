#![deny(warnings)]

use std::fmt::Display;

use otel_runtime::{span_attr, traced_span};

struct Matrix<const N: usize>([i64; N]);

impl<const N: usize> Matrix<N> {
    #[traced_span]
    fn scaled<T>(&self, by: T) -> Self
    where
        T: Into<i64> + Copy,
    {
        Self(self.0.map(|cell| cell * by.into()))
    }
}

#[traced_span]
#[span_attr("text" = %value, len = N)]
fn show<'a, T: Display + ?Sized, const N: usize>(
    value: &'a T,
    _padding: [u8; N],
) -> Result<&'a T, Box<dyn std::error::Error>> {
    if value.to_string().is_empty() {
        Err("empty")?;
    }
    Ok(value)
}

#[traced_span]
fn sum(items: impl IntoIterator<Item = impl Into<u64>>) -> u64 {
    items.into_iter().map(Into::into).sum()
}

#[traced_span]
fn same<T>(value: T) -> T {
    value
}

#[traced_span]
async fn same_later<T: Send>(value: T) -> Result<T, std::convert::Infallible> {
    ::core::future::ready(()).await;
    Ok(value)
}

fn main() {
    assert_eq!(Matrix([1, 2]).scaled(3_i32).0, [3, 6]);
    assert_eq!(show("a", [0; 3]).unwrap(), "a");
    assert_eq!(sum([1_u32, 2]), 3);
    assert_eq!(same(Ok::<_, ()>(1)), Ok(1));
    drop(same_later(1));
}
