//! The body in a scope of its own, which owns the function's parameters and drops them as the function would.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, FnArg, Ident, Pat, PatIdent, PatOr, PatSlice, PatStruct, ReceiverKind};

use super::shape::Around;
use crate::body;
use crate::function::{Function, is_unbound};
use crate::syntax;

/// The body in a scope that owns the parameters.
pub(super) fn owned_scope(function: &Function, body: &TokenStream, around: &Around) -> TokenStream {
    let scope = function.scope(body);
    let captures = captures(function);
    if captures.is_empty() {
        return scope;
    }
    let unused = unused(function, body, around);
    function.braces(&quote!(#captures #unused #scope))
}

/// A variable for each parameter that is mentioned by [`captures`] alone: the compiler says of it what it would have said of the
/// parameter.
fn unused(function: &Function, body: &TokenStream, around: &Around) -> TokenStream {
    if may_hide_names(body.clone()) {
        return TokenStream::new();
    }
    let Around {
        before,
        entry,
        after,
    } = around;
    let recorded = quote!(#before #entry #after);
    let unused = function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) if !syntax::is_never_dropped(&typed.ty) && !has_fields(&typed.pat) => {
            let mut names = in_drop_order(&typed.pat);
            names.retain(|name| {
                !name.to_string().starts_with('_')
                    && !may_name(body.clone(), name)
                    && !body::names(recorded.clone(), name)
            });
            let attrs = typed.attrs.iter().filter(|it| is_of_compiler(it));
            let attrs = quote!(#(#attrs)*);
            Some(quote!(#(#attrs let #names = 0;)*))
        }
        _ => None,
    });
    let unused: TokenStream = unused.collect();
    if unused.is_empty() {
        unused
    } else {
        quote!({ #unused })
    }
}

/// Whether something in a pattern is named after a field, which the compiler would have ignored in another way.
fn has_fields(pattern: &Pat) -> bool {
    struct HasFields(bool);
    impl VisitMut for HasFields {
        fn visit_pat_struct_mut(&mut self, _: &mut PatStruct) {
            self.0 = true;
        }
    }
    let mut has_fields = HasFields(false);
    has_fields.visit_pat_mut(&mut pattern.clone());
    has_fields.0
}

/// Whether an attribute may stand on a variable as well.
fn is_of_compiler(attribute: &Attribute) -> bool {
    const NAMES: &[&str] = &[
        "allow", "cfg", "cfg_attr", "deny", "expect", "forbid", "warn",
    ];
    NAMES.iter().any(|name| attribute.path().is_ident(name))
}

/// Whether tokens may be about a variable, also in a text that a macro reads.
fn may_name(tokens: TokenStream, variable: &Ident) -> bool {
    let word = variable.unraw().to_string();
    body::any(tokens, &|token| match token {
        TokenTree::Ident(ident) => ident.unraw() == word,
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            let mut words = text.split(|char: char| !char.is_alphanumeric() && char != '_');
            words.any(|part| part == word)
        }
        TokenTree::Group(_) | TokenTree::Punct(_) => false,
    })
}

/// Whether a macro is called that could be about a variable without spelling its name, as `include!` is.
fn may_hide_names(tokens: TokenStream) -> bool {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let is_hiding = tokens.windows(3).any(|tokens| match tokens {
        [
            TokenTree::Ident(name),
            TokenTree::Punct(mark),
            TokenTree::Group(_),
        ] => {
            let is_known = body::OF_STD
                .iter()
                .chain(SPELLING)
                .any(|known| name == known);
            mark.as_char() == '!' && !is_known
        }
        _ => false,
    });
    is_hiding
        || tokens.into_iter().any(|token| match token {
            TokenTree::Group(group) => may_hide_names(group.stream()),
            _ => false,
        })
}

/// What stands before a `!` besides macros of the standard library that spell what they name: those of loggers and of this crate, and
/// keywords before a negation.
const SPELLING: &[&str] = &[
    "attr", "debug", "error", "event", "if", "in", "info", "match", "return", "span", "trace",
    "warn", "while",
];

/// Mentions every parameter that may have something to drop, the last one first, so that the closure or future owns all
/// of them and drops them in the order in which the function would. The others are left to the body, so that the
/// compiler still sees which of them it does not use.
fn captures(function: &Function) -> TokenStream {
    let mentions = function.sig.inputs.iter().rev().filter_map(|input| {
        let (attrs, names) = match input {
            FnArg::Receiver(receiver) if matches!(receiver.kind, ReceiverKind::Reference(..)) => {
                return None;
            }
            FnArg::Typed(typed) if syntax::is_never_dropped(&typed.ty) => return None,
            FnArg::Receiver(receiver) => (&receiver.attrs, vec![Ident::from(receiver.self_token)]),
            FnArg::Typed(typed) => (&typed.attrs, in_drop_order(&typed.pat)),
        };
        let conditions: Vec<_> = attrs.iter().filter(|attr| may_remove(attr)).collect();
        let mentions = names.into_iter().map(|name| {
            // Such a name says that it is not used, and to clippy this would be a use.
            let allowed = (name.to_string().starts_with('_') && !is_unbound(&name))
                .then(|| quote!(#[allow(clippy::used_underscore_binding)]));
            quote!(#(#conditions)* #allowed let _ = &#name;)
        });
        Some(mentions.collect::<TokenStream>())
    });
    mentions.collect()
}

/// Whether an attribute may take away what it stands on.
pub(super) fn may_remove(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

/// The names in a parameter's pattern: what is bound is dropped from the last to the first, then what is left of the
/// argument, as it stands there.
fn in_drop_order(pattern: &Pat) -> Vec<Ident> {
    #[derive(Default)]
    struct Named {
        bound: Vec<Ident>,
        unbound: Vec<Ident>,
    }
    impl VisitMut for Named {
        fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
            let is_bare = pattern.by_ref.is_none() && pattern.mutability.is_none();
            let name = &pattern.ident;
            if !(is_bare && pattern.subpat.is_none() && syntax::may_be_constant(name)) {
                let names = if is_unbound(&pattern.ident) {
                    &mut self.unbound
                } else {
                    &mut self.bound
                };
                names.push(pattern.ident.clone());
            }
            visit_mut::visit_pat_ident_mut(self, pattern);
        }

        /// Once something was taken out of an array, each row of elements that is left is dropped by itself, the last row first.
        fn visit_pat_slice_mut(&mut self, pattern: &mut PatSlice) {
            let before = std::mem::take(&mut self.unbound);
            let mut rows: Vec<Vec<Ident>> = Vec::new();
            let mut is_row = false;
            for element in &mut pattern.elems {
                let bound = self.bound.len();
                self.visit_pat_mut(element);
                let is_left = self.bound.len() == bound;
                let left = std::mem::take(&mut self.unbound);
                match rows.last_mut().filter(|_| is_row && is_left) {
                    Some(row) => row.extend(left),
                    None => rows.push(left),
                }
                is_row = is_left;
            }
            self.unbound = before;
            self.unbound.extend(rows.into_iter().rev().flatten());
        }

        /// Each case binds the same names.
        fn visit_pat_or_mut(&mut self, pattern: &mut PatOr) {
            if let Some(case) = pattern.cases.first_mut() {
                self.visit_pat_mut(case);
            }
        }
    }
    let mut named = Named::default();
    named.visit_pat_mut(&mut pattern.clone());
    let Named { mut bound, unbound } = named;
    bound.reverse();
    bound.extend(unbound);
    bound
}
