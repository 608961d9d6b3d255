#![deny(warnings)]

use std::fmt::Debug;
use std::marker::PhantomData;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

trait Load {
    type Row: Debug;
    type Error: From<std::num::ParseIntError>;

    async fn load(&mut self, text: &str) -> Result<Self::Row, Self::Error>;
}

struct Parser<T>(PhantomData<T>);

impl<T> Load for Parser<T>
where
    T: std::str::FromStr<Err = std::num::ParseIntError> + Debug,
{
    type Row = T;
    type Error = Box<dyn std::error::Error>;

    #[traced_span]
    async fn load(&mut self, text: &str) -> Result<T, Self::Error> {
        Ok(text.parse()?)
    }
}

struct Cache<L, const N: usize>
where
    L: Load,
{
    inner: L,
    rows: [Option<L::Row>; N],
}

#[traced_span]
impl<L, const N: usize> Cache<L, N>
where
    L: Load,
    L::Row: Clone + Debug,
{
    #[span_attr("size" = N, "row" = ?self.rows.get(at))]
    async fn get<'s, S>(&'s mut self, at: usize, text: S) -> Result<&'s L::Row, L::Error>
    where
        S: AsRef<str> + Debug,
        L: 's,
    {
        let loaded = self.inner.load(text.as_ref()).await?;
        let row = &mut self.rows[at % N];
        Ok(row.get_or_insert(loaded))
    }
}

fn main() {
    let mut cache = Cache::<_, 2> { inner: Parser::<u32>(PhantomData), rows: [None, None] };
    assert_eq!(cache.get(0, "1").now_or_never().unwrap().ok(), Some(&1));
    assert_eq!(cache.get(2, "2".to_owned()).now_or_never().unwrap().ok(), Some(&1));
    assert!(cache.get(1, "x").now_or_never().unwrap().is_err());
}
