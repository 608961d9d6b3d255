//! From the plan to tokens. Nothing here can fail, and nothing here decides.

mod outcome;
mod record;
mod shape;
mod start;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, ExprAsync, Path, Stmt, Token};

use self::outcome::outcome;
use self::record::{one_record, records};
use self::shape::{
    Around, async_block, async_body, async_in_span, block_body, handing_body, sync_body,
};
use self::start::{enter, into_task, start, within};
use crate::body;
use crate::function::Function;
use crate::helpers::Lifted;
use crate::plan::{Plan, Record, Records, Shape, SpanPlan};
use crate::syntax;

/// The static that describes a traced function; where it stands, `#[traced_span]` has been expanded.
pub(crate) const SITE: &str = "__OTEL_SITE";

/// The variables that an expansion introduces; no name of the user's can meet them.
struct Names {
    start: Ident,
    span: Ident,
    fields: Ident,
    result: Ident,
    value: Ident,
    slot: Ident,
}

impl Names {
    fn new() -> Names {
        let name = |name| Ident::new(name, Span::mixed_site());
        Names {
            start: name("__start"),
            span: name("__span"),
            fields: name("__fields"),
            result: name("__result"),
            value: name("__value"),
            slot: name("__slot"),
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
}

impl Frame {
    fn new(runtime: &Path) -> Frame {
        Frame {
            inside: quote!(#runtime::__private),
            names: Names::new(),
            needs_slot: false,
            result_is_reference: false,
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

/// A variable of ours that the compiler's messages show at a place of the user's.
fn shown_at(variable: &Ident, at: Span) -> Ident {
    Ident::new(&variable.to_string(), variable.span().located_at(at))
}

/// A traced function.
///
/// ```text
/// fn load(id: u32) -> Result<Room, Error> { query(id)? }
/// // becomes
/// fn load(id: u32) -> Result<Room, Error> {
///     let __span = { static __OTEL_SITE: Site = ..; Start::new(&__OTEL_SITE) }.enter();
///     let __result = call(move || -> Result<Room, Error> { query(id)? });
///     if __span.is_recording() { __span.fail(returned(&__result).failure()); }
///     __result
/// }
/// ```
pub(crate) fn traced(
    plan: &Plan,
    lifted: &Lifted,
    function: &Function,
    body: &TokenStream,
) -> TokenStream {
    let mentions = lifted.mentions();
    let mut frame = Frame::new(&plan.runtime);
    frame.needs_slot = plan.needs_slot;
    frame.result_is_reference = matches!(plan.shape, Shape::Handing(_));
    let begin = match plan.shape {
        Shape::Sync => enter(&plan.span),
        Shape::Async | Shape::Handing(_) | Shape::Block(_) => into_task(&plan.span),
    };
    let start = start(&plan.span, &plan.records.start, &begin, &frame);
    let span = &frame.names.span;
    let entry = records(&plan.records.entry, &quote!(#span), &frame);
    let around = Around {
        before: quote! {
            #mentions
            #start
            #entry
        },
        after: outcome(plan, &frame),
    };
    let function = function.clone().with_parameters_named();
    let body = match &plan.shape {
        Shape::Sync => sync_body(&function, body, &around, &frame),
        Shape::Async => async_body(&function, body, &around, &frame),
        Shape::Block(block) => block_body(block, &around, &frame),
        Shape::Handing(handed) => handing_body(handed, &function, body, &around, &frame),
    };
    function.with_body(&body)
}

/// A function with helpers alone: they act on the span that is current when it is called.
pub(crate) fn untraced(
    runtime: &Path,
    recorded: &Records,
    lifted: &Lifted,
    function: &Function,
    body: &TokenStream,
) -> TokenStream {
    let frame = Frame::new(runtime);
    let inside = &frame.inside;
    let current = quote!(#inside::Current::get());
    let mentions = lifted.mentions();
    let entry = records(&recorded.entry, &current, &frame);
    let around = Around {
        before: quote!(#mentions #entry),
        after: records(&recorded.returned, &current, &frame),
    };
    let function = &function.clone().with_parameters_named();
    let awaits = function.sig.asyncness.is_some() && !body::certainly_never_awaits(body);
    let body = if awaits && !around.after.is_empty() {
        let Around { before, after } = &around;
        let future = async_block(function, body, &frame);
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

/// A span around an expression that does not await.
///
/// `{ let __span = { .. }.enter(); EXPR }`; attributes in front of the expression stay in front.
pub(crate) fn traced_expr(runtime: &Path, plan: &SpanPlan, expr: Expr) -> TokenStream {
    let frame = Frame::new(runtime);
    expr_in_span(&frame, plan, &enter(plan), expr)
}

/// The same around an expression that awaits, within a traced `async fn`: `{ .. }.within(__slot)`.
pub(crate) fn traced_awaiting(runtime: &Path, plan: &SpanPlan, expr: Expr) -> TokenStream {
    let frame = Frame::new(runtime);
    expr_in_span(&frame, plan, &within(plan, &frame), expr)
}

fn expr_in_span(
    frame: &Frame,
    plan: &SpanPlan,
    begin: &TokenStream,
    mut expr: Expr,
) -> TokenStream {
    let start = start(plan, &[], begin, frame);
    let attributes = syntax::leading_attributes(&mut expr)
        .map(std::mem::take)
        .unwrap_or_default();
    justify_braces(&mut expr);
    // As a statement, so that one which starts with a block is put into parentheses.
    let traced = Stmt::Expr(expr, None);
    quote!(#(#attributes)* { #start #traced })
}

/// A span around an `async` block, whenever it is polled.
pub(crate) fn traced_async(runtime: &Path, plan: &SpanPlan, block: &ExprAsync) -> TokenStream {
    let frame = Frame::new(runtime);
    let around = Around {
        before: start(plan, &[], &into_task(plan), &frame),
        after: TokenStream::new(),
    };
    async_in_span(block, None, &around, &frame)
}

/// The last expression of a block with what is recorded after it: `then(EXPR, { .. })`. As an argument it is still
/// expected to have the block's type, which its own may depend on.
pub(crate) fn followed(runtime: &Path, mut expr: Expr, after: &TokenStream) -> TokenStream {
    let inside = Frame::new(runtime).inside;
    justify_braces(&mut expr);
    quote!(#inside::then(#expr, { #after }))
}

/// Puts an empty statement into a block of the user's: where the expansion puts it, the compiler would find the braces
/// round a single expression superfluous.
fn justify_braces(expr: &mut Expr) {
    if let Expr::Block(block) = expr {
        let empty = Expr::Verbatim(TokenStream::new());
        let empty = Stmt::Expr(empty, Some(<Token![;]>::default()));
        block.block.stmts.insert(0, empty);
    }
}

/// What a helper on a statement records, on the current span.
pub(crate) fn statement(runtime: &Path, record: &Record) -> TokenStream {
    let frame = Frame::new(runtime);
    let inside = &frame.inside;
    one_record(record, &quote!(#inside::Current::get()), &frame)
}
