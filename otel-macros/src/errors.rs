//! Gathers every mistake of one item, so that a build reports them together.

use std::fmt::Display;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::parenthesized;
use syn::parse::{ParseStream, Parser};

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// Notes a mistake at one place.
    pub(crate) fn add(&mut self, at: Span, message: impl Display) {
        self.push(syn::Error::new(at, message));
    }

    /// Notes a mistake that a parser has already worded.
    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Keeps the value of a parser that worked, and the error of one that did not.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The value, unless there was a mistake anywhere.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Errors> {
        match self.0 {
            Some(_) => Err(self),
            None => Ok(value),
        }
    }

    /// The compile errors to put into the expansion; nothing when there were none.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0
            .map(|error| error.to_compile_error())
            .unwrap_or_default()
    }
}

/// Parses tokens to their end. Where they end too early, the last of them is blamed, and not the whole attribute.
pub(crate) fn parse_all<T>(
    parser: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
    tokens: TokenStream,
) -> syn::Result<T> {
    let last = tokens.clone().into_iter().last();
    let mut group = Group::new(Delimiter::Parenthesis, tokens);
    group.set_span(last.map_or_else(Span::call_site, |token| token.span()));
    let parser = |input: ParseStream<'_>| {
        let content;
        parenthesized!(content in input);
        parser(&content)
    };
    parser.parse2(TokenTree::from(group).into())
}

/// The words in a message: `` `a`, `b` or `c` ``.
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The word that was probably meant, as `` ; did you mean `..`? `` or nothing.
pub(crate) fn suggestion(found: &str, words: &[&str]) -> String {
    words
        .iter()
        .map(|word| (distance(found, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min()
        .map(|(_, word)| format!("; did you mean `{word}`?"))
        .unwrap_or_default()
}

/// How many letters have to be put in, left out, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}
