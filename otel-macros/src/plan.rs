//! What is meant: every default applied, every check made. The expansion asks no more questions.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::{Expr, ExprAsync, ExprClosure, Ident, LitStr, Path, Signature, Type, UnOp, parse_quote};

use crate::args::{self, Args, OutcomeArgs, SpanArgs};
use crate::body::{self, Body};
use crate::boxed::BoxPin;
use crate::errors::{Errors, list, suggestion};
use crate::function::{Function, OnParameter};
use crate::helpers::{AttrContent, EventHelper, Field, Helper, Key, Value};
use crate::syntax;

/// How each kind is written, and its name in `opentelemetry::trace::SpanKind`.
const KINDS: &[(&str, &str)] = &[
    ("internal", "Internal"),
    ("server", "Server"),
    ("client", "Client"),
    ("producer", "Producer"),
    ("consumer", "Consumer"),
];

/// How an `Err` can be described, besides by a closure.
const ERR_WORDS: &[&str] = &["display", "debug", "off"];

/// A function to be traced.
pub(crate) struct Plan {
    pub(crate) runtime: Path,
    pub(crate) shape: Shape,
    /// Whether a part of the body has a span of its own and awaits.
    pub(crate) needs_slot: bool,
    pub(crate) span: SpanPlan,
    pub(crate) records: Records,
    pub(crate) failure: Failure,
    /// Which errors count; all of them without it.
    pub(crate) counted: Option<Expr>,
}

/// When a function is done.
pub(crate) enum Shape {
    /// When it returns.
    Sync,
    /// When its future is ready.
    Async,
    /// When what it hands out is.
    Handing(Handed),
    /// When the one future is that it consists of, as methods have it that `#[async_trait]` made.
    Block(Box<AsyncBlock>),
}

/// A function's body that is an `async` block and nothing else, perhaps as the argument of a call such as `Box::pin`.
pub(crate) struct AsyncBlock {
    pub(crate) call: Option<BoxPin>,
    pub(crate) block: ExprAsync,
    /// What the future comes to, where the signature says so.
    pub(crate) output: Option<Box<Type>>,
}

impl AsyncBlock {
    /// The one that a function consists of, if that is how it hands out a future.
    pub(crate) fn of(function: &Signature, body: &TokenStream) -> Option<AsyncBlock> {
        if function.asyncness.is_some() {
            return None;
        }
        let Some(Handed::Future { output, .. }) = syntax::handed(&function.output) else {
            return None;
        };
        let (call, block) = syntax::sole_async_block(body)?;
        Some(AsyncBlock {
            call,
            block,
            output,
        })
    }
}

/// What a function hands out that goes on after it returned.
pub(crate) enum Handed {
    Future {
        /// What the future comes to, where the signature says so.
        output: Option<Box<Type>>,
        boxed: bool,
    },
    Stream {
        boxed: bool,
    },
}

impl Handed {
    pub(crate) fn is_boxed(&self) -> bool {
        match self {
            Handed::Future { boxed, .. } | Handed::Stream { boxed } => *boxed,
        }
    }
}

/// The span itself.
pub(crate) struct SpanPlan {
    pub(crate) name: Name,
    /// The function in which the span is made; empty where that is not known.
    pub(crate) function: String,
    /// A variant of `SpanKind`.
    pub(crate) kind: Ident,
    pub(crate) parent: Parent,
    pub(crate) links: Option<Expr>,
    /// The name of the instrumentation scope, where it is not the crate's.
    pub(crate) scope: Option<LitStr>,
    /// Recorded, but never current.
    pub(crate) is_leaf: bool,
}

/// Under what the span hangs.
pub(crate) enum Parent {
    Current,
    Root,
    Explicit(Expr),
}

pub(crate) enum Name {
    Fixed(LitStr),
    Computed(Expr),
}

/// What is recorded on the span, by when.
#[derive(Default)]
pub(crate) struct Records {
    /// Known before the span starts, so that a sampler sees it: literals and parameters.
    pub(crate) start: Vec<Field>,
    pub(crate) entry: Vec<Record>,
    pub(crate) returned: Vec<Record>,
}

pub(crate) enum Record {
    Attributes(Vec<Field>),
    Event { name: Expr, fields: Vec<Field> },
}

