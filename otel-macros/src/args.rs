//! The arguments of `#[traced_span(..)]` as they were written.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Expr, ExprClosure, Ident, Lit, LitStr, Path, Token, token};

use crate::errors::{Errors, list, parse_all, suggestion};
use crate::helpers::expression;
use crate::syntax;

/// Every option, in the order the documentation has them.
const OPTIONS: &[&str] = &[
    "name", "kind", "parent", "root", "links", "err", "err_if", "scope", "leaf", "crate",
];

/// What options of other crates' attributes are here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("fields", ATTRIBUTES),
    ("properties", ATTRIBUTES),
    (
        "follows_from",
        "spans to be linked are named by `links = ..`",
    ),
    (
        "level",
        "spans have no levels; `OTEL_RUNTIME_SPANS` switches them by their names",
    ),
    (
        "ret",
        "the result is recorded by a closure over it: `#[span_attr(\"result\" = |ok| ok.len())]`",
    ),
    ("skip", NOTHING_TO_SKIP),
    ("skip_all", NOTHING_TO_SKIP),
    (
        "target",
        "where a span comes from is said by `scope = \"my.library\"`",
    ),
];

const ATTRIBUTES: &str =
    "attributes are written `#[span_attr(\"key\" = value)]`, above or below this";

const NOTHING_TO_SKIP: &str = "no argument is recorded unless `#[span_attr]` stands on it, so there is nothing to skip; remove this";

const NAME_IS_NO_LITERAL: &str = "a span's name that is not a literal is written `name = ..`";

/// What was written; an absent option stays `None`.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) span: SpanArgs,
    pub(crate) outcome: OutcomeArgs,
    pub(crate) runtime: Option<Path>,
}

/// What is said of the span as it starts.
#[derive(Default)]
pub(crate) struct SpanArgs {
    pub(crate) name: Option<Name>,
    pub(crate) kind: Option<Ident>,
    pub(crate) parent: Option<Written<Expr>>,
    pub(crate) root: Option<Written<()>>,
    pub(crate) links: Option<Written<Expr>>,
    pub(crate) scope: Option<LitStr>,
    pub(crate) leaf: Option<Written<()>>,
}

/// What is said of the function's result.
#[derive(Default)]
pub(crate) struct OutcomeArgs {
    pub(crate) err: Option<Err>,
    pub(crate) err_if: Option<Written<Expr>>,
}

impl OutcomeArgs {
    fn is_empty(&self) -> bool {
        self.err.is_none() && self.err_if.is_none()
    }

    /// Where the first of them stands.
    pub(crate) fn at(&self) -> Option<Span> {
        let err = self.err.as_ref().map(Err::span);
        err.or(self.err_if.as_ref().map(|err_if| err_if.at))
    }

    /// Whether errors are left alone.
    pub(crate) fn is_off(&self) -> bool {
        matches!(&self.err, Some(Err::Word(word)) if word == "off")
    }
}

/// An option's value, and where its word stands.
pub(crate) struct Written<T> {
    pub(crate) at: Span,
    pub(crate) value: T,
}

/// `"booking.create"` or `name = expr`.
pub(crate) enum Name {
    Literal(LitStr),
    Expr(Box<Expr>),
}

/// What follows `err =`.
pub(crate) enum Err {
    Word(Ident),
    Closure(Box<ExprClosure>),
}

