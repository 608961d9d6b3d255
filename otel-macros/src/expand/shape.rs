//! The shapes that a traced function can have: what stands around its body.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{Block, Expr, ExprAsync, FnArg, Ident, PatIdent, ReturnType, Token, Type, parse_quote};

use super::owned::{may_remove, owned_scope};
use super::{Frame, Names, path_at, shown_at};
use crate::body;
use crate::boxed::{self, BoxedAtEnd};
use crate::function::Function;
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
    let output = syntax::nameable(&function.sig.output);
    let called = called(function, body, output.as_ref(), around, frame);
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
    let future = async_block(function, body, around, frame);
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

/// Starts the span, and records what is known before the body.
fn before_the_future(function: &mut Function, around: &Around, frame: &Frame) -> TokenStream {
    let before = &around.before;
    let entry = entered(&around.entry, frame);
    let recorded = quote!(#before #entry);
    lending(function, &recorded, Some(&frame.names.span))
}

/// What is recorded before a future, and what that made. What is borrowed in a future is kept until its block ends, so the
/// arguments that are named are moved into such a block, and out of it again.
///
/// `let (name, span) = { let (name,) = (name,); let span = ..; (name, span) };`
pub(super) fn lending(
    function: &mut Function,
    recorded: &TokenStream,
    made: Option<&Ident>,
) -> TokenStream {
    let lent = lend_arguments(function, recorded);
    if lent.is_empty() {
        return recorded.clone();
    }
    let (mutability, names): (Vec<_>, Vec<_>) = lent.into_iter().unzip();
    quote! {
        let (#(#mutability #names,)* #made) = {
            let (#(#names,)*) = (#(#names,)*);
            #recorded
            (#(#names,)* #made)
        };
    }
}

/// The arguments that are moved and not copied, and are named in the tokens. Whether they are mutable is not said in the
/// signature any more, but where they are bound again.
fn lend_arguments(
    function: &mut Function,
    tokens: &TokenStream,
) -> Vec<(Option<Token![mut]>, Ident)> {
    struct Lend<'a> {
        tokens: &'a TokenStream,
        lent: Vec<(Option<Token![mut]>, Ident)>,
    }
    impl VisitMut for Lend<'_> {
        fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
            let is_whole = pattern.by_ref.is_none() && pattern.subpat.is_none();
            if is_whole && body::names(self.tokens.clone(), &pattern.ident) {
                let mutability = pattern.mutability.take();
                self.lent.push((mutability, pattern.ident.clone()));
            }
        }
    }
    let mut lend = Lend {
        tokens,
        lent: Vec::new(),
    };
    for input in &mut function.sig.inputs {
        match input {
            FnArg::Typed(typed)
                if !syntax::is_copy(&typed.ty)
                    && !syntax::is_never_dropped(&typed.ty)
                    && !typed.attrs.iter().any(may_remove) =>
            {
                lend.visit_pat_mut(&mut typed.pat);
            }
            _ => {}
        }
    }
    lend.lent
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

/// A function that is one `async` block: its span starts when it is polled first, so that without a poll there is none.
pub(super) fn block_body(
    block: &AsyncBlock,
    function: &Function,
    around: &Around,
    frame: &Frame,
) -> TokenStream {
    // A parameter that is recorded may be one that the block itself does not have, so it is not there to be borrowed.
    let Around { before, entry, .. } = around;
    let owning = owning_named(&block.block, function, &quote!(#before #entry));
    let output = block.output.as_deref();
    let traced = if is_made_when_polled(function, frame.needs_slot) {
        async_in_span(&owning, output, around, frame)
    } else {
        async_around_span(&owning, output, around, frame)
    };
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
    let output = block.output.as_deref();
    let recorded = if is_made_when_polled(function, false) {
        // In a span that is none.
        let (inside, span) = (&frame.inside, &frame.names.span);
        let around = Around {
            before: quote!(#before #entry let #span = #inside::TaskSpan::none();),
            entry: TokenStream::new(),
            after: after.clone(),
        };
        async_in_span(&owning, output, &around, frame)
    } else {
        let ExprAsync { capture, block, .. } = &owning;
        let future = quote!(async #capture #block);
        async_around(
            &owning,
            output,
            &quote!(#before #entry),
            &future,
            after,
            frame,
        )
    };
    called_with(block, &recorded)
}

/// Whether a function that is one `async` block can be made to hold what it captures once. Another macro that reads it would not see
/// the block any more, and a part that awaits has a slot around it.
pub(super) fn is_made_when_polled(function: &Function, needs_slot: bool) -> bool {
    !needs_slot && !function.is_read_again()
}

/// The call with another block in place of its own.
fn called_with(block: &AsyncBlock, other: &TokenStream) -> TokenStream {
    match &block.call {
        Some(call) => call.with(other),
        None => other.clone(),
    }
}

/// The block, which owns its variables where one of the parameters is named in the tokens.
fn owning_named(block: &ExprAsync, function: &Function, tokens: &TokenStream) -> ExprAsync {
    let mut owning = block.clone();
    let mut bound = function.bound();
    if bound.any(|name| body::names(tokens.clone(), &name)) {
        owning.capture.get_or_insert_with(Default::default);
    }
    owning
}

/// An `async` block that is made when it is polled first, together with its span, so that what it captures is held once; `output`
/// is what it comes to, where that is known.
///
/// `LazyFuture::new(move || { let span = ..; (span, async move { .. }) }, move |span, result| { .. })`
pub(super) fn async_in_span(
    block: &ExprAsync,
    output: Option<&Type>,
    around: &Around,
    frame: &Frame,
) -> TokenStream {
    let before = &around.before;
    let entry = entered(&around.entry, frame);
    let Frame { inside, names, .. } = frame;
    let Names { span, .. } = names;
    let ExprAsync {
        attrs,
        capture,
        block,
        async_token,
        ..
    } = block;
    let typed = output.and_then(|output| typed_return(output, output.span(), frame));
    let body = braced(block);
    let record = record_result(around, frame);
    // It stands where the user's block does, which is what the compiler's messages then show.
    let at = async_token.span;
    let traced = path_at(quote!(#inside::LazyFuture::new), at);
    let closure = quote_spanned!(at=> #capture ||);
    let mut future = quote!(#(#attrs)* #async_token #capture);
    block
        .brace_token
        .surround(&mut future, |tokens| tokens.extend(quote!(#typed #body)));
    quote_spanned! {at=>
        #traced(#closure { #before #entry (#span, #future) }, #record)
    }
}

/// The same as an `async` block around the block, which holds what that captures once more.
///
/// `async move { ..; let result: Output = InSpan::new(&span, async move { .. }).await; .. }`
fn async_around_span(
    block: &ExprAsync,
    output: Option<&Type>,
    around: &Around,
    frame: &Frame,
) -> TokenStream {
    let before = &around.before;
    let entry = entered(&around.entry, frame);
    let after = entered(&around.after, frame);
    let Frame { inside, names, .. } = frame;
    let span = &names.span;
    let ExprAsync {
        capture,
        block: body,
        ..
    } = block;
    let (slot, future) = in_span(&quote!(async #capture #body), frame);
    let before = quote!(#before #entry #slot);
    let after = quote!(#after #inside::TaskSpan::finish(#span););
    async_around(block, output, &before, &future, &after, frame)
}

fn async_around(
    block: &ExprAsync,
    output: Option<&Type>,
    before: &TokenStream,
    future: &TokenStream,
    after: &TokenStream,
    frame: &Frame,
) -> TokenStream {
    let ExprAsync { attrs, capture, .. } = block;
    let result = &frame.names.result;
    let output = output.map(|output| quote!(: #output));
    quote! {
        #(#attrs)* async #capture {
            #before
            let #result #output = #future.await;
            #after
            #result
        }
    }
}

/// A block of the user's where an expansion puts it, other than as what it was.
fn braced(block: &Block) -> TokenStream {
    let mut expr: Expr = Expr::Block(parse_quote!(#block));
    syntax::justify_braces(&mut expr);
    expr.into_token_stream()
}

/// What records how a future ends, as a closure that is called within its span.
fn record_result(around: &Around, frame: &Frame) -> TokenStream {
    let after = &around.after;
    let Names { span, result, .. } = &frame.names;
    if after.is_empty() {
        quote!(|_, _| {})
    } else {
        quote!(move |#span, #result| { #after })
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
    let Around { before, entry, .. } = around;
    let Frame { inside, names, .. } = frame;
    let Names {
        span,
        result,
        entered,
        ..
    } = names;
    // Where the box has the type of what is in it, nothing has to be known of that but what it needs to be put into another.
    let boxed_at_end = if handed.is_boxed() {
        BoxedAtEnd::of(body)
    } else {
        None
    };
    let called = if let Some(boxed) = &boxed_at_end {
        called(
            function,
            &with_typed_box(boxed, body, handed, frame),
            None,
            around,
            frame,
        )
    } else {
        let output = syntax::nameable(&function.sig.output);
        called(function, body, output.as_ref(), around, frame)
    };
    let traced = match handed {
        Handed::Future { output, .. } => {
            // Where the result is looked at, its type has to be known.
            let output = output.as_ref().filter(|_| !around.after.is_empty());
            let named = |output: &Type| {
                let at = output.span();
                let function = path_at(quote!(#inside::output), at);
                let result = shown_at(result, at);
                quote_spanned!(at=> #function::<#output, _>(#result))
            };
            let future = output.map_or_else(|| quote!(#result), |output| named(output));
            let record = record_result(around, frame);
            quote!(#inside::TracedFuture::new(#span, #future, #record))
        }
        Handed::Stream { .. } => quote!(#inside::TracedStream::new(#span, #result)),
    };
    let handed_out = match &boxed_at_end {
        Some(BoxedAtEnd { at, .. }) => {
            let boxed = path_at(quote!(#inside::boxed), *at);
            quote_spanned!(*at=> #boxed(#traced))
        }
        None if handed.is_boxed() => quote!(#inside::boxed(#traced)),
        None => traced,
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

/// A body that ends by a box, which is not told to be one of a trait object: an `async` block in it is told what it comes to.
fn with_typed_box(
    boxed: &BoxedAtEnd,
    body: &TokenStream,
    handed: &Handed,
    frame: &Frame,
) -> TokenStream {
    match handed {
        Handed::Future {
            output: Some(output),
            ..
        } if boxed.is_async => {
            let typed = typed_return(output, output.span(), frame);
            boxed::with_first_in_block(body.clone(), &quote!(#typed))
        }
        _ => body.clone(),
    }
}

/// The body, called as a closure that owns the parameters. It stands where the user's function does: of what a closure of a
/// macro has captured the compiler's messages do not say the names.
fn called(
    function: &Function,
    body: &TokenStream,
    output: Option<&Type>,
    around: &Around,
    frame: &Frame,
) -> TokenStream {
    let inside = &frame.inside;
    let output = output.map(|ty| quote!(-> #ty));
    let owned = owned_scope(function, body, around);
    let closure = quote_spanned!(function.sig.fn_token.span=> move ||);
    quote!(#inside::call(#closure #output #owned))
}

/// The body as a future of its own, which stands where the user's function does.
pub(super) fn async_block(
    function: &Function,
    body: &TokenStream,
    around: &Around,
    frame: &Frame,
) -> TokenStream {
    let owned = owned_scope(function, body, around);
    let output = &function.sig.output;
    let typed = match output {
        ReturnType::Default => typed_return(&parse_quote!(()), function.sig.ident.span(), frame),
        ReturnType::Type(_, ty) => typed_return(ty, ty.span(), frame),
    };
    let at_function = |inside: &TokenStream| {
        let block = quote_spanned!(function.sig.fn_token.span=> async move);
        let braces = function.braces(inside);
        quote!(#block #braces)
    };
    // Of a value at the end that is to be awaited in its turn, clippy would say that this was forgotten; of a `return` that is
    // never reached, the compiler.
    if !syntax::is_awaitable(output) {
        at_function(&quote!(#typed #owned))
    } else if body::ends_by_leaving(body) {
        at_function(&quote!(#typed #owned;))
    } else {
        at_function(&quote!(#typed return #owned;))
    }
}

/// A `return` that never runs and states its type first, so that a mismatch lands on the user's line; but not where there
/// is nothing to state, as a closure would be expected to have that type.
fn typed_return(ty: &Type, at: Span, frame: &Frame) -> Option<TokenStream> {
    let ty = syntax::nameable_type(ty);
    if matches!(ty, Type::Infer(_)) || syntax::is_never_type(&ty) {
        return None;
    }
    let inside = &frame.inside;
    // Not a `let`, of which clippy would say that its type is complex.
    let value = path_at(quote!(#inside::unreached), at);
    let returned = quote_spanned!(at=> return #value::<#ty>(););
    Some(quote!(if false { #returned }))
}
