//! From the plan to tokens. Nothing here can fail, and nothing here decides.

mod outcome;
mod owned;
mod record;
mod shape;
mod start;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprAsync, Path, Stmt, Type};

use self::outcome::outcome;
use self::record::{one_record, records};
use self::shape::{
    Around, async_block, async_body, async_in_span, block_body, handing_body, is_made_when_polled,
    lending, sync_body, untraced_block_body,
};
use self::start::{Begin, enter, into_task, start, within};
use crate::body;
use crate::function::Function;
use crate::helpers::Lifted;
use crate::plan::{AsyncBlock, Handed, Plan, Record, Records, Shape, SpanPlan};
use crate::syntax;

/// The static that describes a traced function; where it stands, `#[traced_span]` has been expanded.
pub(crate) const SITE: &str = "__OTEL_SITE";

/// The variables that an expansion introduces. No variable of the user's can meet them, as they have the macro's hygiene;
/// a constant could, so their names are long.
struct Names {
    start: Ident,
    span: Ident,
    fields: Ident,
    result: Ident,
    entered: Ident,
    slot: Ident,
}

impl Names {
    fn new() -> Names {
        let name = |name| Ident::new(name, Span::mixed_site());
        Names {
            start: name("__otel_start"),
            span: name("__otel_span"),
            fields: name("__otel_fields"),
            result: name("__otel_result"),
            entered: name("__otel_entered"),
            slot: name("__otel_slot"),
        }
    }
}

/// What all pieces of one expansion share.
struct Frame {
    /// The path of the runtime's inside.
    inside: TokenStream,
    names: Names,
    /// Whether a part of the body has a span of its own and awaits.
    needs_slot: bool,
    /// Whether the variable for the result holds a reference to it.
    result_is_reference: bool,
    recorder: Recorder,
}

/// What attributes and events are recorded on. Its methods are called by their paths: a trait of the user's could have
/// methods of the same names.
#[derive(Clone, Copy)]
enum Recorder {
    /// A span that is current until it is dropped.
    Sync,
    /// The same, never current.
    Leaf,
    /// The span of a future or stream.
    Task,
    /// The span that is current anyway.
    Current,
}

