#![deny(warnings)]

use std::fmt::Debug;

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

#[traced_span(kind = client)]
trait Store<K: ?Sized + Debug>: Debug {
    type Value: Clone + Default;
    const LIMIT: usize = 2;

    fn find(&self, key: &K) -> Option<&Self::Value>;

    #[span_attr("key" = ?key)]
    fn find_or_default(&self, key: &K) -> Self::Value {
        self.find(key).cloned().unwrap_or_default()
    }

    async fn later(&self, key: &K) -> Result<Self::Value, String> {
        std::future::ready(()).await;
        self.find(key).cloned().ok_or_else(|| format!("no {key:?}"))
    }

    fn into_limit(self) -> usize
    where
        Self: Sized,
    {
        Self::LIMIT
    }

    #[traced_span(skip)]
    fn skipped(&self) -> bool {
        true
    }

    fn of_the_type() -> usize
    where
        Self: Sized;
}

#[derive(Debug)]
struct Rooms(Vec<String>);

#[traced_span]
impl Store<str> for Rooms {
    type Value = String;

    fn find(&self, key: &str) -> Option<&String> {
        self.0.iter().find(|it| *it == key)
    }

    fn of_the_type() -> usize {
        Self::LIMIT * 2
    }
}

fn main() {
    let rooms = Rooms(vec!["a".to_owned()]);
    assert_eq!((rooms.find_or_default("a"), rooms.find_or_default("b")), ("a".to_owned(), String::new()));
    assert_eq!(rooms.later("a").now_or_never(), Some(Ok("a".to_owned())));
    assert!(rooms.later("b").now_or_never().unwrap().is_err());
    assert!(rooms.skipped());
    assert_eq!((rooms.into_limit(), Rooms::of_the_type()), (2, 4));
}
