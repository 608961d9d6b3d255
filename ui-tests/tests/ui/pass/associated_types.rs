#![deny(warnings)]

use std::str::FromStr;

use otel_runtime::{span_attr, traced_span};

trait Lender {
    type Item<'a>
    where
        Self: 'a;
    type Error: std::fmt::Display;
    const LIMIT: usize;

    fn lend(&mut self) -> Result<Self::Item<'_>, Self::Error>;

    #[traced_span]
    #[span_attr("limit" = Self::LIMIT)]
    fn lend_all<T>(&mut self, mut each: impl FnMut(Self::Item<'_>) -> T) -> Result<Vec<T>, Self::Error> {
        let mut all = Vec::new();
        for _ in 0..Self::LIMIT {
            all.push(each(self.lend()?));
        }
        Ok(all)
    }
}

struct Numbers(Vec<u32>);

impl Lender for Numbers {
    type Item<'a> = &'a mut [u32];
    type Error = String;
    const LIMIT: usize = 2;

    #[traced_span]
    fn lend(&mut self) -> Result<Self::Item<'_>, Self::Error> {
        if self.0.is_empty() { Err("empty".to_owned()) } else { Ok(&mut self.0) }
    }
}

#[traced_span]
fn parsed<T: FromStr>(text: &str) -> Result<T, <T as FromStr>::Err> {
    text.parse()
}

fn main() {
    let lengths = Numbers(vec![1, 2, 3]).lend_all(|numbers| numbers.len());
    assert_eq!(lengths, Ok(vec![3, 3]));
    assert!(Numbers(Vec::new()).lend().is_err());
    assert_eq!(parsed::<u8>("7"), Ok(7));
}
