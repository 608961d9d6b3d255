#![deny(warnings)]

use std::borrow::Cow;

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

struct Parser<'text, 'words> {
    text: &'text str,
    words: &'words mut Vec<&'text str>,
}

impl<'text, 'words> Parser<'text, 'words> {
    #[traced_span]
    fn next<'own>(&'own mut self) -> Result<&'own &'text str, &'text str>
    where
        'words: 'own,
    {
        let (word, rest) = self.text.split_once(' ').ok_or(self.text)?;
        self.text = rest;
        self.words.push(word);
        self.words.last().ok_or(rest)
    }

    #[traced_span]
    fn rest(self) -> (&'text str, &'words mut Vec<&'text str>) {
        (self.text, self.words)
    }
}

#[traced_span]
fn chosen<'a, 'b: 'a>(a: &'a str, b: &'b str) -> (Cow<'a, str>, &'b str) {
    (
        if a.is_empty() {
            Cow::Borrowed(b)
        } else {
            Cow::Borrowed(a)
        },
        b,
    )
}

#[traced_span]
async fn longer<'a>(
    a: &'a str,
    b: &'a str,
    _scratch: &mut String,
) -> Result<&'a str, &'static str> {
    ::core::future::ready(()).await;
    if a.len() == b.len() {
        return Err("equal");
    }
    Ok(if a.len() > b.len() { a } else { b })
}

fn main() {
    let text = "a b c".to_owned();
    let mut words = Vec::new();
    let mut parser = Parser {
        text: &text,
        words: &mut words,
    };
    assert_eq!(parser.next(), Ok(&"a"));
    assert_eq!(parser.rest().0, "b c");
    assert_eq!(chosen("", "b"), ("b".into(), "b"));
    assert_eq!(
        longer("a", "bb", &mut String::new()).now_or_never(),
        Some(Ok("bb"))
    );
}
