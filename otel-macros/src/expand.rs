//! From the plan to tokens. Nothing here can fail, and nothing here decides.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Attribute, Expr, FnArg, Lit, Pat, Path, ReceiverKind, ReturnType, Stmt, Token, parse_quote,
};

use crate::function::Function;
use crate::helpers::{Field, Key, Lifted, Value};
use crate::plan::{Failure, Name, Plan, Record, Records, SpanPlan};
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
        }
    }
}

/// A traced function.
///
/// ```text
/// fn load(id: u32) -> Result<Room, Error> { query(id)? }
/// // becomes
/// fn load(id: u32) -> Result<Room, Error> {
///     let __start = { static __OTEL_SITE: Site = ..; Start::new(&__OTEL_SITE) };
///     let __span = __start.enter();
///     let __result = call(move || -> Result<Room, Error> { let _ = &id; { query(id)? } });
///     if __span.is_recording() { __span.fail((&&&&Returned(&__result)).failure()); }
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
    let names = Names::new();
    let inside = inside(&plan.runtime);
    let is_async = function.sig.asyncness.is_some();
    let start = start(&plan.span, &plan.records.start, &inside, &names);
    let Names {
        span,
        start: started,
        ..
    } = &names;
    let begin = if is_async {
        quote!(into_task)
    } else {
        quote!(enter)
    };
    let recorder = quote!(#span);
    let entry = records(&plan.records.entry, &recorder, &inside, &names);
    let before = quote! {
        #mentions
        #start
        let #span = #started.#begin();
        #entry
    };
    let after = outcome(plan, &inside, &names);
    let function = function.clone().with_parameters_named();
    let body = if is_async {
        async_body(&function, body, &before, &after, &inside, &names)
    } else {
        sync_body(&function, body, &before, &after, &inside, &names)
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
    let names = Names::new();
    let inside = inside(runtime);
    let current = quote!(#inside::Current::get());
    let mentions = lifted.mentions();
    let entry = records(&recorded.entry, &current, &inside, &names);
    let before = quote!(#mentions #entry);
    let after = records(&recorded.returned, &current, &inside, &names);
    let function = &function.clone().with_parameters_named();
    let result = &names.result;
    let body = if after.is_empty() {
        let scope = function.scope(&TokenStream::new(), body);
        quote!(#before #scope)
    } else if function.sig.asyncness.is_some() {
        let future = async_block(function, body, &names);
        quote! {
            #before
            let #result = #future.await;
            #after
            #result
        }
    } else {
        sync_body(function, body, &before, &after, &inside, &names)
    };
    function.with_body(&body)
}

/// A span around an expression within a traced function that is not async.
///
/// `{ let __start = ..; let __span = __start.enter(); EXPR }`; attributes in front of the expression stay in front.
pub(crate) fn traced_expr(runtime: &Path, plan: &SpanPlan, mut expr: Expr) -> TokenStream {
    let names = Names::new();
    let inside = inside(runtime);
    let start = start(plan, &[], &inside, &names);
    let Names {
        span,
        start: started,
        ..
    } = &names;
    let attributes = syntax::leading_attributes(&mut expr)
        .map(std::mem::take)
        .unwrap_or_default();
    justify_braces(&mut expr);
    // As a statement, so that one which starts with a block is put into parentheses.
    let traced = Stmt::Expr(expr, None);
    quote! {#(#attributes)* {
        #start
        let #span = #started.enter();
        #traced
    }}
}

/// The last expression of a block with what is recorded after it: `then(EXPR, { .. })`. As an argument it is still
/// expected to have the block's type, which its own may depend on.
pub(crate) fn followed(runtime: &Path, mut expr: Expr, after: &TokenStream) -> TokenStream {
    let inside = inside(runtime);
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
    let inside = inside(runtime);
    let current = quote!(#inside::Current::get());
    one_record(record, &current, &inside, &Names::new())
}

fn inside(runtime: &Path) -> TokenStream {
    quote!(#runtime::__private)
}

/// The site, the span's computed name, and what a sampler sees.
fn start(plan: &SpanPlan, at_start: &[Field], inside: &TokenStream, names: &Names) -> TokenStream {
    let Names { start, fields, .. } = names;
    let kind = &plan.kind;
    let site = Ident::new(SITE, Span::call_site());
    let (fixed, computed) = match &plan.name {
        Name::Fixed(name) => (quote!(#name), None),
        Name::Computed(name) => (quote!(""), Some(quote!(#start.name(|| #name);))),
    };
    let known = (!at_start.is_empty()).then(|| {
        let set = set_all(at_start, inside, names);
        quote! {
            if let ::core::option::Option::Some(mut #fields) = #start.fields() { #set }
        }
    });
    let mutability = (computed.is_some() || known.is_some()).then(|| quote!(mut));
    quote! {
        let #mutability #start = {
            static #site: #inside::Site = #inside::Site::new(
                #fixed,
                #inside::SpanKind::#kind,
                #inside::Source {
                    package: ::core::env!("CARGO_PKG_NAME"),
                    version: ::core::env!("CARGO_PKG_VERSION"),
                    module: ::core::module_path!(),
                    file: ::core::file!(),
                    line: ::core::line!(),
                },
            );
            #inside::Start::new(&#site)
        };
        #computed
        #known
    }
}

fn sync_body(
    function: &Function,
    body: &TokenStream,
    before: &TokenStream,
    after: &TokenStream,
    inside: &TokenStream,
    names: &Names,
) -> TokenStream {
    if after.is_empty() {
        let scope = function.scope(&TokenStream::new(), body);
        return quote!(#before #scope);
    }
    let result = &names.result;
    let output = syntax::nameable(&function.sig.output).map(|ty| quote!(-> #ty));
    let scope = function.scope(&captures(function), body);
    quote! {
        #before
        let #result = #inside::call(move || #output #scope);
        #after
        #result
    }
}

fn async_body(
    function: &Function,
    body: &TokenStream,
    before: &TokenStream,
    after: &TokenStream,
    inside: &TokenStream,
    names: &Names,
) -> TokenStream {
    let Names { span, result, .. } = names;
    let future = async_block(function, body, names);
    if syntax::is_never(&function.sig.output) {
        return quote!(#before #inside::InSpan::new(&#span, #future).await);
    }
    quote! {
        #before
        let #result = #inside::InSpan::new(&#span, #future).await;
        #after
        #span.finish();
        #result
    }
}

/// The body as a future of its own. A `return` that never runs states its type first, so that a mismatch lands on
/// the user's line.
fn async_block(function: &Function, body: &TokenStream, names: &Names) -> TokenStream {
    let scope = function.scope(&captures(function), body);
    let output = &function.sig.output;
    let typed = (!syntax::is_never(output)).then(|| {
        let ty = syntax::nameable(output).unwrap_or_else(|| parse_quote!(()));
        let at = match output {
            ReturnType::Default => function.sig.ident.span(),
            ReturnType::Type(_, ty) => ty.span(),
        };
        let value = shown_at(&names.result, at);
        let returned = quote_spanned!(at=> return #value;);
        quote! {
            #[allow(unreachable_code, clippy::diverging_sub_expression, clippy::needless_return)]
            if false {
                let #value: #ty = loop {};
                #returned
            }
        }
    });
    quote!(async move { #typed #scope })
}

/// Mentions every parameter that may have something to drop, the last one first, so that the closure or future owns all
/// of them and drops them in the order in which the function would. The others are left to the body, so that the
/// compiler still sees which of them it does not use.
fn captures(function: &Function) -> TokenStream {
    let mut mentions = Vec::new();
    for input in &function.sig.inputs {
        let (attrs, mut bound) = match input {
            FnArg::Receiver(receiver) if matches!(receiver.kind, ReceiverKind::Reference(..)) => {
                continue;
            }
            FnArg::Typed(typed) if syntax::is_never_dropped(&typed.ty) => continue,
            FnArg::Receiver(receiver) => {
                let this = &receiver.self_token;
                (&receiver.attrs, vec![quote!(#this)])
            }
            FnArg::Typed(typed) => {
                let mut bound = Vec::new();
                bindings(&typed.pat, &mut bound);
                (&typed.attrs, bound)
            }
        };
        let conditions: Vec<_> = attrs.iter().filter(|attr| is_condition(attr)).collect();
        mentions.extend(bound.drain(..).map(|name| {
            // Such a name says that it is not used, and to clippy this would be a use.
            let allowed = name
                .to_string()
                .starts_with('_')
                .then(|| quote!(#[allow(clippy::used_underscore_binding)]));
            quote!(#(#conditions)* #allowed let _ = &#name;)
        }));
    }
    mentions.reverse();
    quote!(#(#mentions)*)
}

fn is_condition(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

/// The names that a parameter's pattern binds, in order.
fn bindings(pattern: &Pat, bound: &mut Vec<TokenStream>) {
    match pattern {
        Pat::Ident(ident) => {
            let name = &ident.ident;
            bound.push(quote!(#name));
            if let Some((_, inner)) = &ident.subpat {
                bindings(inner, bound);
            }
        }
        Pat::Or(or) => or
            .cases
            .first()
            .into_iter()
            .for_each(|pat| bindings(pat, bound)),
        Pat::Paren(paren) => bindings(&paren.pat, bound),
        Pat::Reference(reference) => bindings(&reference.pat, bound),
        Pat::Slice(slice) => slice.elems.iter().for_each(|pat| bindings(pat, bound)),
        Pat::Struct(fields) => fields
            .fields
            .iter()
            .for_each(|field| bindings(&field.pat, bound)),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|pat| bindings(pat, bound)),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|pat| bindings(pat, bound)),
        Pat::Type(typed) => bindings(&typed.pat, bound),
        _ => {}
    }
}

/// What is done with the result: an `Err` is described, and what stands for the result is recorded.
fn outcome(plan: &Plan, inside: &TokenStream, names: &Names) -> TokenStream {
    let Names { span, result, .. } = names;
    let described = match &plan.failure {
        Failure::Ignored => None,
        Failure::ByBestTrait => Some(quote! {{
            #[allow(unused_imports)]
            use #inside::{ByDebug as _, ByDisplay as _, ByTypeName as _, NoFailure as _};
            (&&&&#inside::Returned(&#result)).failure()
        }}),
        Failure::ByDisplay(at) => {
            let result = shown_at(result, *at);
            Some(quote_spanned!(*at=> #inside::failure_by_display(&#result)))
        }
        Failure::ByDebug(at) => {
            let result = shown_at(result, *at);
            Some(quote_spanned!(*at=> #inside::failure_by_debug(&#result)))
        }
        Failure::By(closure) => {
            let at = closure.span();
            let result = shown_at(result, at);
            Some(quote_spanned!(at=> #inside::failure_by(&#result, #closure)))
        }
    };
    let failure = described.map(|failure| {
        quote! {
            if #span.is_recording() {
                #span.fail(#failure);
            }
        }
    });
    let recorder = quote!(#span);
    let at_return = records(&plan.records.returned, &recorder, inside, names);
    quote!(#failure #at_return)
}

/// A variable of ours that the compiler's messages show at a place of the user's.
fn shown_at(variable: &Ident, at: Span) -> Ident {
    Ident::new(&variable.to_string(), variable.span().located_at(at))
}

fn records(
    records: &[Record],
    recorder: &TokenStream,
    inside: &TokenStream,
    names: &Names,
) -> TokenStream {
    records
        .iter()
        .map(|record| one_record(record, recorder, inside, names))
        .collect()
}

/// `if let Some(mut __fields) = __span.fields() { __fields.set("rows", &(rows)); }`
fn one_record(
    record: &Record,
    recorder: &TokenStream,
    inside: &TokenStream,
    names: &Names,
) -> TokenStream {
    let (opened, fields) = match record {
        Record::Attributes(fields) => (quote!(#recorder.fields()), fields),
        Record::Event { name, fields } => {
            let at = name.span();
            let name = quote_spanned!(at=> || #name);
            (quote!(#recorder.event(#name)), fields)
        }
    };
    if fields.is_empty() {
        return quote!(::core::mem::drop(#opened););
    }
    let set = set_all(fields, inside, names);
    let variable = &names.fields;
    quote! {
        if let ::core::option::Option::Some(mut #variable) = #opened { #set }
    }
}

fn set_all(fields: &[Field], inside: &TokenStream, names: &Names) -> TokenStream {
    fields
        .iter()
        .map(|field| set(field, inside, names))
        .collect()
}

fn set(field: &Field, inside: &TokenStream, names: &Names) -> TokenStream {
    let Names {
        fields,
        result,
        value,
        ..
    } = names;
    let key = match &field.key {
        Key::Literal(literal) => quote!(#literal),
        Key::Dotted { text, at } => quote_spanned!(*at=> #text),
        Key::Expr(expr) => quote!((#expr)),
    };
    match &field.value {
        Value::Typed(expr) => match &**expr {
            Expr::Lit(literal) if matches!(literal.lit, Lit::Str(_)) => {
                quote!(#fields.set_static(#key, #literal);)
            }
            expr => {
                let at = expr.span();
                let value = quote_spanned!(at=> &(#expr));
                quote_spanned!(at=> #fields.set(#key, #value);)
            }
        },
        Value::Display(expr) => {
            let at = expr.span();
            quote_spanned!(at=> #fields.set_display(#key, &(#expr));)
        }
        Value::Debug(expr) => {
            let at = expr.span();
            quote_spanned!(at=> #fields.set_debug(#key, &(#expr));)
        }
        Value::Result(closure) => {
            let at = closure.span();
            let set = quote_spanned!(at=> #fields.set_result(#key, #value, #closure););
            quote! {{
                #[allow(unused_imports)]
                use #inside::{AnyValue as _, OkValue as _};
                if let ::core::option::Option::Some(#value) = (&&#inside::Returned(&#result)).value() { #set }
            }}
        }
    }
}
