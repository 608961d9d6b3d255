//! What starts a span.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::record::set_all;
use super::{Frame, Names, SITE, in_braces, path_at};
use crate::helpers::Field;
use crate::plan::{Name, Parent, SpanPlan};

/// How a span starts: a method of `Start`, and whether it needs the slot.
pub(super) struct Begin {
    method: &'static str,
    in_slot: bool,
}

/// Starts the span, after what it starts with is said: parent, name, links, and the attributes that a sampler sees.
///
/// `let span = Start::enter({ static __OTEL_SITE: Site = ..; Start::new(&__OTEL_SITE) });`
pub(super) fn start(
    plan: &SpanPlan,
    at_start: &[Field],
    begin: &Begin,
    frame: &Frame,
) -> TokenStream {
    let span = &frame.names.span;
    let started = started(plan, at_start, begin, frame);
    quote!(let #span = #started;)
}

/// The same as an expression.
pub(super) fn started(
    plan: &SpanPlan,
    at_start: &[Field],
    begin: &Begin,
    frame: &Frame,
) -> TokenStream {
    let inside = &frame.inside;
    let Names { start, slot, .. } = &frame.names;
    let site = site(plan, frame);
    let said = said_before(plan, at_start, frame);
    let method = Ident::new(begin.method, Span::call_site());
    let slot = begin.in_slot.then(|| quote!(, #slot));
    if said.is_empty() {
        return quote!(#inside::Start::#method(#site #slot));
    }
    // In a block of its own: what is borrowed in a future is kept until its block ends.
    quote! {{
        let mut #start = #site;
        #said
        #inside::Start::#method(#start #slot)
    }}
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
    let inside = &frame.inside;
    let Names { start, fields, .. } = &frame.names;
    let parent = match &plan.parent {
        Parent::Current => None,
        Parent::Root => Some(quote!(#inside::Start::root(&mut #start);)),
        Parent::Explicit(parent) => {
            let at = parent.span();
            let method = path_at(quote!(#inside::Start::parent), at);
            let set = quote_spanned!(at=> #method(&mut #start, &(#parent)););
            Some(quote!(if #inside::Start::is_on(&#start) { #set }))
        }
    };
    let name = match &plan.name {
        Name::Fixed(_) => None,
        Name::Computed(name) => {
            let at = name.span();
            let method = path_at(quote!(#inside::Start::name), at);
            let name = in_braces(&quote_spanned!(at=> || #name), at);
            Some(quote_spanned!(at=> #method(&mut #start, #name);))
        }
    };
    let links = plan.links.as_ref().map(|links| {
        let at = links.span();
        let method = path_at(quote!(#inside::Start::links), at);
        let links = in_braces(&quote_spanned!(at=> || #links), at);
        quote_spanned!(at=> #method(&mut #start, #links);)
    });
    let known = (!at_start.is_empty()).then(|| {
        let set = set_all(at_start, frame);
        quote! {
            if let ::core::option::Option::Some(mut #fields) = #inside::Start::fields(&mut #start) { #set }
        }
    });
    // The parent comes first: what follows is evaluated only if it is sampled. Then what every sampler sees, since it may have
    // to be asked before an expression is evaluated.
    [parent, known, name, links].into_iter().flatten().collect()
}

/// The method that starts the span and makes it current.
pub(super) fn enter(plan: &SpanPlan) -> Begin {
    Begin {
        method: if plan.is_leaf { "enter_leaf" } else { "enter" },
        in_slot: false,
    }
}

/// The method that starts the span of a future or stream.
pub(super) fn into_task(plan: &SpanPlan) -> Begin {
    Begin {
        method: if plan.is_leaf {
            "into_leaf_task"
        } else {
            "into_task"
        },
        in_slot: false,
    }
}

/// The method that starts the span of a part that awaits.
pub(super) fn within(plan: &SpanPlan) -> Begin {
    Begin {
        method: if plan.is_leaf {
            "within_leaf"
        } else {
            "within"
        },
        in_slot: true,
    }
}
