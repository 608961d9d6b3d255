//! A constant in a parameter's pattern is compared, and not bound.

use std::convert::Infallible;
use std::marker::PhantomData;

use otel_runtime::traced_span;

#[traced_span]
fn made<T: Default>(PhantomData: PhantomData<T>) -> Result<T, String> {
    Ok(T::default())
}

#[traced_span]
fn nothing(None: Option<Infallible>) -> Option<u32> {
    None
}

fn main() {
    assert_eq!(made(PhantomData::<u32>), Ok(0));
    assert_eq!(nothing(None), None);
}
