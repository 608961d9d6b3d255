//! The way of `#[traced_span]` from tokens to tokens.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

use crate::args::Args;
use crate::block;
use crate::body;
use crate::errors::Errors;
use crate::expand;
use crate::fallback;
use crate::function::Function;
use crate::helpers::{Helper, Lifted, MENTION, Ours};
use crate::plan::{Plan, default_runtime};
use crate::unrecorded;
use crate::untraced;

pub(crate) fn expand(recording: bool, args: TokenStream, item: &TokenStream) -> TokenStream {
    match args.to_string().as_str() {
        block::SKIPPED => return item.clone(),
        MENTION => return TokenStream::new(),
        _ => {}
    }
    let mut function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => return other_item(&args, item, error),
    };
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    let mut lifted = Lifted::default();
    let helpers = Helper::lift(&mut function.attrs, &mut lifted, &mut errors);
    let on_parameters = function.lift_parameters(&mut lifted, &mut errors);
    let runtime = args.runtime.clone().unwrap_or_else(default_runtime);
    let body = body::rewrite(
        recording,
        &function.sig,
        &function.body,
        &runtime,
        &mut lifted,
        &mut errors,
    );
    body::refuse_leaf(&args.span, body.has_attributes, &mut errors);
    match Plan::new(args, helpers, on_parameters, &function, &body, errors) {
        Ok(plan) if !recording => unrecorded::traced(&plan, &lifted, &function, &body.tokens),
        Ok(plan) => expand::traced(&plan, &lifted, &function, &body.tokens),
        Err(errors) => {
            let (slot, tokens) = (
                body.needs_slot.then(|| expand::no_slot(&runtime)),
                body.tokens,
            );
            fallback::function(errors, &lifted, &function, &quote!(#slot #tokens))
        }
    }
}

/// A block of functions, or an item that cannot be traced.
fn other_item(args: &TokenStream, item: &TokenStream, error: syn::Error) -> TokenStream {
    syn::parse2(item.clone())
        .ok()
        .and_then(|block| block::expand(args, block))
        .or_else(|| untraced::of_statement(Ours::TracedSpan, item))
        .unwrap_or_else(|| fallback::item(&explain(error, item), item))
}

/// Says what the item is, where it is no function.
pub(crate) fn explain(error: syn::Error, item: &TokenStream) -> syn::Error {
    let (at, what) = match syn::parse2(item.clone()) {
        Ok(Item::Const(item)) => (item.const_token.span, "a `const`"),
        Ok(Item::Enum(item)) => (item.enum_token.span, "an enum"),
        Ok(Item::Impl(item)) => (item.impl_token.span, "an `impl` block"),
        Ok(Item::Mod(item)) => (item.mod_token.span, "a module"),
        Ok(Item::Static(item)) => (item.static_token.span, "a `static`"),
        Ok(Item::Struct(item)) => (item.struct_token.span, "a struct"),
        Ok(Item::Trait(item)) => (item.trait_token.span, "a trait"),
        Ok(Item::Type(item)) => (item.type_token.span, "a type alias"),
        Ok(Item::Union(item)) => (item.union_token.span, "a union"),
        Ok(Item::Use(item)) => (item.use_token.span, "a `use`"),
        _ => return error,
    };
    syn::Error::new(
        at,
        format!("expected a function, found {what}; put the attribute on a function or method"),
    )
}
