//! What is emitted where recording is compiled out: the code as it was, and a mention of every value that was named, so
//! that a variable which is there to be recorded does not count as unused. The mention never runs.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, Path};

use crate::expand;
use crate::function::Function;
use crate::helpers::{Field, Key, Lifted, Value};
use crate::plan::{AsyncBlock, Failure, Name, Parent, Plan, Record, Records, SpanPlan};
use crate::syntax::{is_underscored, justify};

/// A traced function without its span.
pub(crate) fn traced(
    plan: &Plan,
    lifted: &Lifted,
    function: &Function,
    body: &TokenStream,
) -> TokenStream {
    let mut values = span(&plan.span);
    values.extend(records(&plan.records));
    let counted = plan.counted.as_ref();
    let counted = counted.filter(|counted| !matches!(counted, Expr::Closure(_)));
    values.extend(counted.map(Mentioned::always));
    let is_closure = matches!(plan.failure, Failure::By(_))
        || matches!(plan.counted, Some(Expr::Closure(_)))
        || names_closures(&plan.records);
    let closures = is_closure.then(|| expand::outcome_unreached(plan, function));
    around(&values, closures.flatten().as_ref(), lifted, function, body)
}

/// A function with helpers alone, without what they record.
pub(crate) fn untraced(
    runtime: &Path,
    recorded: &Records,
    lifted: &Lifted,
    function: &Function,
    body: &TokenStream,
) -> TokenStream {
    let closures =
        names_closures(recorded).then(|| expand::returned_unreached(runtime, recorded, function));
    around(
        &records(recorded),
        closures.flatten().as_ref(),
        lifted,
        function,
        body,
    )
}

/// Whether something is recorded of the result.
fn names_closures(recorded: &Records) -> bool {
    let mut fields = recorded.returned.iter().flat_map(Record::fields);
    fields.any(|field| matches!(field.value, Value::Result(_)))
}

/// The values of a statement's helper.
pub(crate) fn statement(record: &Record) -> TokenStream {
    mention(&one_record(record))
}

/// The values of a span inside a function.
pub(crate) fn inside(plan: &SpanPlan) -> TokenStream {
    mention(&span(plan))
}

/// The same in front of what the span would be around. That may stand in braces or parentheses which have nothing to do without
/// it, and of which the compiler would complain.
pub(crate) fn around_expr(plan: &SpanPlan, expr: &mut Expr) {
    let mention = inside(plan);
    if mention.is_empty() {
        justify(expr);
    } else {
        *expr = Expr::Verbatim(expand::behind(&mention, expr.clone()));
    }
}

fn around(
    values: &[Mentioned<'_>],
    closures: Option<&TokenStream>,
    lifted: &Lifted,
    function: &Function,
    body: &TokenStream,
) -> TokenStream {
    let lifted = lifted.mentions();
    let mention = mention(values);
    let before = quote!(#lifted #mention #closures);
    if before.is_empty() {
        return function.with_body(body);
    }
    // Another macro that reads this looks for the block at the end.
    if AsyncBlock::of(&function.sig, body).is_some() {
        return function.with_body(&quote!(#before #body));
    }
    let scope = function.scope(body);
    function.with_body(&quote!(#before #scope))
}

/// A value that was named, and the conditions under which it is there.
struct Mentioned<'a> {
    conditions: &'a [Attribute],
    value: &'a Expr,
}

impl<'a> Mentioned<'a> {
    fn always(value: &'a Expr) -> Self {
        Self {
            conditions: &[],
            value,
        }
    }
}

fn mention(values: &[Mentioned<'_>]) -> TokenStream {
    if values.is_empty() {
        return TokenStream::new();
    }
    let mentions = values.iter().map(|Mentioned { conditions, value }| {
        let allowed =
            is_underscored(value).then(|| quote!(#[allow(clippy::used_underscore_binding)]));
        quote!(#(#conditions)* #allowed let _ = &(#value);)
    });
    quote!(if false { #(#mentions)* })
}

fn span(plan: &SpanPlan) -> Vec<Mentioned<'_>> {
    let name = match &plan.name {
        Name::Computed(name) => Some(name),
        Name::Fixed(_) => None,
    };
    let parent = match &plan.parent {
        Parent::Explicit(parent) => Some(parent),
        Parent::Current | Parent::Root => None,
    };
    let values = name.into_iter().chain(parent).chain(&plan.links);
    values.map(Mentioned::always).collect()
}

fn records(recorded: &Records) -> Vec<Mentioned<'_>> {
    let at_start = recorded.start.iter().flat_map(field);
    let later = recorded
        .entry
        .iter()
        .chain(&recorded.returned)
        .flat_map(one_record);
    at_start.chain(later).collect()
}

fn one_record(record: &Record) -> Vec<Mentioned<'_>> {
    match record {
        Record::Attributes(fields) => fields.iter().flat_map(field).collect(),
        Record::Event { name, fields } => {
            let name = Some(name).filter(|name| !matches!(name, Expr::Lit(_)));
            let name = name.into_iter().map(Mentioned::always);
            name.chain(fields.iter().flat_map(field)).collect()
        }
    }
}

fn field(field: &Field) -> Vec<Mentioned<'_>> {
    let key = match &field.key {
        Key::Expr(key) => Some(&**key),
        Key::Literal(_) | Key::Dotted { .. } => None,
    };
    let value = field.value.expr();
    key.into_iter()
        .chain(value.filter(|value| !matches!(value, Expr::Lit(_))))
        .map(|value| Mentioned {
            conditions: &field.conditions,
            value,
        })
        .collect()
}