impl Args {
    /// Reads the arguments; an option that is wrong is noted and left out, so that the others are still checked.
    pub(crate) fn parse(tokens: TokenStream, errors: &mut Errors) -> Args {
        let mut args = Args::default();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = args.option(input, errors) {
                    errors.push(error);
                    skip_to_comma(input)?;
                }
                if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                    errors.add(
                        input.span(),
                        "expected `,` between the options of `#[traced_span]`",
                    );
                    skip_to_comma(input)?;
                    input.parse::<Option<Token![,]>>()?;
                }
            }
            Ok(())
        };
        // The parser above consumes every token and turns each mistake into a note.
        let parsed = parse_all(parser, tokens);
        errors.keep(parsed);
        args
    }

    /// The options without those that are for the result.
    pub(crate) fn without_outcome(tokens: TokenStream) -> TokenStream {
        Self::kept(tokens, |option| option.outcome.is_empty())
    }

    /// The options without those that `own` says as well.
    pub(crate) fn without_those_of(tokens: TokenStream, own: &Args) -> TokenStream {
        Self::kept(tokens, |option| !option.meets(own))
    }

    /// Those of the options that are wanted.
    fn kept(tokens: TokenStream, is_wanted: impl Fn(&Args) -> bool) -> TokenStream {
        let parser = |input: ParseStream<'_>| {
            let mut kept = Vec::new();
            while !input.is_empty() {
                let mut option = Args::default();
                let before = input.cursor().token_stream();
                option.option(input, &mut Errors::default())?;
                let after = input.cursor().token_stream().into_iter().count();
                if is_wanted(&option) {
                    let count = before.clone().into_iter().count() - after;
                    kept.push(before.into_iter().take(count).collect::<TokenStream>());
                }
                input.parse::<Option<Token![,]>>()?;
            }
            Ok(quote!(#(#kept),*))
        };
        // What is wrong with them was said before.
        parse_all(parser, tokens).unwrap_or_default()
    }

    /// Whether both say the same option, or options that rule each other out.
    fn meets(&self, other: &Args) -> bool {
        let (span, others) = (&self.span, &other.span);
        let (outcome, other_outcome) = (&self.outcome, &other.outcome);
        let ancestry = |span: &SpanArgs| span.parent.is_some() || span.root.is_some();
        (span.name.is_some() && others.name.is_some())
            || (span.kind.is_some() && others.kind.is_some())
            || (ancestry(span) && ancestry(others))
            || (span.links.is_some() && others.links.is_some())
            || (span.scope.is_some() && others.scope.is_some())
            || (span.leaf.is_some() && others.leaf.is_some())
            || (outcome.err.is_some() && other_outcome.err.is_some())
            || (outcome.err_if.is_some() && other_outcome.err_if.is_some())
            || (outcome.is_off() && other_outcome.err_if.is_some())
            || (outcome.err_if.is_some() && other_outcome.is_off())
            || (self.runtime.is_some() && other.runtime.is_some())
    }

    /// Reads one option up to its comma.
    fn option(&mut self, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        if input.peek(Lit) {
            return self.positional(&input.parse()?, errors);
        }
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!(
                "expected the span's name as a string literal, or one of the options {}",
                list(OPTIONS)
            )));
        }
        let option = input.call(Ident::parse_any)?;
        let word = option.to_string();
        if input.peek(Token![::]) || input.peek(Token![!]) {
            return Err(syn::Error::new(option.span(), NAME_IS_NO_LITERAL));
        }
        if !OPTIONS.contains(&word.as_str()) {
            return Err(syn::Error::new(option.span(), no_option(&word, input)));
        }
        let at = option.span();
        match word.as_str() {
            "root" => {
                let value = flag(at, &word, input)?;
                fill(&mut self.span.root, value, "root", at, errors);
                return Ok(());
            }
            "leaf" => {
                let value = flag(at, &word, input)?;
                fill(&mut self.span.leaf, value, "leaf", at, errors);
                return Ok(());
            }
            "err" if !input.peek(Token![=]) => {
                return Err(syn::Error::new(
                    at,
                    "an `Err` is recorded anyway, so remove this; `err = display`, `err = debug` or a closure says how it is described",
                ));
            }
            _ => equals(at, &word, input)?,
        }
        match word.as_str() {
            "name" => {
                let value = Name::parse(input)?;
                fill(&mut self.span.name, value, "name", at, errors);
            }
            "kind" => {
                let value = parse_kind(input)?;
                fill(&mut self.span.kind, value, "kind", at, errors);
            }
            "parent" => {
                let value = Written {
                    at,
                    value: expression(input, "`parent`")?,
                };
                fill(&mut self.span.parent, value, "parent", at, errors);
            }
            "links" => {
                let value = Written {
                    at,
                    value: expression(input, "`links`")?,
                };
                fill(&mut self.span.links, value, "links", at, errors);
            }
            "err" => {
                let value = Err::parse(input)?;
                fill(&mut self.outcome.err, value, "err", at, errors);
            }
            "err_if" => {
                let value = Written {
                    at,
                    value: expression(input, "`err_if`")?,
                };
                fill(&mut self.outcome.err_if, value, "err_if", at, errors);
            }
            "scope" => {
                let value = input.parse().map_err(|error| {
                    syn::Error::new(
                        error.span(),
                        "`scope` takes a string literal, such as `\"my.library\"`",
                    )
                })?;
                fill(&mut self.span.scope, value, "scope", at, errors);
            }
            _ => {
                let value = input.call(Path::parse_mod_style)?;
                fill(&mut self.runtime, value, "crate", at, errors);
            }
        }
        Ok(())
    }

    /// Takes the literal that stands without a word before it: the name.
    fn positional(&mut self, literal: &Lit, errors: &mut Errors) -> syn::Result<()> {
        let Lit::Str(name) = literal else {
            return Err(syn::Error::new(
                literal.span(),
                "a span's name is a string literal, such as `\"booking.create\"`",
            ));
        };
        fill(
            &mut self.span.name,
            Name::Literal(name.clone()),
            "name",
            name.span(),
            errors,
        );
        Ok(())
    }
}