impl Frame {
    fn new(runtime: &Path, recorder: Recorder) -> Frame {
        Frame {
            inside: quote!(#runtime::__private),
            names: Names::new(),
            needs_slot: false,
            result_is_reference: false,
            recorder,
        }
    }

    /// A method of the recorder, and the recorder as its first argument.
    fn recorder(&self, method: &str) -> (TokenStream, TokenStream) {
        let inside = &self.inside;
        let span = &self.names.span;
        let method = Ident::new(method, Span::call_site());
        match self.recorder {
            Recorder::Sync => (quote!(#inside::SyncSpan::#method), quote!(&#span)),
            Recorder::Leaf => (quote!(#inside::LeafSpan::#method), quote!(&#span)),
            Recorder::Task => (quote!(#inside::TaskSpan::#method), quote!(&#span)),
            Recorder::Current => (
                quote!(#inside::Current::#method),
                quote!(&#inside::Current::get()),
            ),
        }
    }

    /// A reference to the result.
    fn result(&self) -> TokenStream {
        self.result_at(self.names.result.span())
    }

    /// A reference to the result that the compiler's messages show at a place of the user's.
    fn result_at(&self, at: Span) -> TokenStream {
        let result = shown_at(&self.names.result, at);
        if self.result_is_reference {
            quote!(#result)
        } else {
            quote_spanned!(at=> &#result)
        }
    }
}

/// A word that the compiler's messages show at a place of the user's, and that means what it did.
fn shown_at(word: &Ident, at: Span) -> Ident {
    let mut shown = word.clone();
    shown.set_span(word.span().located_at(at));
    shown
}

/// The path of a method of ours, as if it stood at a place of the user's: the compiler then blames the argument alone. Which crate
/// `$crate` is remains.
fn path_at(tokens: TokenStream, at: Span) -> TokenStream {
    let shown = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => {
            let mut shown = Group::new(group.delimiter(), path_at(group.stream(), at));
            shown.set_span(at);
            shown.into()
        }
        TokenTree::Ident(word) if word == "$crate" => shown_at(&word, at).into(),
        mut token => {
            token.set_span(at);
            token
        }
    });
    shown.collect()
}

/// Tokens in braces of ours that the compiler's messages show at a place of the user's. A closure as an argument needs them, since
/// clippy would have it replaced by a path otherwise.
fn in_braces(inside: &impl ToTokens, at: Span) -> TokenStream {
    let mut braces = Group::new(Delimiter::Brace, inside.to_token_stream());
    braces.set_span(Span::call_site().located_at(at));
    TokenTree::from(braces).into()
}

/// A traced function.
///
/// ```text
/// fn load(id: u32) -> Result<Room, Error> { query(id)? }
/// // becomes
/// fn load(id: u32) -> Result<Room, Error> {
///     let span = Start::enter({ static __OTEL_SITE: Site = ..; Start::new(&__OTEL_SITE) });
///     let result = call(move || -> Result<Room, Error> { query(id)? });
///     if SyncSpan::is_recording(&span) { SyncSpan::fail(&span, returned(&result).failure()); }
///     result
/// }
/// ```
pub(crate) fn traced(
    plan: &Plan,
    lifted: &Lifted,
    function: &Function,
    body: &TokenStream,
) -> TokenStream {
    let mentions = lifted.mentions();
    let (recorder, begin) = match plan.shape {
        Shape::Sync if plan.span.is_leaf => (Recorder::Leaf, enter(&plan.span)),
        Shape::Sync => (Recorder::Sync, enter(&plan.span)),
        Shape::Async | Shape::Handing(_) | Shape::Block(_) => {
            (Recorder::Task, into_task(&plan.span))
        }
    };
    let mut frame = Frame::new(&plan.runtime, recorder);
    frame.needs_slot = plan.needs_slot;
    frame.result_is_reference = match plan.shape {
        Shape::Handing(_) => true,
        Shape::Block(_) => is_made_when_polled(function, plan.needs_slot),
        Shape::Sync | Shape::Async => false,
    };
    let start = start(&plan.span, &plan.records.start, &begin, &frame);
    let around = Around {
        before: quote!(#mentions #start),
        entry: records(&plan.records.entry, &frame),
        after: outcome(plan, &frame),
    };
    let is_moved = match &plan.shape {
        Shape::Sync => !around.after.is_empty(),
        Shape::Async | Shape::Handing(_) => true,
        Shape::Block(_) => false,
    };
    let mut function = with_parameters(function, is_moved);
    if let Shape::Block(_) = plan.shape {
        function = function.allowing("manual_async_fn");
    }
    let body = match &plan.shape {
        Shape::Sync => sync_body(&function, body, &around, &frame),
        Shape::Async => async_body(&mut function, body, &around, &frame),
        Shape::Block(block) => block_body(block, &function, &around, &frame),
        Shape::Handing(handed) => handing_body(handed, &function, body, &around, &frame),
    };
    function.with_body(&body)
}

/// What would be done with a traced function's result, where that is never reached: what closures over it name is used then, also
/// without recording. Nothing where the type of the result cannot be written.
pub(crate) fn outcome_unreached(plan: &Plan, function: &Function) -> Option<TokenStream> {
    let ty = match &plan.shape {
        Shape::Sync | Shape::Async => Some(syntax::returned(&function.sig.output)),
        Shape::Handing(Handed::Future { output, .. }) => output.as_deref().cloned(),
        Shape::Block(block) => block.output.as_deref().cloned(),
        Shape::Handing(Handed::Stream { .. }) => None,
    };
    let frame = Frame::new(&plan.runtime, Recorder::Current);
    unreached(&ty?, &outcome(plan, &frame), &frame)
}

/// The same for helpers alone.
pub(crate) fn returned_unreached(
    runtime: &Path,
    recorded: &Records,
    function: &Function,
) -> Option<TokenStream> {
    let ty = match AsyncBlock::of(&function.sig, &function.body) {
        Some(block) => block.output.as_deref().cloned(),
        None => Some(syntax::returned(&function.sig.output)),
    };
    let frame = Frame::new(runtime, Recorder::Current);
    unreached(&ty?, &records(&recorded.returned, &frame), &frame)
}

fn unreached(ty: &Type, after: &TokenStream, frame: &Frame) -> Option<TokenStream> {
    if syntax::is_inferred(ty) {
        return None;
    }
    let (inside, result) = (&frame.inside, &frame.names.result);
    // What a closure takes is not taken from the body: this returns.
    Some(quote! {
        if false {
            let #result = #inside::unreached::<#ty>();
            #after
            return #inside::unreached();
        }
    })
}

/// A function with helpers alone: they act on the span that is current when it is called.
pub(crate) fn untraced(
    runtime: &Path,
    recorded: &Records,
    lifted: &Lifted,
    function: &Function,
    body: &TokenStream,
) -> TokenStream {
    let mut frame = Frame::new(runtime, Recorder::Current);
    let block = AsyncBlock::of(&function.sig, body);
    frame.result_is_reference = block.is_some() && is_made_when_polled(function, false);
    let around = Around {
        before: lifted.mentions(),
        entry: records(&recorded.entry, &frame),
        after: records(&recorded.returned, &frame),
    };
    if let Some(block) = block {
        let function = function.clone().allowing("manual_async_fn");
        return function.with_body(&untraced_block_body(&block, &function, &around, &frame));
    }
    let function = &mut with_parameters(function, !around.after.is_empty());
    let awaits = function.sig.asyncness.is_some() && !body::certainly_never_awaits(body);
    let body = if awaits && !around.after.is_empty() {
        let Around {
            before,
            entry,
            after,
        } = &around;
        let before = lending(function, &quote!(#before #entry), None);
        let future = async_block(function, body, &around, &frame);
        let result = &frame.names.result;
        quote! {
            #before
            let #result = #future.await;
            #after
            #result
        }
    } else {
        sync_body(function, body, &around, &frame)
    };
    function.with_body(&body)
}

/// The function, whose parameters have names for all that has to be moved where its body is moved into a closure or a future.
fn with_parameters(function: &Function, is_moved: bool) -> Function {
    let function = function.clone();
    if is_moved {
        function.with_parameters_named()
    } else {
        function
    }
}

/// A span around an expression that does not await.
///
/// `{ let span = Start::enter({ .. }); EXPR }`; attributes in front of the expression stay in front. The expression's
/// temporaries live on as they would without the braces, which are of this crate's edition.
pub(crate) fn traced_expr(runtime: &Path, plan: &SpanPlan, expr: Expr) -> TokenStream {
    let frame = Frame::new(runtime, Recorder::Sync);
    expr_in_span(&frame, plan, &enter(plan), expr)
}

/// The same around an expression that awaits, within a traced `async fn`: `Start::within({ .. }, slot)`.
pub(crate) fn traced_awaiting(runtime: &Path, plan: &SpanPlan, expr: Expr) -> TokenStream {
    let frame = Frame::new(runtime, Recorder::Task);
    expr_in_span(&frame, plan, &within(plan), expr)
}

fn expr_in_span(frame: &Frame, plan: &SpanPlan, begin: &Begin, expr: Expr) -> TokenStream {
    behind(&start(plan, &[], begin, frame), expr)
}

/// An expression behind what comes first, in braces that its attributes stand before.
pub(crate) fn behind(before: &TokenStream, mut expr: Expr) -> TokenStream {
    let attributes: Vec<_> = syntax::leading_attributes(&mut expr)
        .map(|attributes| attributes.extract_if(.., syntax::is_outer).collect())
        .unwrap_or_default();
    let at = expr.span();
    syntax::justify(&mut expr);
    // As a statement, so that one which starts with a block is put into parentheses.
    let expr = Stmt::Expr(expr, None);
    let braces = in_braces(&quote!(#before #expr), at);
    quote!(#(#attributes)* #braces)
}

/// Stands for the slot of parts that await, where nothing else is made of a function.
pub(crate) fn no_slot(runtime: &Path) -> TokenStream {
    let Frame { inside, names, .. } = Frame::new(runtime, Recorder::Current);
    let slot = names.slot;
    quote!(let #slot: &#inside::Slot<'_> = &#inside::unreached();)
}

/// A span around an `async` block, whenever it is polled.
pub(crate) fn traced_async(runtime: &Path, plan: &SpanPlan, block: &ExprAsync) -> TokenStream {
    let frame = Frame::new(runtime, Recorder::Task);
    let around = Around {
        before: start(plan, &[], &into_task(plan), &frame),
        entry: TokenStream::new(),
        after: TokenStream::new(),
    };
    async_in_span(block, None, &around, &frame)
}

/// The last expression of a block with what is recorded after it: `then(EXPR, { .. })`. As an argument it is still
/// expected to have the block's type, which its own may depend on.
pub(crate) fn followed(runtime: &Path, mut expr: Expr, after: &TokenStream) -> TokenStream {
    syntax::justify_braces(&mut expr);
    quote!(#runtime::__private::then(#expr, { #after }))
}

/// What a helper on a statement records, on the current span.
pub(crate) fn statement(runtime: &Path, record: &Record) -> TokenStream {
    one_record(record, &Frame::new(runtime, Recorder::Current))
}