impl Record {
    pub(crate) fn fields(&self) -> &[Field] {
        match self {
            Record::Attributes(fields) | Record::Event { fields, .. } => fields,
        }
    }
}

/// How an `Err` is described.
pub(crate) enum Failure {
    /// It is left out, or the function cannot return one.
    Ignored,
    /// By its `Display`, else its `Debug`, else its type's name.
    ByBestTrait,
    ByDisplay(Span),
    ByDebug(Span),
    By(ExprClosure),
}

/// The path of the runtime's inside, unless an option names another.
pub(crate) fn default_runtime() -> Path {
    parse_quote!(::otel_runtime)
}

impl Plan {
    /// Checks what was written on a function.
    pub(crate) fn new(
        args: Args,
        helpers: Vec<Helper>,
        on_parameters: Vec<OnParameter>,
        function: &Function,
        body: &Body,
        mut errors: Errors,
    ) -> Result<Plan, Errors> {
        refuse_const(function, &mut errors);
        let records = Records::new(helpers, on_parameters, function, true, &mut errors);
        let shape = Shape::of(function, &body.tokens);
        let (failure, counted) = failure(args.outcome, &shape, function, &mut errors);
        let span = SpanPlan::of_function(args.span, &function.sig.ident, &mut errors);
        let runtime = args.runtime.unwrap_or_else(default_runtime);
        errors.finish(Plan {
            runtime,
            shape,
            needs_slot: body.needs_slot,
            span,
            records,
            failure,
            counted,
        })
    }
}

impl Shape {
    fn of(function: &Function, body: &TokenStream) -> Shape {
        if function.sig.asyncness.is_some() {
            // Done as soon as it is polled, where it awaits nothing.
            return if body::certainly_never_awaits(&function.body) {
                Shape::Sync
            } else {
                Shape::Async
            };
        }
        if let Some(block) = AsyncBlock::of(&function.sig, body) {
            return Shape::Block(Box::new(block));
        }
        syntax::handed(&function.sig.output).map_or(Shape::Sync, Shape::Handing)
    }
}

impl SpanPlan {
    /// The span around a whole function, called like it where no other name is written.
    pub(crate) fn of_function(args: SpanArgs, function: &Ident, errors: &mut Errors) -> SpanPlan {
        SpanPlan::new(args, Some(function), errors, |_| {
            LitStr::new(&function.unraw().to_string(), function.span())
        })
    }

    /// A span inside a function, which needs a name; `at` is where the attribute stands.
    pub(crate) fn inside_function(
        args: SpanArgs,
        function: &Ident,
        at: Span,
        errors: &mut Errors,
    ) -> SpanPlan {
        SpanPlan::new(args, Some(function), errors, |errors| {
            errors.add(
                at,
                "a span inside a function needs a name: `#[traced_span(\"step\")]`",
            );
            LitStr::new("unnamed", at)
        })
    }

    /// A span in code of which nothing else is known.
    pub(crate) fn inside_code(args: SpanArgs, errors: &mut Errors) -> SpanPlan {
        SpanPlan::new(args, None, errors, |errors| {
            errors.add(
                Span::call_site(),
                "a span needs a name: `span!(\"step\", { .. })`",
            );
            LitStr::new("unnamed", Span::call_site())
        })
    }

    fn new(
        args: SpanArgs,
        function: Option<&Ident>,
        errors: &mut Errors,
        default_name: impl FnOnce(&mut Errors) -> LitStr,
    ) -> SpanPlan {
        let name = match args.name {
            Some(args::Name::Literal(name)) => {
                if name.value().is_empty() {
                    errors.add(name.span(), "a span's name must not be empty");
                }
                Name::Fixed(name)
            }
            Some(args::Name::Expr(name)) => Name::Computed(*name),
            None => Name::Fixed(default_name(errors)),
        };
        let parent = match (args.parent, args.root) {
            (Some(_), Some(root)) => {
                errors.add(
                    root.at,
                    "`root` and `parent` exclude each other; remove one of them",
                );
                Parent::Root
            }
            (Some(parent), None) => Parent::Explicit(parent.value),
            (None, Some(_)) => Parent::Root,
            (None, None) => Parent::Current,
        };
        if let Some(scope) = args.scope.as_ref().filter(|name| name.value().is_empty()) {
            errors.add(scope.span(), "a scope's name must not be empty");
        }
        SpanPlan {
            name,
            function: function
                .map(|function| function.unraw().to_string())
                .unwrap_or_default(),
            kind: span_kind(args.kind.as_ref(), errors),
            parent,
            links: args.links.map(|links| links.value),
            scope: args.scope,
            is_leaf: args.leaf.is_some(),
        }
    }
}

