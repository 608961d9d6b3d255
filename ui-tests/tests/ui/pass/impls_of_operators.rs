#![deny(warnings)]

use std::ops::{Add, AddAssign, Deref, DerefMut, Index, IndexMut, Neg, Not, RangeInclusive};

use otel_runtime::{span_attr, traced_span};

#[derive(Clone, Copy, Debug, PartialEq)]
struct Price(i64);

impl Add for Price {
    type Output = Self;

    #[traced_span]
    #[span_attr("sum" = |sum| sum.0)]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

#[traced_span]
impl<'a> Add<&'a Price> for &Price {
    type Output = Price;

    fn add(self, other: &'a Price) -> Price {
        *self + *other
    }
}

#[traced_span]
impl AddAssign<i64> for Price {
    fn add_assign(&mut self, by: i64) {
        self.0 += by;
    }
}

#[traced_span]
impl Neg for Price {
    type Output = <Price as Not>::Output;

    fn neg(self) -> Self::Output {
        !self
    }
}

impl Not for Price {
    type Output = Price;

    #[traced_span(leaf)]
    fn not(self) -> Price {
        Price(-self.0)
    }
}

struct Prices(Vec<Price>);

#[traced_span]
impl Deref for Prices {
    type Target = Vec<Price>;

    fn deref(&self) -> &Vec<Price> {
        &self.0
    }
}

#[traced_span]
impl DerefMut for Prices {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

#[traced_span]
impl Index<RangeInclusive<usize>> for Prices {
    type Output = [Price];

    fn index(&self, at: RangeInclusive<usize>) -> &[Price] {
        &self.0[at]
    }
}

#[traced_span]
impl IndexMut<RangeInclusive<usize>> for Prices {
    fn index_mut(&mut self, at: RangeInclusive<usize>) -> &mut [Price] {
        &mut self.0[at]
    }
}

fn main() {
    let two = Price(2);
    let mut price = Add::add(&Price(1), &two);
    price += 1;
    assert_eq!(-price, Price(-4));
    let mut prices = Prices(vec![price, Price(1)]);
    prices[0..=0][0] += 1;
    prices.push(Price(9));
    assert_eq!((prices[0..=1].len(), prices.len(), prices.0[0]), (2, 3, Price(5)));
}
