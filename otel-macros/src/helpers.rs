//! `#[span_attr(..)]` and `#[span_event(..)]` as they were written, and how they are lifted off an item.

use std::collections::BTreeMap;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprClosure, Ident, LitStr, Meta, Pat, Path, Token, braced, token};

use crate::body::mentions;
use crate::errors::{Errors, parse_all};
use crate::syntax;

/// One helper attribute.
pub(crate) enum Helper {
    Attr(AttrHelper),
    Event(EventHelper),
}

/// `#[span_attr(..)]`: a bare one, one key, or a list of `key = value`.
pub(crate) struct AttrHelper {
    pub(crate) at: Span,
    pub(crate) content: AttrContent,
}

pub(crate) enum AttrContent {
    /// `#[span_attr]`: what it stands on, under its own name.
    Bare,
    /// `#[span_attr("room.id")]`: what it stands on, under this key.
    Key(Key),
    /// `#[span_attr("room.id" = room_id, ..)]`.
    Fields(Vec<Field>),
}

/// `#[span_event("message.received", "payload" = payload)]`.
pub(crate) struct EventHelper {
    pub(crate) at: Span,
    pub(crate) name: Expr,
    pub(crate) fields: Vec<Field>,
}

/// `key = value`.
pub(crate) struct Field {
    pub(crate) key: Key,
    pub(crate) value: Value,
    /// Each `#[cfg]` of the parameter that it stands on.
    pub(crate) conditions: Vec<Attribute>,
}

/// What stands before the `=`.
#[derive(Clone)]
pub(crate) enum Key {
    Literal(LitStr),
    /// `user` or `room.id`.
    Dotted {
        text: String,
        at: Span,
    },
    /// `semconv::HTTP_ROUTE` or `{EXPR}`.
    Expr(Box<Expr>),
}

/// What stands after the `=`.
pub(crate) enum Value {
    Typed(Box<Expr>),
    /// `%value`
    Display(Box<Expr>),
    /// `?value`
    Debug(Box<Expr>),
    /// `|ok| ok.id`, over the result.
    Result(Box<ExprClosure>),
}

/// Which of the three macros an attribute is, by the last segment of its path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ours {
    TracedSpan,
    SpanAttr,
    SpanEvent,
}

impl Ours {
    const ALL: [Ours; 3] = [Ours::TracedSpan, Ours::SpanAttr, Ours::SpanEvent];

    /// Whether one of them is named anywhere in the tokens.
    pub(crate) fn any_in(tokens: &TokenStream) -> bool {
        let mut all = Self::ALL.iter();
        all.any(|ours| mentions(tokens.clone(), ours.word()))
    }

    pub(crate) fn of(attribute: &Attribute) -> Option<Ours> {
        Ours::of_path(attribute.path())
    }

    pub(crate) fn of_path(path: &Path) -> Option<Ours> {
        let last = path.segments.last()?;
        Self::ALL.into_iter().find(|ours| last.ident == ours.word())
    }

    /// Whether one of ours stands in a `#[cfg_attr(..)]`.
    pub(crate) fn is_conditional(attribute: &Attribute) -> bool {
        attribute.path().is_ident("cfg_attr")
            && arguments(attribute).is_ok_and(|tokens| Ours::any_in(&tokens))
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Ours::TracedSpan => "traced_span",
            Ours::SpanAttr => "span_attr",
            Ours::SpanEvent => "span_event",
        }
    }
}

/// What is said of an attribute of ours that only the compiler could tell is there.
pub(crate) const CONDITIONAL: &str = "`cfg_attr` cannot be decided here; put the attribute without a condition: where the feature `recording` of `otel-runtime` is off it leaves nothing behind, and `OTEL_RUNTIME_SPANS` switches spans at run time";

impl Helper {
    /// Takes every helper off a list of attributes, in order, whether or not what it says is right.
    pub(crate) fn lift(
        attributes: &mut Vec<Attribute>,
        lifted_paths: &mut Lifted,
        errors: &mut Errors,
    ) -> Vec<Helper> {
        let mut lifted = Vec::new();
        attributes.retain(|attribute| match Ours::of(attribute) {
            Some(ours @ (Ours::SpanAttr | Ours::SpanEvent)) => {
                lifted_paths.add(attribute.path());
                let parsed = arguments(attribute)
                    .and_then(|tokens| Helper::parse(ours, attribute.path().span(), tokens));
                lifted.extend(errors.keep(parsed));
                false
            }
            _ => true,
        });
        lifted
    }