impl Records {
    /// Sorts what the helpers say by when it is recorded.
    pub(crate) fn new(
        helpers: Vec<Helper>,
        on_parameters: Vec<OnParameter>,
        function: &Function,
        span_starts_here: bool,
        errors: &mut Errors,
    ) -> Records {
        let mut records = Records::default();
        let mut keys = Vec::new();
        for on_parameter in on_parameters {
            if let Some(field) = parameter_field(on_parameter, errors) {
                // Of parameters that exclude each other, several may have the key.
                if field.conditions.is_empty() {
                    check_key(&field.key, &mut keys, errors);
                } else {
                    check_key(&field.key, &mut keys.clone(), errors);
                }
                if span_starts_here && known_at_start(&field, function) {
                    records.start.push(field);
                } else {
                    records.entry.push(Record::Attributes(vec![field]));
                }
            }
        }
        for helper in helpers {
            match helper {
                Helper::Attr(helper) => {
                    let fields = function_fields(helper.content, helper.at, errors);
                    check_fields(&fields, &mut keys, function, span_starts_here, errors);
                    let (results, fields): (Vec<_>, Vec<_>) = fields
                        .into_iter()
                        .partition(|field| matches!(field.value, Value::Result(_)));
                    let (at_start, at_entry): (Vec<_>, Vec<_>) = fields
                        .into_iter()
                        .partition(|field| span_starts_here && known_at_start(field, function));
                    records.start.extend(at_start);
                    push_attributes(&mut records.entry, at_entry);
                    push_attributes(&mut records.returned, results);
                }
                Helper::Event(event) => {
                    check_event(&event, errors);
                    check_fields(
                        &event.fields,
                        &mut Vec::new(),
                        function,
                        span_starts_here,
                        errors,
                    );
                    let at_return = event
                        .fields
                        .iter()
                        .any(|field| matches!(field.value, Value::Result(_)));
                    let record = Record::Event {
                        name: event.name,
                        fields: event.fields,
                    };
                    if at_return {
                        records.returned.push(record);
                    } else {
                        records.entry.push(record);
                    }
                }
            }
        }
        if function.sig.asyncness.is_some() {
            copy_arguments(&mut records.start, function);
        }
        records
    }
}

