#![deny(warnings)]

use futures_util::FutureExt as _;
use futures_util::future::join;
use otel_runtime::{span_attr, traced_span};

struct Store<'c> {
    rows: &'c mut Vec<String>,
}

impl<'c> Store<'c> {
    #[traced_span]
    #[span_attr("first" = first, "second" = second)]
    async fn add<'a>(&'a mut self, first: &str, second: &'a str) -> Result<&'a mut String, &'a str>
    where
        'c: 'a,
    {
        std::future::ready(()).await;
        if first == second {
            return Err(second);
        }
        self.rows.push(format!("{first}{second}"));
        self.rows.last_mut().ok_or(second)
    }

    #[traced_span]
    async fn into_rows(self) -> &'c mut Vec<String> {
        ::core::future::ready(()).await;
        self.rows
    }
}

#[traced_span]
async fn compared(
    a: &u32,
    b: &mut u32,
    text: &&str,
    [c, ..]: &[u32; 2],
    (d, _): &(u32, u32),
) -> bool {
    std::future::ready(()).await;
    *b += a + c + d;
    u32::try_from(text.len()).is_ok_and(|length| length < *b)
}

fn main() {
    let mut rows = Vec::new();
    let mut store = Store { rows: &mut rows };
    store
        .add("a", "b")
        .now_or_never()
        .unwrap()
        .unwrap()
        .push('!');
    assert_eq!(store.add("a", "a").now_or_never(), Some(Err("a")));
    assert_eq!(store.into_rows().now_or_never().unwrap(), &["ab!"]);
    let (mut one, mut two) = (1, 2);
    let both = join(
        compared(&1, &mut one, &"a", &[1, 3], &(1, 2)),
        compared(&1, &mut two, &"abcdef", &[1, 2], &(0, 0)),
    );
    assert_eq!(both.now_or_never(), Some((true, false)));
    assert_eq!((one, two), (4, 4));
}
