#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{span_attr, traced_span};

trait Store<T> {
    async fn load(&self, id: u32) -> Result<T, String>;

    #[traced_span("store.load_all")]
    async fn load_all<'a, I>(&self, ids: I) -> Result<Vec<T>, String>
    where
        I: IntoIterator<Item = &'a u32>,
    {
        let mut all = Vec::new();
        for id in ids {
            all.push(self.load(*id).await?);
        }
        Ok(all)
    }

    fn count(&self) -> impl Future<Output = usize> + Send;
}

struct Doubling;

impl Store<u32> for Doubling {
    #[traced_span]
    #[span_attr("id" = id)]
    async fn load(&self, id: u32) -> Result<u32, String> {
        std::future::ready(()).await;
        if id == 0 { Err("none".to_owned()) } else { Ok(id * 2) }
    }

    #[traced_span]
    async fn count(&self) -> usize {
        1
    }
}

#[traced_span]
impl<T: Default> Store<T> for [T] {
    async fn load(&self, id: u32) -> Result<T, String> {
        self.get(usize::try_from(id).unwrap_or(0)).map(|_| T::default()).ok_or_else(String::new)
    }

    fn count(&self) -> impl Future<Output = usize> + Send {
        let length = self.len();
        async move { length }
    }
}

fn needs_send<T: Send>(value: T) -> T {
    value
}

fn main() {
    assert_eq!(Doubling.load_all(&[1, 2]).now_or_never(), Some(Ok(vec![2, 4])));
    assert!(Doubling.load_all(&[0]).now_or_never().unwrap().is_err());
    assert_eq!(needs_send(Doubling.count()).now_or_never(), Some(1));
    assert_eq!([7, 8][..].load(1).now_or_never(), Some(Ok(0)));
    assert_eq!(needs_send([7, 8][..].count()).now_or_never(), Some(2));
}
