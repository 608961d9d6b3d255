//! What records attributes and events.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Lit};

use super::{Frame, Names};
use crate::helpers::{Field, Key, Value};
use crate::plan::Record;

/// Each record after the other, on what `recorder` names.
pub(super) fn records(records: &[Record], recorder: &TokenStream, frame: &Frame) -> TokenStream {
    records
        .iter()
        .map(|record| one_record(record, recorder, frame))
        .collect()
}

/// `if let Some(mut __fields) = __span.fields() { __fields.set("rows", &(rows)); }`
pub(super) fn one_record(record: &Record, recorder: &TokenStream, frame: &Frame) -> TokenStream {
    let (opened, fields) = match record {
        Record::Attributes(fields) => (quote!(#recorder.fields()), fields),
        Record::Event { name, fields } => {
            let at = name.span();
            let name = quote_spanned!(at=> || #name);
            (quote!(#recorder.event(#name)), fields)
        }
    };
    if fields.is_empty() {
        return quote!(::core::mem::drop(#opened););
    }
    let set = set_all(fields, frame);
    let variable = &frame.names.fields;
    quote! {
        if let ::core::option::Option::Some(mut #variable) = #opened { #set }
    }
}

/// Each field on the variable that collects them.
pub(super) fn set_all(fields: &[Field], frame: &Frame) -> TokenStream {
    fields.iter().map(|field| set(field, frame)).collect()
}

fn set(field: &Field, frame: &Frame) -> TokenStream {
    let inside = &frame.inside;
    let Names { fields, value, .. } = &frame.names;
    let key = match &field.key {
        Key::Literal(literal) => quote!(#literal),
        Key::Dotted { text, at } => quote_spanned!(*at=> #text),
        Key::Expr(expr) => quote!((#expr)),
    };
    match &field.value {
        Value::Typed(expr) => match &**expr {
            Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)) => {
                quote!(#fields.set_static(#key, #literal);)
            }
            expr => {
                let at = expr.span();
                let value = quote_spanned!(at=> &(#expr));
                quote_spanned!(at=> #fields.set(#key, #value);)
            }
        },
        Value::Display(expr) => {
            let at = expr.span();
            quote_spanned!(at=> #fields.set_display(#key, &(#expr));)
        }
        Value::Debug(expr) => {
            let at = expr.span();
            quote_spanned!(at=> #fields.set_debug(#key, &(#expr));)
        }
        Value::Result(closure) => {
            let at = closure.span();
            let result = frame.result();
            let set = quote_spanned!(at=> #fields.set_result(#key, #value, #closure););
            quote! {
                if let ::core::option::Option::Some(#value) = #inside::value_of(#result).value() { #set }
            }
        }
    }
}