/// Says of a word that is no option what to write instead.
fn no_option(word: &str, next: ParseStream<'_>) -> String {
    if word == "skip" && !next.peek(token::Paren) {
        return "`skip` leaves a function out of an annotated block; this function stands in none, so remove the attribute".to_owned();
    }
    if let Some((_, here)) = ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == word) {
        return format!("no option `{word}` in `#[traced_span]`: {here}");
    }
    let is_constant = !word.contains(char::is_lowercase) && !next.peek(Token![=]);
    if is_constant {
        return NAME_IS_NO_LITERAL.to_owned();
    }
    let meant = suggestion(&word.to_lowercase(), &[OPTIONS, &["skip"]].concat());
    format!(
        "no option `{word}` in `#[traced_span]`; use {}{meant}",
        list(OPTIONS)
    )
}

impl Name {
    pub(crate) fn span(&self) -> Span {
        match self {
            Name::Literal(name) => name.span(),
            Name::Expr(name) => name.span(),
        }
    }

    fn parse(input: ParseStream<'_>) -> syn::Result<Name> {
        Ok(match expression(input, "a name")? {
            Expr::Lit(literal) if literal.attrs.is_empty() => match literal.lit {
                Lit::Str(name) => Name::Literal(name),
                other => {
                    return Err(syn::Error::new(
                        other.span(),
                        "a span's name is a string: a literal, a `const`, or an expression of type `&'static str` or `String`",
                    ));
                }
            },
            other => Name::Expr(Box::new(other)),
        })
    }
}

impl Err {
    pub(crate) fn span(&self) -> Span {
        match self {
            Err::Word(word) => word.span(),
            Err::Closure(closure) => closure.span(),
        }
    }

    fn parse(input: ParseStream<'_>) -> syn::Result<Err> {
        let expr = syntax::ungroup(input.parse()?);
        let at = expr.span();
        match expr {
            Expr::Closure(closure) => Ok(Err::Closure(Box::new(closure))),
            Expr::Path(path) if path.path.get_ident().is_some() => {
                Ok(Err::Word(path.path.require_ident()?.clone()))
            }
            _ => Err(syn::Error::new(
                at,
                "`err` takes `display`, `debug`, `off` or a closure such as `|e| e.to_string()`",
            )),
        }
    }
}

fn parse_kind(input: ParseStream<'_>) -> syn::Result<Ident> {
    if let Ok(text) = input.fork().parse::<LitStr>() {
        return Err(syn::Error::new(
            text.span(),
            format!(
                "the span kind is a word without quotes: `kind = {}`",
                text.value()
            ),
        ));
    }
    input.call(Ident::parse_any).map_err(|error| {
        syn::Error::new(
            error.span(),
            "expected a span kind after `kind =`, such as `server`",
        )
    })
}

/// An option that stands alone.
fn flag(at: Span, word: &str, input: ParseStream<'_>) -> syn::Result<Written<()>> {
    if input.peek(Token![=]) {
        return Err(syn::Error::new(
            input.span(),
            format!("`{word}` takes no value; write it alone"),
        ));
    }
    Ok(Written { at, value: () })
}

/// The `=` before an option's value, and that there is a value.
fn equals(at: Span, word: &str, input: ParseStream<'_>) -> syn::Result<()> {
    if !input.peek(Token![=]) {
        let at = if input.is_empty() { at } else { input.span() };
        return Err(syn::Error::new(
            at,
            format!("expected `=` and a value after `{word}`"),
        ));
    }
    let equals: Token![=] = input.parse()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(
            equals.span,
            format!("expected a value after `{word} =`"),
        ));
    }
    Ok(())
}

/// Puts a value where none has been put yet; the one way in which an option is set.
fn fill<T>(slot: &mut Option<T>, value: T, option: &str, at: Span, errors: &mut Errors) {
    if slot.is_some() {
        errors.add(at, format!("`{option}` is given twice; remove one of them"));
    } else {
        *slot = Some(value);
    }
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}
