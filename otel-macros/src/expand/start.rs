//! What starts a span.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::record::set_all;
use super::{Frame, Names, SITE};
use crate::helpers::Field;
use crate::plan::{Name, Parent, SpanPlan};

/// The site, and what the span starts with: name, parent, links, and the attributes that a sampler sees.
pub(super) fn start(plan: &SpanPlan, at_start: &[Field], frame: &Frame) -> TokenStream {
    let inside = &frame.inside;
    let Names { start, fields, .. } = &frame.names;
    let (kind, function) = (&plan.kind, &plan.function);
    let site = Ident::new(SITE, Span::call_site());
    let (fixed, computed) = match &plan.name {
        Name::Fixed(name) => (quote!(#name), None),
        Name::Computed(name) => (quote!(""), Some(quote!(#start.name(|| #name);))),
    };
    let (package, version) = match &plan.scope {
        Some(scope) => (quote!(#scope), quote!("")),
        None => (
            quote!(::core::env!("CARGO_PKG_NAME")),
            quote!(::core::env!("CARGO_PKG_VERSION")),
        ),
    };
    let parent = match &plan.parent {
        Parent::Current => None,
        Parent::Root => Some(quote!(#start.root();)),
        Parent::Explicit(parent) => {
            let at = parent.span();
            let set = quote_spanned!(at=> #start.parent(&(#parent)););
            Some(quote!(if #start.is_on() { #set }))
        }
    };
    let links = plan.links.as_ref().map(|links| {
        let at = links.span();
        quote_spanned!(at=> #start.links(|| #links);)
    });
    let known = (!at_start.is_empty()).then(|| {
        let set = set_all(at_start, frame);
        quote! {
            if let ::core::option::Option::Some(mut #fields) = #start.fields() { #set }
        }
    });
    // The parent comes first: what follows is evaluated only if it is sampled.
    let more: TokenStream = [parent, computed, links, known]
        .into_iter()
        .flatten()
        .collect();
    let mutability = (!more.is_empty()).then(|| quote!(mut));
    quote! {
        let #mutability #start = {
            static #site: #inside::Site = #inside::Site::new(
                #fixed,
                #inside::SpanKind::#kind,
                #inside::Source {
                    package: #package,
                    version: #version,
                    module: ::core::module_path!(),
                    function: #function,
                    file: ::core::file!(),
                    line: ::core::line!(),
                },
            );
            #inside::Start::new(&#site)
        };
        #more
    }
}

/// The method that starts the span and makes it current.
pub(super) fn enter(plan: &SpanPlan) -> TokenStream {
    if plan.is_leaf {
        quote!(enter_leaf)
    } else {
        quote!(enter)
    }
}

/// The method that starts the span of a future or stream.
pub(super) fn into_task(plan: &SpanPlan) -> TokenStream {
    if plan.is_leaf {
        quote!(into_leaf_task)
    } else {
        quote!(into_task)
    }
}
