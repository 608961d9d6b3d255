//! The way of `#[span_attr]` and `#[span_event]` where they are met before `#[traced_span]`, or without it.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::Parser;
use syn::{Block, Stmt};

use crate::body::mentions;
use crate::errors::Errors;
use crate::expand::{self, SITE};
use crate::fallback;
use crate::function::Function;
use crate::helpers::{Helper, Lifted, MENTION, Ours};
use crate::plan::{Records, default_runtime, refuse_const};
use crate::traced_span::explain;
use crate::unrecorded;

pub(crate) fn expand(
    recording: bool,
    ours: Ours,
    args: TokenStream,
    item: &TokenStream,
) -> TokenStream {
    if args.to_string() == MENTION {
        return TokenStream::new();
    }
    let mut function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => return other_item(ours, item, error),
    };
    if let Some(tokens) = hand_to_traced_span(ours, &args, &mut function) {
        return tokens;
    }
    let mut errors = Errors::default();
    let first = errors.keep(Helper::parse(ours, Span::call_site(), args));
    let mut lifted = Lifted::default();
    let others = Helper::lift(&mut function.attrs, &mut lifted, &mut errors);
    let helpers = first.into_iter().chain(others).collect();
    let on_parameters = function.lift_parameters(&mut lifted, &mut errors);
    refuse_const(&function, &mut errors);
    refuse_traced(ours, &function, &mut errors);
    let records = Records::new(helpers, on_parameters, &function, false, &mut errors);
    let (runtime, body) = (default_runtime(), function.body.clone());
    match errors.finish(records) {
        Ok(records) if !recording => {
            unrecorded::untraced(&runtime, &records, &lifted, &function, &body)
        }
        Ok(records) => expand::untraced(&runtime, &records, &lifted, &function, &body),
        Err(errors) => fallback::function(errors, &lifted, &function, &body),
    }
}

/// A statement, or an item that has no span.
fn other_item(ours: Ours, item: &TokenStream, error: syn::Error) -> TokenStream {
    of_statement(ours, item).unwrap_or_else(|| fallback::item(&explain(error, item), item))
}

/// Says of a statement where an attribute of ours would mean something; `None` where it is none.
pub(crate) fn of_statement(ours: Ours, item: &TokenStream) -> Option<TokenStream> {
    let statements = Block::parse_within.parse2(item.clone()).ok()?;
    let [statement @ (Stmt::Expr(..) | Stmt::Local(_))] = &statements[..] else {
        return None;
    };
    let word = ours.word();
    let inline = match ours {
        Ours::TracedSpan => r#"span!("name", { .. })` or `async { .. }.in_span("name")"#,
        Ours::SpanAttr => "attr!(..)",
        Ours::SpanEvent => "event!(..)",
    };
    let error = syn::Error::new(
        Span::call_site(),
        format!(
            "`#[{word}]` on a statement is seen in a function with `#[traced_span]`, and not in the arguments of a macro; put that on the function, or write `{inline}` here"
        ),
    );
    // As a statement: what is an expression has lost its semicolon.
    Some(fallback::item(&error, &quote!(#statement;)))
}

/// A helper below `#[traced_span]` is taken up by that, unless it goes by another name. Here it would record on the
/// caller's span.
fn refuse_traced(ours: Ours, function: &Function, errors: &mut Errors) {
    if mentions(function.body.clone(), SITE) {
        let word = ours.word();
        errors.add(
            Span::call_site(),
            format!("under another name `#[{word}]` must stand above `#[traced_span]`; move it up, or call it `{word}`"),
        );
    }
}

/// A helper above `#[traced_span]` is put right below it, where that takes it up with the others.
fn hand_to_traced_span(
    ours: Ours,
    args: &TokenStream,
    function: &mut Function,
) -> Option<TokenStream> {
    let at = function
        .attrs
        .iter()
        .position(|attribute| Ours::of(attribute) == Some(Ours::TracedSpan))?;
    let helper = Lifted::handed_on(ours, args);
    let mut attributes: Vec<_> = function
        .attrs
        .iter()
        .map(|attribute| quote!(#attribute))
        .collect();
    let traced = attributes.remove(at);
    function.attrs.clear();
    let function = &*function;
    Some(quote!(#traced #helper #(#attributes)* #function))
}
