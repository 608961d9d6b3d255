//! The attributes behind `otel-runtime`: see the documentation there.

mod args;
mod body;
mod errors;
mod expand;
mod fallback;
mod function;
mod helpers;
mod plan;
mod syntax;
#[cfg(test)]
mod tests;
mod traced_span;
mod untraced;

use proc_macro::TokenStream;

/// Puts a span around a function.
#[proc_macro_attribute]
pub fn traced_span(args: TokenStream, item: TokenStream) -> TokenStream {
    traced_span::expand(args.into(), &item.into()).into()
}

/// Records attributes.
#[proc_macro_attribute]
pub fn span_attr(args: TokenStream, item: TokenStream) -> TokenStream {
    untraced::expand(helpers::Ours::SpanAttr, args.into(), &item.into()).into()
}

/// Records an event.
#[proc_macro_attribute]
pub fn span_event(args: TokenStream, item: TokenStream) -> TokenStream {
    untraced::expand(helpers::Ours::SpanEvent, args.into(), &item.into()).into()
}