    /// Reads the arguments of a helper that stands at `at`.
    pub(crate) fn parse(ours: Ours, at: Span, tokens: TokenStream) -> syn::Result<Helper> {
        Ok(match ours {
            Ours::SpanEvent => Helper::Event(EventHelper::parse(at, tokens)?),
            _ => Helper::Attr(AttrHelper::parse(at, tokens)?),
        })
    }
}

/// The paths of the attributes that were lifted: the compiler does not see them any more, so the expansion has to
/// mention them, or the user's import would count as unused.
#[derive(Default)]
pub(crate) struct Lifted(BTreeMap<String, Path>);

/// The first segment of a helper's path that no import stands behind.
const HANDED_ON: &str = "__handed_on";

/// What an attribute is given that stands there for its path alone.
pub(crate) const MENTION: &str = "__mention";

impl Lifted {
    pub(crate) fn add(&mut self, path: &Path) {
        let handed_on = path
            .segments
            .first()
            .is_some_and(|first| first.ident == HANDED_ON);
        if !handed_on {
            self.0
                .insert(path.to_token_stream().to_string(), path.clone());
        }
    }

    /// Each of them on an item that it makes vanish.
    pub(crate) fn mentions(&self) -> TokenStream {
        let mention = Ident::new(MENTION, Span::call_site());
        let mentions = self
            .0
            .values()
            .map(|path| quote!(#[#path(#mention)] const _: () = ();));
        mentions.collect()
    }

    /// A helper on its way to the attribute that takes it up.
    pub(crate) fn handed_on(ours: Ours, args: &TokenStream) -> TokenStream {
        let handed_on = Ident::new(HANDED_ON, Span::call_site());
        let word = Ident::new(ours.word(), Span::call_site());
        if args.is_empty() {
            quote!(#[#handed_on::#word])
        } else {
            quote!(#[#handed_on::#word(#args)])
        }
    }
}

/// The tokens between the attribute's parentheses.
pub(crate) fn arguments(attribute: &Attribute) -> syn::Result<TokenStream> {
    match &attribute.meta {
        Meta::Path(_) => Ok(TokenStream::new()),
        Meta::List(list) => Ok(list.tokens.clone()),
        Meta::NameValue(pair) => Err(syn::Error::new(
            pair.eq_token.span,
            "expected parentheses: the arguments stand in `(..)`",
        )),
    }
}

impl AttrHelper {
    fn parse(at: Span, tokens: TokenStream) -> syn::Result<AttrHelper> {
        let content = |input: ParseStream<'_>| {
            if input.is_empty() {
                return Ok(AttrContent::Bare);
            }
            let key = Key::parse(input)?;
            let rest = input.fork();
            if rest.parse::<Option<Token![,]>>().is_ok() && rest.is_empty() {
                input.parse::<Option<Token![,]>>()?;
                return Ok(AttrContent::Key(key));
            }
            let mut fields = vec![Field::after_key(key, input)?];
            more_fields(input, &mut fields)?;
            Ok(AttrContent::Fields(fields))
        };
        Ok(AttrHelper {
            at,
            content: parse_all(content, tokens)?,
        })
    }
}

impl EventHelper {
    fn parse(at: Span, tokens: TokenStream) -> syn::Result<EventHelper> {
        if tokens.is_empty() {
            return Err(syn::Error::new(
                at,
                "an event needs a name: `#[span_event(\"message.received\")]`",
            ));
        }
        let content = |input: ParseStream<'_>| {
            let name = expression(input, "an event's name")?;
            if let Expr::Assign(assign) = &name {
                return Err(syn::Error::new(
                    assign.left.span(),
                    "an event's name comes first: `#[span_event(\"message.received\", \"payload\" = payload)]`",
                ));
            }
            let mut fields = Vec::new();
            more_fields(input, &mut fields)?;
            Ok(EventHelper { at, name, fields })
        };
        parse_all(content, tokens)
    }
}

/// Reads `, key = value` until the end; a comma at the end is allowed.
fn more_fields(input: ParseStream<'_>, fields: &mut Vec<Field>) -> syn::Result<()> {
    while !input.is_empty() {
        input.parse::<Token![,]>().map_err(|error| {
            syn::Error::new(error.span(), "expected `,` before the next `key = value`")
        })?;
        if !input.is_empty() {
            let key = Key::parse(input)?;
            fields.push(Field::after_key(key, input)?);
        }
    }
    Ok(())
}

impl Field {
    fn after_key(key: Key, input: ParseStream<'_>) -> syn::Result<Field> {
        if !input.peek(Token![=]) {
            return Err(syn::Error::new(
                if input.is_empty() {
                    key.span()
                } else {
                    input.span()
                },
                "expected `=` and a value after the key",
            ));
        }
        input.parse::<Token![=]>()?;
        let value = Value::parse(input)?;
        Ok(Field {
            key,
            value,
            conditions: Vec::new(),
        })
    }
}

impl Key {
    fn parse(input: ParseStream<'_>) -> syn::Result<Key> {
        if input.peek(LitStr) {
            return Ok(Key::Literal(input.parse()?));
        }
        if input.peek(token::Brace) {
            let content;
            braced!(content in input);
            return Ok(Key::Expr(Box::new(expression(&content, "a key")?)));
        }
        if input.peek(Token![::]) || (input.peek(Ident::peek_any) && input.peek2(Token![::])) {
            let path: Path = input.parse()?;
            return Ok(Key::Expr(Box::new(syn::parse_quote!(#path))));
        }
        if !input.peek(Ident::peek_any) {
            return Err(input.error(
                "expected an attribute key: a string literal, `dotted.words`, a path to a const, or `{EXPR}`",
            ));
        }
        let first = input.call(Ident::parse_any)?;
        let mut text = first.unraw().to_string();
        while input.peek(Token![.]) {
            input.parse::<Token![.]>()?;
            text.push('.');
            let word = input.call(Ident::parse_any).map_err(|error| {
                syn::Error::new(
                    error.span(),
                    "expected a word after `.`; a key of anything else is a string literal, such as `\"room.0\"`",
                )
            })?;
            text.push_str(&word.unraw().to_string());
        }
        Ok(Key::Dotted {
            text,
            at: first.span(),
        })
    }

    pub(crate) fn span(&self) -> Span {
        match self {
            Key::Literal(literal) => literal.span(),
            Key::Dotted { at, .. } => *at,
            Key::Expr(expr) => expr.span(),
        }
    }

    /// The key, where it is known while the macro runs.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Key::Literal(literal) => Some(literal.value()),
            Key::Dotted { text, .. } => Some(text.clone()),
            Key::Expr(_) => None,
        }
    }
}

impl Value {
    /// The expression, unless it is a closure over the result.
    pub(crate) fn expr(&self) -> Option<&Expr> {
        match self {
            Value::Typed(expr) | Value::Display(expr) | Value::Debug(expr) => Some(expr),
            Value::Result(_) => None,
        }
    }

    fn parse(input: ParseStream<'_>) -> syn::Result<Value> {
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(input.span(), "expected a value after `=`"));
        }
        if input.peek(Token![%]) {
            input.parse::<Token![%]>()?;
            return Ok(Value::Display(Box::new(expression(input, "a value")?)));
        }
        if input.peek(Token![?]) {
            input.parse::<Token![?]>()?;
            return Ok(Value::Debug(Box::new(expression(input, "a value")?)));
        }
        refuse_sigil_in_closure(&input.fork())?;
        Ok(match expression(input, "a value")? {
            Expr::Closure(closure) => Value::Result(Box::new(closure)),
            other => Value::Typed(Box::new(other)),
        })
    }
}

/// `%` and `?` are no Rust, so that a closure cannot return what they make.
fn refuse_sigil_in_closure(input: ParseStream<'_>) -> syn::Result<()> {
    let is_parameter = input.parse::<Token![|]>().is_ok()
        && Pat::parse_single(input).is_ok()
        && input.parse::<Token![|]>().is_ok();
    for (sigil, is_there, instead) in [
        ("%", input.peek(Token![%]), "ok.to_string()"),
        ("?", input.peek(Token![?]), "format!(\"{ok:?}\")"),
    ] {
        if is_parameter && is_there {
            return Err(input.error(format!(
                "`{sigil}` stands before a value, and not in a closure; write `|ok| {instead}`"
            )));
        }
    }
    Ok(())
}

/// An expression that ends where it stands: it runs only where the span records, which must change nothing else.
pub(crate) fn expression(input: ParseStream<'_>, what: &str) -> syn::Result<Expr> {
    let expr = syntax::ungroup(input.parse()?);
    match syntax::way_out(&expr) {
        None => Ok(expr),
        Some((at, word)) => Err(syn::Error::new(
            at,
            format!(
                "`{word}` cannot stand in {what}, which is evaluated only where the span records; bind it by a `let` first, and name that"
            ),
        )),
    }
}
