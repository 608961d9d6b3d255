#![deny(warnings)]

use std::rc::Rc;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use otel_runtime::{span_attr, span_event, traced_span};

#[async_trait]
trait Store<T: Send + Sync + 'static>: Send + Sync {
    async fn load<'a>(&'a self, key: &'a str, _other: &str) -> Result<&'a T, String>;

    #[traced_span("store.is_empty")]
    async fn is_empty(&self) -> bool {
        false
    }

    async fn into_all(self: Box<Self>) -> Vec<T>;

    async fn add(&mut self, value: T) -> Option<&mut T>
    where
        T: Clone;
}

struct Rooms(Vec<String>);

#[async_trait]
impl Store<String> for Rooms {
    #[traced_span("store.load", kind = client)]
    #[span_attr("key" = key, "length" = |found| found.len() + 1)]
    #[span_event("asked")]
    async fn load<'a>(&'a self, key: &'a str, _other: &str) -> Result<&'a String, String> {
        std::future::ready(()).await;
        let found = self.0.iter().find(|it| *it == key);
        found.ok_or_else(|| format!("no {key}"))
    }

    #[traced_span]
    async fn into_all(self: Box<Self>) -> Vec<String> {
        self.0
    }

    #[traced_span]
    async fn add(&mut self, #[span_attr] value: String) -> Option<&mut String>
    where
        String: Clone,
    {
        self.0.push(value);
        self.0.last_mut()
    }
}

#[async_trait(?Send)]
trait Local {
    #[traced_span]
    async fn count(&self, rc: Rc<u32>) -> u32 {
        std::future::ready(()).await;
        *rc
    }
}

#[async_trait(?Send)]
#[traced_span]
impl Local for Rooms {
    async fn count(&self, rc: Rc<u32>) -> u32 {
        *rc + 1
    }
}

fn main() {
    let mut store: Box<dyn Store<String>> = Box::new(Rooms(vec!["a".to_owned()]));
    assert_eq!(store.load("a", "").now_or_never(), Some(Ok(&"a".to_owned())));
    assert!(store.load("b", "").now_or_never().unwrap().is_err());
    assert_eq!(store.is_empty().now_or_never(), Some(false));
    store.add("b".to_owned()).now_or_never().flatten().unwrap().push('!');
    assert_eq!(store.into_all().now_or_never().unwrap(), ["a", "b!"]);
    assert_eq!(Rooms(Vec::new()).count(Rc::new(1)).now_or_never(), Some(2));
}
