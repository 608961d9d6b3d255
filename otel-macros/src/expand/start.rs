//! What starts a span.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::record::set_all;
use super::{Frame, Names, SITE};
use crate::helpers::Field;
use crate::plan::{Name, Parent, SpanPlan};

/// Starts the span by the method `begin`, after what it starts with is said: parent, name, links, and the attributes
/// that a sampler sees.
///
/// `let __span = { static __OTEL_SITE: Site = ..; Start::new(&__OTEL_SITE) }.enter();`
pub(super) fn start(
    plan: &SpanPlan,
    at_start: &[Field],
    begin: &TokenStream,
    frame: &Frame,
) -> TokenStream {
    let Names { start, span, .. } = &frame.names;
    let site = site(plan, frame);
    let said = said_before(plan, at_start, frame);
    if said.is_empty() {
        return quote!(let #span = #site.#begin;);
    }
    quote! {
        let mut #start = #site;
        #said
        let #span = #start.#begin;
    }
}

/// `{ static __OTEL_SITE: Site = Site::new(..); Start::new(&__OTEL_SITE) }`
fn site(plan: &SpanPlan, frame: &Frame) -> TokenStream {
    let inside = &frame.inside;
    let (kind, function) = (&plan.kind, &plan.function);
    let site = Ident::new(SITE, Span::call_site());
    let name = match &plan.name {
        Name::Fixed(name) => quote!(#name),
        Name::Computed(_) => quote!(""),
    };
    let scope = if let Some(scope) = &plan.scope {
        quote!(#inside::Scope::named(#scope))
    } else {
        quote! {
            #inside::Scope::of_crate(
                ::core::option_env!("CARGO_PKG_NAME"),
                ::core::option_env!("CARGO_PKG_VERSION"),
            )
        }
    };
    quote! {{
        static #site: #inside::Site = #inside::Site::new(
            #name,
            #inside::SpanKind::#kind,
            #scope,
            ::core::module_path!(),
            #function,
        );
        #inside::Start::new(&#site)
    }}
}

fn said_before(plan: &SpanPlan, at_start: &[Field], frame: &Frame) -> TokenStream {
    let Names { start, fields, .. } = &frame.names;
    let parent = match &plan.parent {
        Parent::Current => None,
        Parent::Root => Some(quote!(#start.root();)),
        Parent::Explicit(parent) => {
            let at = parent.span();
            let set = quote_spanned!(at=> #start.parent(&(#parent)););
            Some(quote!(if #start.is_on() { #set }))
        }
    };
    let name = match &plan.name {
        Name::Fixed(_) => None,
        Name::Computed(name) => Some(quote!(#start.name(|| #name);)),
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
    [parent, name, links, known].into_iter().flatten().collect()
}

/// The method that starts the span and makes it current.
pub(super) fn enter(plan: &SpanPlan) -> TokenStream {
    if plan.is_leaf {
        quote!(enter_leaf())
    } else {
        quote!(enter())
    }
}

/// The method that starts the span of a future or stream.
pub(super) fn into_task(plan: &SpanPlan) -> TokenStream {
    if plan.is_leaf {
        quote!(into_leaf_task())
    } else {
        quote!(into_task())
    }
}

/// The method that starts the span of a part that awaits.
pub(super) fn within(plan: &SpanPlan, frame: &Frame) -> TokenStream {
    let slot = &frame.names.slot;
    if plan.is_leaf {
        quote!(within_leaf(#slot))
    } else {
        quote!(within(#slot))
    }
}