/// Has numbers and references copied before they are recorded: what is borrowed in a future is kept in it for good.
fn copy_arguments(fields: &mut [Field], function: &Function) {
    for field in fields {
        let Value::Typed(value) = &mut field.value else {
            continue;
        };
        let Expr::Path(argument) = &**value else {
            continue;
        };
        let is_copy = function
            .parameters()
            .any(|(name, ty)| argument.path.is_ident(&name) && syntax::is_copy(ty));
        if is_copy {
            let copied: Expr = parse_quote!({ #value });
            **value = copied;
        }
    }
}

fn push_attributes(records: &mut Vec<Record>, fields: Vec<Field>) {
    if !fields.is_empty() {
        records.push(Record::Attributes(fields));
    }
}

/// A `const fn` cannot read the clock.
pub(crate) fn refuse_const(function: &Function, errors: &mut Errors) {
    if let Some(constness) = &function.sig.constness {
        errors.add(
            constness.span,
            "a `const fn` cannot be traced: it may run in the compiler; remove `const` or the attribute",
        );
    }
}

fn span_kind(kind: Option<&Ident>, errors: &mut Errors) -> Ident {
    let Some(kind) = kind else {
        return Ident::new("Internal", Span::call_site());
    };
    let word = kind.unraw().to_string();
    if let Some((_, variant)) = KINDS.iter().find(|(written, _)| *written == word) {
        return Ident::new(variant, kind.span());
    }
    let words: Vec<_> = KINDS.iter().map(|(written, _)| *written).collect();
    errors.add(
        kind.span(),
        format!(
            "no span kind `{word}`; use {}{}",
            list(&words),
            suggestion(&word.to_lowercase(), &words)
        ),
    );
    Ident::new("Internal", kind.span())
}

/// How an `Err` is described, and which errors count.
fn failure(
    args: OutcomeArgs,
    shape: &Shape,
    function: &Function,
    errors: &mut Errors,
) -> (Failure, Option<Expr>) {
    let output = &function.sig.output;
    let may_come_to_result = |output: Option<&Type>| output.is_none_or(syntax::may_be_result);
    let can_fail = match shape {
        Shape::Sync | Shape::Async => syntax::may_return_result(output),
        Shape::Handing(Handed::Future { output, .. }) => may_come_to_result(output.as_deref()),
        Shape::Block(block) => may_come_to_result(block.output.as_deref()),
        Shape::Handing(Handed::Stream { .. }) => false,
    };
    let mut needs_result = |at, option| {
        if !can_fail {
            errors.add(
                at,
                format!(
                    "`{option}` needs a function that returns a `Result`; this one returns {}",
                    syntax::describe(output)
                ),
            );
        }
    };
    if let Some(err) = &args.err {
        needs_result(err.span(), "err");
    }
    if let Some(err_if) = &args.err_if {
        needs_result(err_if.at, "err_if");
    }
    if function.is_track_caller() {
        if let Some(at) = args.at().filter(|_| !args.is_off()) {
            errors.add(at, TRACK_CALLER);
        }
        return (Failure::Ignored, None);
    }
    let failure = match args.err {
        None if can_fail => Failure::ByBestTrait,
        None => Failure::Ignored,
        Some(args::Err::Closure(closure)) => {
            if closure.inputs.len() != 1 {
                errors.add(
                    closure.inputs_begin.span,
                    "the closure of `err` takes the error and nothing else: `|e| e.to_string()`",
                );
            }
            Failure::By(*closure)
        }
        Some(args::Err::Word(word)) => failure_by_word(&word, errors),
    };
    let counted = args.err_if.map(|err_if| {
        if can_fail && matches!(failure, Failure::Ignored) {
            errors.add(
                err_if.at,
                "`err_if` has no effect with `err = off`; remove one of them",
            );
        }
        err_if.value
    });
    (failure, counted)
}

fn failure_by_word(word: &Ident, errors: &mut Errors) -> Failure {
    match word.to_string().as_str() {
        "display" => Failure::ByDisplay(word.span()),
        "debug" => Failure::ByDebug(word.span()),
        "off" => Failure::Ignored,
        other => {
            errors.add(
                word.span(),
                format!(
                    "no way `{other}` to describe an error; use {}, or a closure{}",
                    list(ERR_WORDS),
                    suggestion(other, ERR_WORDS)
                ),
            );
            Failure::Ignored
        }
    }
}

/// What a helper on a parameter records.
fn parameter_field(on: OnParameter, errors: &mut Errors) -> Option<Field> {
    let OnParameter {
        helper,
        name,
        conditions,
    } = on;
    let helper = match helper {
        Helper::Attr(helper) => helper,
        Helper::Event(event) => {
            errors.add(
                event.at,
                "an event does not belong to a parameter; put `#[span_event]` on the function or on a statement",
            );
            return None;
        }
    };
    if let AttrContent::Fields(_) = helper.content {
        errors.add(
            helper.at,
            "on a parameter write `#[span_attr]` or `#[span_attr(\"key\")]`; `key = value` stands on the function",
        );
        return None;
    }
    let Some(name) = name else {
        errors.add(
            helper.at,
            "this parameter has no single name to record; write `#[span_attr(\"key\" = value)]` on the function",
        );
        return None;
    };
    Some(Field {
        conditions,
        ..named_field(helper.content, &name)
    })
}

/// A bound name under its own key, or under the one that is given.
pub(crate) fn named_field(content: AttrContent, name: &Ident) -> Field {
    let key = match content {
        AttrContent::Key(key) => key,
        AttrContent::Bare | AttrContent::Fields(_) => Key::Dotted {
            text: name.unraw().to_string(),
            at: name.span(),
        },
    };
    Field {
        key,
        value: Value::Typed(parse_quote!(#name)),
        conditions: Vec::new(),
    }
}

fn function_fields(content: AttrContent, at: Span, errors: &mut Errors) -> Vec<Field> {
    match content {
        AttrContent::Fields(fields) => fields,
        AttrContent::Bare | AttrContent::Key(_) => {
            errors.add(
                at,
                "on a function `#[span_attr]` needs a key and a value: `#[span_attr(\"room.id\" = room_id)]`; alone it stands on a parameter or a `let`",
            );
            Vec::new()
        }
    }
}

/// The body of such a function has to stand in the function itself, not in a closure whose result could be looked at.
const TRACK_CALLER: &str = "the result of a `#[track_caller]` function cannot be seen without hiding its caller from it; remove this, or `#[track_caller]`";

fn check_fields(
    fields: &[Field],
    keys: &mut Vec<String>,
    function: &Function,
    span_starts_here: bool,
    errors: &mut Errors,
) {
    let sig = &function.sig;
    let is_stream = span_starts_here
        && sig.asyncness.is_none()
        && matches!(syntax::handed(&sig.output), Some(Handed::Stream { .. }));
    for field in fields {
        check_key(&field.key, keys, errors);
        if let Value::Result(closure) = &field.value {
            check_result_closure(closure, errors);
            if function.is_track_caller() {
                errors.add(closure.inputs_begin.span, TRACK_CALLER);
            }
            if syntax::is_never(&sig.output) {
                errors.add(
                    closure.inputs_begin.span,
                    "this function never returns, so there is no result to record",
                );
            }
            if is_stream {
                errors.add(
                    closure.inputs_begin.span,
                    "a stream comes to no result that could be recorded; write the value itself, or `attr!` and `event!` where the items are made",
                );
            }
        }
    }
}

/// A closure over the result takes exactly one parameter.
fn check_result_closure(closure: &ExprClosure, errors: &mut Errors) {
    if closure.inputs.len() != 1 {
        errors.add(
            closure.inputs_begin.span,
            "a closure as a value takes the function's result and nothing else: `|ok| ok.id`",
        );
    }
}

/// The fields of a statement: each key stands once, and no closure, since that would stand for the function's result.
pub(crate) fn check_statement_fields(fields: &[Field], errors: &mut Errors) {
    let mut keys = Vec::new();
    for field in fields {
        check_key(&field.key, &mut keys, errors);
    }
    for field in fields {
        if let Value::Result(closure) = &field.value {
            errors.add(
                closure.inputs_begin.span,
                "a closure stands for the function's result; on a statement write the value itself",
            );
        }
    }
}

/// An event has a name that is not empty.
pub(crate) fn check_event(event: &EventHelper, errors: &mut Errors) {
    if let Expr::Lit(literal) = &event.name {
        match &literal.lit {
            syn::Lit::Str(name) if name.value().is_empty() => {
                errors.add(name.span(), "an event's name must not be empty");
            }
            syn::Lit::Str(_) => {}
            other => errors.add(
                other.span(),
                "an event's name is a string, such as `\"message.received\"`",
            ),
        }
    }
}

/// A key is not empty and stands once.
pub(crate) fn check_key(key: &Key, seen: &mut Vec<String>, errors: &mut Errors) {
    let Some(text) = key.text() else { return };
    if text.is_empty() {
        errors.add(key.span(), "an attribute's key must not be empty");
    } else if seen.contains(&text) {
        errors.add(
            key.span(),
            format!("the key `{text}` is given twice; remove one of them"),
        );
    } else {
        seen.push(text);
    }
}

/// Literals and parameters are known before the span starts, and reading them runs no code of the user's.
fn known_at_start(field: &Field, function: &Function) -> bool {
    if matches!(&field.key, Key::Expr(key) if !matches!(**key, Expr::Path(_))) {
        return false;
    }
    match &field.value {
        Value::Typed(value) => match &**value {
            Expr::Lit(_) => true,
            Expr::Unary(negative) => {
                matches!(negative.op, UnOp::Neg(_)) && matches!(*negative.expr, Expr::Lit(_))
            }
            Expr::Path(path) => function
                .parameters()
                .any(|(name, ty)| path.path.is_ident(&name) && !matches!(ty, Type::ImplTrait(_))),
            _ => false,
        },
        _ => false,
    }
}
