//! A function as it was written; its body stays tokens.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, FnArg, Meta, Pat, PatIdent, Signature, Token, Type, Visibility, braced, token,
};

use crate::body::{is_condition, mentions};
use crate::errors::Errors;
use crate::helpers::{CONDITIONAL, Helper, Lifted, Ours};

/// A function or method. The body is not parsed: it is moved into the expansion as it is.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) defaultness: Option<Token![default]>,
    pub(crate) sig: Signature,
    /// `#![..]` at the start of the body.
    pub(crate) inner_attrs: Vec<Attribute>,
    pub(crate) body: TokenStream,
    pub(crate) brace: token::Brace,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Function> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let defaultness = if input.peek(Token![default]) && !input.peek2(Token![!]) {
            Some(input.parse()?)
        } else {
            None
        };
        let sig: Signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(syn::Error::new(
                sig.ident.span(),
                "a function without a body has nothing to trace; put the attribute on the method that has one",
            ));
        }
        let content;
        let brace = braced!(content in input);
        Ok(Function {
            attrs,
            vis,
            defaultness,
            sig,
            inner_attrs: content.call(Attribute::parse_inner)?,
            body: content.parse()?,
            brace,
        })
    }
}

impl Function {
    /// The function with another body, everything before it as it was.
    pub(crate) fn with_body(&self, body: &TokenStream) -> TokenStream {
        let Function {
            attrs,
            vis,
            defaultness,
            sig,
            inner_attrs,
            brace,
            ..
        } = self;
        let mut tokens = quote!(#(#attrs)* #vis #defaultness #sig);
        brace.surround(&mut tokens, |tokens| {
            tokens.extend(quote!(#(#inner_attrs)* #body));
        });
        tokens
    }

    /// Whether the body asks who called the function, which a closure around it would hide.
    pub(crate) fn is_track_caller(&self) -> bool {
        self.attrs.iter().any(is_track_caller)
    }

    /// A scope for the body, with the braces that the user wrote: their edition decides when the temporaries of the last
    /// expression are dropped, and the compiler points at them where a value is missing.
    pub(crate) fn scope(&self, body: &TokenStream) -> TokenStream {
        // The body must not stand alone, or the compiler would find the braces superfluous.
        self.braces(&quote!(; #body))
    }

    /// Tokens in the braces that the user wrote around the body.
    pub(crate) fn braces(&self, inside: &TokenStream) -> TokenStream {
        let mut tokens = TokenStream::new();
        self.brace
            .surround(&mut tokens, |tokens| tokens.extend(inside.clone()));
        tokens
    }

    /// The function with a name for each parameter, and each part of a tuple or an array, that is written `_`: what has no
    /// name cannot be moved into the traced body, and would be dropped too late.
    pub(crate) fn with_parameters_named(mut self) -> Function {
        let mut unbound = 0;
        for input in &mut self.sig.inputs {
            match input {
                // What is looked at by reference stays where it is, and all around it.
                FnArg::Typed(typed) if !Bindings::of(&typed.pat).by_ref => {
                    name_unbound(&mut typed.pat, &mut unbound);
                }
                _ => {}
            }
            // To the compiler it is used where it is moved.
            if let FnArg::Typed(typed) = input {
                allow_expected(&mut typed.attrs, "unused_variables");
                allow_expected(&mut typed.attrs, "unused");
            }
        }
        self
    }

    /// The parameters that are bound to one name.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (Ident, &Type)> {
        self.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some((simple_name(&typed.pat)?, &*typed.ty)),
            FnArg::Receiver(_) => None,
        })
    }

    /// Whether another macro may read what this one makes: an attribute that the compiler does not know.
    pub(crate) fn is_read_again(&self) -> bool {
        self.attrs.iter().any(|attribute| {
            let first = attribute.path().segments.first();
            first.is_none_or(|first| INERT.iter().all(|inert| first.ident != inert))
        })
    }

    /// The function, of which a lint of clippy has nothing to say any more: that it is expected becomes that it is allowed.
    pub(crate) fn allowing(mut self, lint: &str) -> Function {
        allow_expected(&mut self.attrs, lint);
        self
    }

    /// Every name that the parameters bind, `self` among them.
    pub(crate) fn bound(&self) -> impl Iterator<Item = Ident> + '_ {
        self.sig.inputs.iter().flat_map(|input| match input {
            FnArg::Typed(typed) => Bindings::of(&typed.pat).names,
            FnArg::Receiver(receiver) => vec![Ident::from(receiver.self_token)],
        })
    }

    /// Takes the helpers off the parameters.
    pub(crate) fn lift_parameters(
        &mut self,
        lifted_paths: &mut Lifted,
        errors: &mut Errors,
    ) -> Vec<OnParameter> {
        let mut lifted = Vec::new();
        for input in &mut self.sig.inputs {
            let (attrs, name) = match input {
                FnArg::Receiver(receiver) => (&mut receiver.attrs, None),
                FnArg::Typed(typed) => {
                    let name = simple_name(&typed.pat);
                    (&mut typed.attrs, name)
                }
            };
            for helper in Helper::lift(attrs, lifted_paths, errors) {
                lifted.push(OnParameter {
                    helper,
                    name: name.clone(),
                    conditions: attrs
                        .iter()
                        .filter(|it| is_condition(it))
                        .cloned()
                        .collect(),
                });
            }
            refuse_traced_span(attrs, errors);
        }
        lifted
    }
}

/// Allows a lint where it was expected.
fn allow_expected(attributes: &mut [Attribute], lint: &str) {
    for attribute in attributes {
        if let Meta::List(list) = &mut attribute.meta {
            if list.path.is_ident("expect") && mentions(list.tokens.clone(), lint) {
                list.path = Ident::new("allow", list.path.span()).into();
            }
        }
    }
}

/// How attributes begin that are no macros.
const INERT: &[&str] = &[
    "allow",
    "automatically_derived",
    "cfg",
    "clippy",
    "cold",
    "deny",
    "deprecated",
    "diagnostic",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "inline",
    "link_section",
    "must_use",
    "no_mangle",
    "rustfmt",
    "target_feature",
    "track_caller",
    "unsafe",
    "warn",
];

/// Whether an attribute is `#[track_caller]`.
pub(crate) fn is_track_caller(attribute: &Attribute) -> bool {
    attribute.path().is_ident("track_caller")
}

/// A helper on a parameter.
pub(crate) struct OnParameter {
    pub(crate) helper: Helper,
    /// The one that the parameter has, if there is one.
    pub(crate) name: Option<Ident>,
    /// Each `#[cfg]` of the parameter.
    pub(crate) conditions: Vec<Attribute>,
}

/// How the names begin that stand for `_`.
const UNBOUND: &str = "__unbound";

/// Whether a name stands for what the user left unbound.
pub(crate) fn is_unbound(name: &Ident) -> bool {
    name.to_string().starts_with(UNBOUND)
}

fn name_unbound(pattern: &mut Pat, count: &mut usize) {
    match pattern {
        Pat::Wild(wild) => {
            let named = next_unbound(&mut wild.attrs, wild.underscore_token.span, count);
            *pattern = Pat::Ident(named);
        }
        Pat::Paren(paren) => name_unbound(&mut paren.pat, count),
        Pat::Tuple(tuple) => tuple
            .elems
            .iter_mut()
            .for_each(|pat| name_unbound(pat, count)),
        // An array of which nothing is taken is dropped as a whole.
        Pat::Slice(slice) if Bindings::of(&Pat::Slice(slice.clone())).names.is_empty() => {
            let at = slice.bracket_token.span.open();
            let mut named = next_unbound(&mut slice.attrs, at, count);
            named.subpat = Some((Token![@](at), Box::new(pattern.clone())));
            *pattern = Pat::Ident(named);
        }
        Pat::Slice(slice) => slice.elems.iter_mut().for_each(|pat| match pat {
            Pat::Rest(rest) => {
                let at = rest.dot2_token.span();
                let mut named = next_unbound(&mut rest.attrs, at, count);
                let all = Pat::Rest(rest.clone());
                named.subpat = Some((Token![@](at), Box::new(all)));
                *pat = Pat::Ident(named);
            }
            pat => name_unbound(pat, count),
        }),
        // Nothing can be moved out of a reference, or out of a type that has a `Drop` of its own.
        _ => {}
    }
}

/// The names in a pattern.
#[derive(Default)]
struct Bindings {
    names: Vec<Ident>,
    by_ref: bool,
}

impl Bindings {
    fn of(pattern: &Pat) -> Bindings {
        let mut bindings = Bindings::default();
        bindings.visit_pat_mut(&mut pattern.clone());
        bindings
    }
}

impl VisitMut for Bindings {
    fn visit_pat_ident_mut(&mut self, name: &mut PatIdent) {
        self.names.push(name.ident.clone());
        self.by_ref |= name.by_ref.is_some();
        visit_mut::visit_pat_ident_mut(self, name);
    }
}

fn next_unbound(attrs: &mut Vec<Attribute>, at: Span, count: &mut usize) -> PatIdent {
    *count += 1;
    let at = Span::mixed_site().located_at(at);
    PatIdent {
        attrs: std::mem::take(attrs),
        by_ref: None,
        mutability: None,
        ident: Ident::new(&format!("{UNBOUND}{count}"), at),
        subpat: None,
    }
}

/// The one name that a pattern binds by value, if it is as simple as that.
pub(crate) fn simple_name(pattern: &Pat) -> Option<syn::Ident> {
    match pattern {
        Pat::Ident(ident) if ident.subpat.is_none() && ident.by_ref.is_none() => {
            Some(ident.ident.clone())
        }
        Pat::Type(typed) => simple_name(&typed.pat),
        Pat::Paren(paren) => simple_name(&paren.pat),
        _ => None,
    }
}

/// `#[traced_span]` on a parameter has no meaning.
fn refuse_traced_span(attrs: &mut Vec<Attribute>, errors: &mut Errors) {
    attrs.retain(|attribute| {
        if Ours::is_conditional(attribute) {
            errors.add(attribute.path().span(), CONDITIONAL);
            return false;
        }
        let ours = Ours::of(attribute) == Some(Ours::TracedSpan);
        if ours {
            errors.add(
                attribute.path().span(),
                "a parameter cannot be traced; `#[span_attr]` records its value",
            );
        }
        !ours
    });
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.with_body(&self.body));
    }
}
