//! The shapes that a traced function can have: what stands around its body.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, ExprAsync, FnArg, Ident, Pat, PatIdent, PatOr, PatSlice, ReceiverKind, ReturnType,
    Token, Type, parse_quote,
};

use super::{Frame, Names, path_at};
use crate::body::{self, mentions};
use crate::function::{Function, is_unbound};
use crate::plan::{AsyncBlock, Handed};
use crate::syntax;

/// What comes before and after the body.
pub(super) struct Around {
    pub(super) before: TokenStream,
    /// What is recorded within the span before the body; empty where nothing is.
    pub(super) entry: TokenStream,
    /// Sees the result; empty where nobody wants to.
    pub(super) after: TokenStream,
}

/// A function that returns when it is done.
pub(super) fn sync_body(
    function: &Function,
    body: &TokenStream,
    around: &Around,
    frame: &Frame,
) -> TokenStream {
    let Around {
        before,
        entry,
        after,
    } = around;
    if after.is_empty() {
        let scope = function.scope(body);
        return quote!(#before #entry #scope);
    }
    let result = &frame.names.result;
    let called = called(function, body, frame);
    quote! {
        #before
        #entry
        let #result = #called;
        #after
        #result
    }
}

/// An `async fn`.
pub(super) fn async_body(
    function: &mut Function,
    body: &TokenStream,
    around: &Around,
    frame: &Frame,
) -> TokenStream {
    let before = before_the_future(function, around, frame);
    let after = entered(&around.after, frame);
    let Frame { inside, names, .. } = frame;
    let Names { span, result, .. } = names;
    let future = async_block(function, body, frame);
    let (slot, future) = in_span(&future, frame);
    if syntax::is_never(&function.sig.output) {
        return quote!(#before #slot #future.await);
    }
    quote! {
        #before
        #slot
        let #result = #future.await;
        #after
        #inside::TaskSpan::finish(#span);
        #result
    }
}

/// A future that is polled within the span, and the slot where a part of it puts its own.
fn in_span(future: &TokenStream, frame: &Frame) -> (Option<TokenStream>, TokenStream) {
    let Frame { inside, names, .. } = frame;
    let Names { span, slot, .. } = names;
    if frame.needs_slot {
        (
            Some(quote!(let #slot = &#inside::Slot::new(&#span);)),
            quote!(#inside::InSlot::new(#slot, #future)),
        )
    } else {
        (None, quote!(#inside::InSpan::new(&#span, #future)))
    }
}

/// Starts the span, and records what is known before the body. What is borrowed in a future is kept until its block ends,
/// so the arguments that are recorded are moved into such a block, and out of it again.
///
/// `let (name, span) = { let (name,) = (name,); let span = ..; (name, span) };`
fn before_the_future(function: &mut Function, around: &Around, frame: &Frame) -> TokenStream {
    let before = &around.before;
    let entry = entered(&around.entry, frame);
    let recorded = quote!(#before #entry);
    let lent = lend_arguments(function, &recorded);
    if lent.is_empty() {
        return recorded;
    }
    let span = &frame.names.span;
    let (mutability, names): (Vec<_>, Vec<_>) = lent.into_iter().unzip();
    quote! {
        let (#(#mutability #names,)* #span) = {
            let (#(#names,)*) = (#(#names,)*);
            #recorded
            (#(#names,)* #span)
        };
    }
}

/// The arguments that are moved and not copied, and occur in the tokens. Whether they are mutable is not said in the
/// signature any more, but where they are bound again.
fn lend_arguments(
    function: &mut Function,
    tokens: &TokenStream,
) -> Vec<(Option<Token![mut]>, Ident)> {
    let mut lent = Vec::new();
    for input in &mut function.sig.inputs {
        let FnArg::Typed(typed) = input else {
            continue;
        };
        let is_moved = !syntax::is_copy(&typed.ty)
            && !syntax::is_never_dropped(&typed.ty)
            && !typed.attrs.iter().any(is_condition);
        match &mut *typed.pat {
            Pat::Ident(pattern)
                if is_moved
                    && pattern.by_ref.is_none()
                    && pattern.subpat.is_none()
                    && mentions(tokens.clone(), &pattern.ident.to_string()) =>
            {
                lent.push((pattern.mutability.take(), pattern.ident.clone()));
            }
            _ => {}
        }
    }
    lent
}

/// What is recorded within the span of a future, outside of its polls.
fn entered(recorded: &TokenStream, frame: &Frame) -> Option<TokenStream> {
    let inside = &frame.inside;
    let Names { span, entered, .. } = &frame.names;
    (!recorded.is_empty()).then(|| {
        quote! {{
            let #entered = #inside::TaskSpan::enter(&#span);
            #recorded
        }}
    })
}

/// A function that is one `async` block: the span is within the block, so that without a poll there is none.
///
/// `Box::pin(async move { ..; let result: Output = InSpan::new(&span, async move { .. }).await; .. })`
pub(super) fn block_body(
    block: &AsyncBlock,
    function: &Function,
    around: &Around,
    frame: &Frame,
) -> TokenStream {
    // A parameter that is recorded may be one that the block itself does not have, so it is not there to be borrowed.
    let Around { before, entry, .. } = around;
    let owning = owning_named(&block.block, function, &quote!(#before #entry));
    let traced = async_in_span(&owning, block.output.as_deref(), around, frame);
    called_with(block, &traced)
}

/// The same without a span: what is recorded is so when the block is polled first, and when it is done.
pub(super) fn untraced_block_body(
    block: &AsyncBlock,
    function: &Function,
    around: &Around,
    frame: &Frame,
) -> TokenStream {
    let Around {
        before,
        entry,
        after,
    } = around;
    let owning = owning_named(&block.block, function, &quote!(#before #entry #after));
    let ExprAsync {
        attrs,
        capture,
        block: body,
        ..
    } = &owning;
    let result = &frame.names.result;
    let output = block.output.as_ref().map(|output| quote!(: #output));
    let recorded = quote! {
        #(#attrs)* async #capture {
            #before
            #entry
            let #result #output = async #capture #body.await;
            #after
            #result
        }
    };
    called_with(block, &recorded)
}

/// The call with another block in place of its own.
fn called_with(block: &AsyncBlock, other: &TokenStream) -> TokenStream {
    match &block.call {
        Some(call) => quote!(#call(#other)),
        None => other.clone(),
    }
}

/// The block, which owns its variables where one of the parameters is named in the tokens.
fn owning_named(block: &ExprAsync, function: &Function, tokens: &TokenStream) -> ExprAsync {
    let mut owning = block.clone();
    let mut parameters = function.parameters();
    if parameters.any(|(name, _)| mentions(tokens.clone(), &name.to_string())) {
        owning.capture.get_or_insert_with(Default::default);
    }
    owning
}

/// An `async` block with a span around what it does; `output` is what it comes to, where that is known.
pub(super) fn async_in_span(
    block: &ExprAsync,
    output: Option<&Type>,
    around: &Around,
    frame: &Frame,
) -> TokenStream {
    let before = &around.before;
    let entry = entered(&around.entry, frame);
    let after = entered(&around.after, frame);
    let Frame { inside, names, .. } = frame;
    let Names { span, result, .. } = names;
    let ExprAsync {
        attrs,
        capture,
        block,
        ..
    } = block;
    let output = output.map(|output| quote!(: #output));
    let (slot, future) = in_span(&quote!(async #capture #block), frame);
    quote! {
        #(#attrs)* async #capture {
            #before
            #entry
            #slot
            let #result #output = #future.await;
            #after
            #inside::TaskSpan::finish(#span);
            #result
        }
    }
}

/// A function that hands out a future or a stream. Its statements run within the span, which then lasts as long as what
/// was handed out.
///
/// ```text
/// let result = { let entered = TaskSpan::enter(&span); let result = call(move || { .. }); drop(entered); result };
/// TracedFuture::new(span, result, move |span, result| { .. })
/// ```
pub(super) fn handing_body(
    handed: &Handed,
    function: &Function,
    body: &TokenStream,
    around: &Around,
    frame: &Frame,
) -> TokenStream {
    let Around {
        before,
        entry,
        after,
    } = around;
    let Frame { inside, names, .. } = frame;
    let Names {
        span,
        result,
        entered,
        ..
    } = names;
    let called = called(function, body, frame);
    let (traced, boxed) = match handed {
        Handed::Future { output, boxed } => {
            let output = output
                .as_ref()
                .map_or_else(|| quote!(_), |output| quote!(#output));
            let future = quote!(#inside::output::<#output, _>(#result));
            let record = if after.is_empty() {
                quote!(|_, _| {})
            } else {
                quote!(move |#span, #result| { #after })
            };
            (
                quote!(#inside::TracedFuture::new(#span, #future, #record)),
                *boxed,
            )
        }
        Handed::Stream { boxed } => (quote!(#inside::TracedStream::new(#span, #result)), *boxed),
    };
    let handed_out = if boxed {
        quote!(#inside::boxed(#traced))
    } else {
        traced
    };
    quote! {
        #before
        let #result = {
            let #entered = #inside::TaskSpan::enter(&#span);
            #entry
            let #result = #called;
            ::core::mem::drop(#entered);
            #result
        };
        #handed_out
    }
}

/// The body, called as a closure that owns the parameters.
fn called(function: &Function, body: &TokenStream, frame: &Frame) -> TokenStream {
    let inside = &frame.inside;
    let output = syntax::nameable(&function.sig.output).map(|ty| quote!(-> #ty));
    let owned = owned_scope(function, body);
    quote!(#inside::call(move || #output #owned))
}

/// The body as a future of its own. A `return` that never runs states its type first, so that a mismatch lands on
/// the user's line; but not where there is nothing to state, as a closure would be expected to have that type.
pub(super) fn async_block(function: &Function, body: &TokenStream, frame: &Frame) -> TokenStream {
    let owned = owned_scope(function, body);
    let output = &function.sig.output;
    let ty = syntax::nameable(output).unwrap_or_else(|| parse_quote!(()));
    let is_stated = !syntax::is_never(output) && !matches!(ty, Type::Infer(_));
    let typed = is_stated.then(|| {
        let inside = &frame.inside;
        let at = match output {
            ReturnType::Default => function.sig.ident.span(),
            ReturnType::Type(_, ty) => ty.span(),
        };
        // Not a `let`, of which clippy would say that its type is complex.
        let value = path_at(quote!(#inside::unreached), at);
        let returned = quote_spanned!(at=> return #value::<#ty>(););
        quote!(if false { #returned })
    });
    // Of a value at the end that is to be awaited in its turn, clippy would say that this was forgotten; of a `return` that is
    // never reached, the compiler.
    if !syntax::is_awaitable(output) {
        quote!(async move { #typed #owned })
    } else if body::ends_by_leaving(body) {
        quote!(async move { #typed #owned; })
    } else {
        quote!(async move { #typed return #owned; })
    }
}

/// The body in a scope that owns the parameters.
fn owned_scope(function: &Function, body: &TokenStream) -> TokenStream {
    let scope = function.scope(body);
    let captures = captures(function);
    if captures.is_empty() {
        scope
    } else {
        quote!({ #captures #scope })
    }
}

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
        let conditions: Vec<_> = attrs.iter().filter(|attr| is_condition(attr)).collect();
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

fn is_condition(attribute: &Attribute) -> bool {
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
            // It may be a constant, which is compared and not bound.
            let is_bare = pattern.by_ref.is_none() && pattern.mutability.is_none();
            let name = pattern.ident.to_string();
            if !(is_bare && pattern.subpat.is_none() && name.starts_with(char::is_uppercase)) {
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
