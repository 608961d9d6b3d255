//! `span!`, `attr!` and `event!`: for code that no attribute reaches.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::quote;
use syn::Expr;

use crate::args::Args;
use crate::body;
use crate::errors::Errors;
use crate::expand;
use crate::helpers::{AttrContent, Helper, Ours};
use crate::plan::{Record, SpanPlan, check_event, check_statement_fields, default_runtime};

use crate::unrecorded;

/// `span!("name", { .. })`
pub(crate) fn span(recording: bool, tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let block = match tokens.pop().map(ungrouped) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => group,
        other => {
            let at = other.map_or_else(Span::call_site, |token| token.span());
            errors.add(at, "expected a block at the end: `span!(\"step\", { .. })`");
            return failed(errors, &TokenStream::new());
        }
    };
    match tokens.last() {
        Some(TokenTree::Punct(comma)) if comma.as_char() == ',' => {}
        Some(other) => errors.add(
            other.span(),
            "expected `,` before the block: `span!(\"step\", { .. })`; what is more than a block, such as `unsafe { .. }`, stands within it",
        ),
        None => {}
    }
    let args = if errors.is_empty() {
        Args::parse(tokens.into_iter().collect(), &mut errors)
    } else {
        return failed(errors, &block.stream());
    };
    body::refuse_outcome(&args.outcome, &mut errors);
    let runtime = args.runtime.clone().unwrap_or_else(default_runtime);
    let plan = SpanPlan::inside_code(args.span, &mut errors);
    let expr = errors.keep(syn::parse2::<Expr>(TokenTree::Group(block.clone()).into()));
    if expr
        .as_ref()
        .is_some_and(|expr| body::awaits(expr) || body::joins(expr, false))
    {
        errors.add(
            block.span_open(),
            "this block must not `.await`: its span would be current on the wrong thread; move it into an `async fn` with `#[traced_span]`",
        );
    }
    match (errors.is_empty(), expr) {
        (true, Some(expr)) if !recording => expand::behind(&unrecorded::inside(&plan), expr),
        (true, Some(expr)) => expand::traced_expr(&runtime, &plan, expr),
        _ => failed(errors, &block.stream()),
    }
}

/// What stands alone in the invisible groups that `macro_rules!` makes.
fn ungrouped(token: TokenTree) -> TokenTree {
    if let TokenTree::Group(group) = &token {
        let mut inside = group.stream().into_iter();
        if let (Delimiter::None, Some(only), None) =
            (group.delimiter(), inside.next(), inside.next())
        {
            return ungrouped(only);
        }
    }
    token
}

/// `attr!("room" = booking.room, ..)` and `event!("name", "key" = value, ..)`
pub(crate) fn helper(recording: bool, ours: Ours, tokens: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let helper = errors.keep(Helper::parse(ours, Span::call_site(), tokens));
    let record = helper.and_then(|helper| record(helper, &mut errors));
    match (errors.is_empty(), record) {
        (true, Some(record)) => {
            let recorded = if recording {
                expand::statement(&default_runtime(), &record)
            } else {
                unrecorded::statement(&record)
            };
            quote!({ #recorded })
        }
        _ => failed(errors, &TokenStream::new()),
    }
}

fn record(helper: Helper, errors: &mut Errors) -> Option<Record> {
    let record = match helper {
        Helper::Event(event) => {
            check_event(&event, errors);
            Record::Event {
                name: event.name,
                fields: event.fields,
            }
        }
        Helper::Attr(helper) => {
            let AttrContent::Fields(fields) = helper.content else {
                errors.add(
                    helper.at,
                    "`attr!` needs a key and a value: `attr!(\"room.id\" = room_id)`",
                );
                return None;
            };
            Record::Attributes(fields)
        }
    };
    check_statement_fields(record.fields(), errors);
    Some(record)
}

/// The mistakes, and the statements that were there without us.
fn failed(errors: Errors, without: &TokenStream) -> TokenStream {
    let errors = errors.into_tokens();
    quote!({ #errors #without })
}
