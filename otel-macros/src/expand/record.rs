//! What records attributes and events.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Lit};

use super::{Frame, in_braces, path_at};
use crate::helpers::{Field, Key, Value};
use crate::plan::Record;
use crate::syntax::is_underscored;

/// Each record after the other.
pub(super) fn records(records: &[Record], frame: &Frame) -> TokenStream {
    let records = records.iter().map(|record| one_record(record, frame));
    records.collect()
}

/// `if let Some(mut fields) = SyncSpan::fields(&span) { Fields::set(&mut fields, "rows", &(rows)); }`
pub(super) fn one_record(record: &Record, frame: &Frame) -> TokenStream {
    let (opened, fields) = match record {
        Record::Attributes(fields) => {
            let (method, recorder) = frame.recorder("fields");
            (quote!(#method(#recorder)), fields)
        }
        Record::Event { name, fields } => {
            let (method, recorder) = frame.recorder("event");
            let at = name.span();
            let method = path_at(method, at);
            let name = in_braces(&quote_spanned!(at=> || #name), at);
            (quote_spanned!(at=> #method(#recorder, #name)), fields)
        }
    };
    if fields.is_empty() {
        return quote!(::core::mem::drop(#opened););
    }
    let set = set_all(fields, frame);
    let variable = &frame.names.fields;
    let recorded = quote! {
        if let ::core::option::Option::Some(mut #variable) = #opened { #set }
    };
    let is_of_result = |field: &Field| matches!(field.value, Value::Result(_));
    let is_event = matches!(record, Record::Event { .. });
    if is_event && fields.iter().any(is_of_result) {
        // What an event says of a value did not happen where there is none.
        let (inside, result) = (&frame.inside, frame.result());
        return quote!(if #inside::value_of(#result).__otel_value().is_some() { #recorded });
    }
    recorded
}

/// Each field on the variable that collects them.
pub(super) fn set_all(fields: &[Field], frame: &Frame) -> TokenStream {
    fields.iter().map(|field| set(field, frame)).collect()
}

fn set(field: &Field, frame: &Frame) -> TokenStream {
    let set = set_always(field, frame);
    if field.conditions.is_empty() {
        return set;
    }
    let (conditions, fields) = (&field.conditions, &frame.names.fields);
    // Used also where the parameter is not there.
    quote!(let _ = &mut #fields; #(#conditions)* { #set })
}

fn set_always(field: &Field, frame: &Frame) -> TokenStream {
    let inside = &frame.inside;
    let fields = &frame.names.fields;
    let key = match &field.key {
        Key::Literal(literal) => quote!(#literal),
        Key::Dotted { text, at } => quote_spanned!(*at=> #text),
        Key::Expr(expr) => {
            let function = path_at(quote!(#inside::key), expr.span());
            quote!(#function(#expr))
        }
    };
    let (method, at, value) = match &field.value {
        Value::Typed(expr) => match &**expr {
            Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)) => {
                return quote!(#inside::Fields::set_static(&mut #fields, #key, #literal););
            }
            expr => ("set", expr.span(), quote_spanned!(expr.span()=> &(#expr))),
        },
        Value::Display(expr) => {
            let at = expr.span();
            ("set_display", at, quote_spanned!(at=> &(#expr)))
        }
        Value::Debug(expr) => {
            let at = expr.span();
            ("set_debug", at, quote_spanned!(at=> &(#expr)))
        }
        Value::Result(closure) => {
            let at = closure.span();
            let result = frame.result();
            let value = &frame.names.result;
            let method = path_at(quote!(#inside::Fields::set_result), at);
            let closure = in_braces(closure, at);
            let set = quote_spanned!(at=> #method(&mut #fields, #key, #value, #closure););
            return quote! {
                if let ::core::option::Option::Some(#value) = #inside::value_of(#result).__otel_value() { #set }
            };
        }
    };
    let method = Ident::new(method, at);
    // Such a variable is there to be recorded, and otherwise not used.
    let allowed = field
        .value
        .expr()
        .is_some_and(is_underscored)
        .then(|| quote!(#[allow(clippy::used_underscore_binding)]));
    let method = path_at(quote!(#inside::Fields::#method), at);
    quote_spanned!(at=> #allowed #method(&mut #fields, #key, #value);)
}
