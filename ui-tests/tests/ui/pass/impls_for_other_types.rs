#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

#[traced_span]
trait Total {
    fn total(&self) -> u64;

    fn twice(&self) -> u64 {
        self.total() * 2
    }
}

#[traced_span]
impl Total for u32 {
    fn total(&self) -> u64 {
        u64::from(*self)
    }
}

#[traced_span]
impl<T: Total> Total for Vec<T> {
    fn total(&self) -> u64 {
        self[..].total()
    }
}

#[traced_span]
impl<T: Total> Total for [T] {
    #[span_attr("rows" = self.len())]
    fn total(&self) -> u64 {
        self.iter().map(Total::total).sum()
    }
}

#[traced_span]
impl<T: Total + ?Sized> Total for &T {
    fn total(&self) -> u64 {
        (**self).total()
    }
}

#[traced_span]
impl<A: Total, B> Total for (A, Option<B>)
where
    B: Total,
{
    fn total(&self) -> u64 {
        self.0.total() + self.1.as_ref().map_or(0, Total::total)
    }
}

#[traced_span]
impl<T: Total, const N: usize> Total for [T; N] {
    fn total(&self) -> u64 {
        self.as_slice().total()
    }
}

#[traced_span]
impl Total for fn() -> u32 {
    fn total(&self) -> u64 {
        self().into()
    }
}

#[traced_span]
impl Total for dyn Fn(u64) -> u64 + Send + '_ {
    fn total(&self) -> u64 {
        self(1)
    }
}

#[traced_span]
impl Total for str {
    fn total(&self) -> u64 {
        self.parse().unwrap_or(0)
    }
}

fn main() {
    assert_eq!((vec![1_u32, 2], Some([3_u32])).total(), 6);
    assert_eq!((&&1_u32).twice(), 2);
    assert_eq!(((|| 7) as fn() -> u32).total(), 7);
    let by: &(dyn Fn(u64) -> u64 + Send) = &|n| n + 1;
    assert_eq!(by.total() + "3".twice(), 8);
}
