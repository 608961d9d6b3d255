#![deny(warnings)]

use std::fmt::{Debug, Display};
use std::hash::Hash;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

struct Store<K, V>(Vec<(K, V)>);

impl<K, V> Store<K, V>
where
    K: Hash + Eq,
{
    #[traced_span]
    #[span_attr("key" = %key)]
    fn find<Q>(&self, key: &Q) -> Result<&V, String>
    where
        Q: ?Sized + Display,
        K: for<'a> PartialEq<&'a Q>,
        V: Debug,
    {
        let found = self
            .0
            .iter()
            .find(|(it, _)| *it == key)
            .map(|(_, value)| value);
        found.ok_or_else(|| format!("no {key}"))
    }

    #[traced_span]
    async fn total<'a, T>(&'a self) -> T
    where
        T: std::iter::Sum<&'a V>,
        V: 'a,
    {
        ::core::future::ready(()).await;
        self.0.iter().map(|(_, value)| value).sum()
    }
}

#[traced_span]
fn pairs<I>(items: I) -> Option<I::Item>
where
    I: IntoIterator,
    I::Item: PartialOrd + Clone,
    <I as IntoIterator>::IntoIter: DoubleEndedIterator,
{
    items.into_iter().next_back()
}

fn main() {
    let store = Store(vec![("a", 1), ("b", 2)]);
    assert_eq!(store.find("b"), Ok(&2));
    assert_eq!(store.total::<i32>().now_or_never(), Some(3));
    assert_eq!(pairs([1, 2]), Some(2));
}
