//! The attributes inside a traced function's body: on blocks, statements and `let`.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, Attribute, Block, Expr, ExprLet, ExprMacro, Ident, Item, Local, Macro, Path, Signature,
    Stmt, StmtMacro,
};

use crate::args::{self, Args, OutcomeArgs, SpanArgs};
use crate::errors::Errors;
use crate::expand;
use crate::function::simple_name;
use crate::helpers::{AttrContent, CONDITIONAL, Helper, Lifted, Ours, arguments};
use crate::plan::{
    AsyncBlock, Record, SpanPlan, check_event, check_key, check_statement_fields, named_field,
};
use crate::syntax;
use crate::unrecorded;

/// Replaces our attributes in a body by what they mean. A body without any is handed back as it came, unparsed.
pub(crate) fn rewrite(
    recording: bool,
    function: &Signature,
    body: &TokenStream,
    runtime: &Path,
    lifted: &mut Lifted,
    errors: &mut Errors,
) -> Body {
    let unparsed = |tokens| Body {
        tokens,
        has_attributes: false,
        needs_slot: false,
    };
    if !Ours::any_in(body) {
        return unparsed(body.clone());
    }
    // As the plan decides: the span is that of the block then.
    let is_sole_block = AsyncBlock::of(function, body).is_some();
    let parser = Block::parse_within;
    let Some(mut statements) = errors.keep(parser.parse2(body.clone())) else {
        return unparsed(without_ours(body.clone(), lifted));
    };
    let mut rewriter = Rewriter {
        recording,
        function: &function.ident,
        is_polled_here: function.asyncness.is_some(),
        is_async: function.asyncness.is_some(),
        is_before_block: is_sole_block,
        runtime,
        lifted,
        errors,
        has_attributes: false,
        needs_slot: false,
    };
    rewriter.statements(&mut statements);
    Body {
        has_attributes: rewriter.has_attributes,
        needs_slot: rewriter.needs_slot,
        tokens: quote!(#(#statements)*),
    }
}

/// A body as it goes into the expansion.
pub(crate) struct Body {
    pub(crate) tokens: TokenStream,
    /// Whether an attribute of ours stood in it, other than on an item.
    pub(crate) has_attributes: bool,
    /// Whether something traced in it awaits.
    pub(crate) needs_slot: bool,
}

/// Whether a word stands anywhere in the tokens.
pub(crate) fn mentions(tokens: TokenStream, word: &str) -> bool {
    any(
        tokens,
        &|token| matches!(token, TokenTree::Ident(ident) if ident == word),
    )
}

/// Whether there is such a token anywhere, other than a group.
pub(crate) fn any(tokens: TokenStream, is_one: &impl Fn(&TokenTree) -> bool) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => any(group.stream(), is_one),
        token => is_one(&token),
    })
}

/// Whether a variable is named in the tokens, also by a text such as `"{name:?}"`.
pub(crate) fn names(tokens: TokenStream, variable: &Ident) -> bool {
    let word = variable.unraw().to_string();
    any(tokens, &|token| match token {
        TokenTree::Ident(ident) => ident.unraw() == word,
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            let mut after_brace = text.split('{').skip(1);
            after_brace.any(|text| {
                let rest = text.strip_prefix(&word);
                rest.is_some_and(|rest| rest.starts_with(['}', ':']))
            })
        }
        TokenTree::Group(_) | TokenTree::Punct(_) => false,
    })
}

/// Whether a body holds neither an `.await` nor a macro that could hide one.
pub(crate) fn certainly_never_awaits(body: &TokenStream) -> bool {
    let mut after_exclamation_mark = false;
    body.clone().into_iter().all(|token| match token {
        TokenTree::Ident(ident) => ident != "await",
        TokenTree::Punct(punct) => {
            after_exclamation_mark = punct.as_char() == '!';
            true
        }
        TokenTree::Group(group) => {
            !std::mem::take(&mut after_exclamation_mark) && certainly_never_awaits(&group.stream())
        }
        TokenTree::Literal(_) => true,
    })
}

/// The tokens of a body that could not be read, without our attributes, which would only be complained of as well.
fn without_ours(tokens: TokenStream, lifted: &mut Lifted) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let TokenTree::Group(group) = token else {
            kept.push(token);
            continue;
        };
        let is_after_hash =
            matches!(kept.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#');
        let ours = is_after_hash
            .then(|| path_of_ours(group.stream()))
            .flatten();
        if let Some(path) = ours {
            lifted.add(&path);
            kept.pop();
        } else {
            let inside = without_ours(group.stream(), lifted);
            let mut inside = Group::new(group.delimiter(), inside);
            inside.set_span(group.span());
            kept.push(inside.into());
        }
    }
    kept.into_iter().collect()
}

/// The path of the attribute that stands in `#[..]`, if it is one of ours.
fn path_of_ours(attribute: TokenStream) -> Option<Path> {
    let parser = |input: ParseStream<'_>| {
        let path = input.call(Path::parse_mod_style)?;
        input.parse::<TokenStream>()?;
        Ok(path)
    };
    let path = parser.parse2(attribute).ok()?;
    Ours::of_path(&path).map(|_| path)
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "some say where the rewriter is, some what it has found"
)]
struct Rewriter<'a> {
    /// Without it, what stands here is checked and taken away.
    recording: bool,
    function: &'a Ident,
    /// Whether an `.await` is one of the traced `async fn`, and not of a block or closure within it.
    is_polled_here: bool,
    /// Whether the next `async` block is what the function does, like the body of an `async fn`.
    is_before_block: bool,
    /// Whether an `.await` can stand here at all.
    is_async: bool,
    runtime: &'a Path,
    lifted: &'a mut Lifted,
    errors: &'a mut Errors,
    has_attributes: bool,
    needs_slot: bool,
}

impl VisitMut for Rewriter<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        self.statements(&mut block.stmts);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let traced = syntax::leading_attributes(expr)
            .map(take_traced)
            .unwrap_or_default();
        let around = self.enter(&traced, expr);
        for expr in syntax::in_place(expr)
            .into_iter()
            .filter(|expr| syntax::is_place(expr))
        {
            self.refuse_place(Vec::new(), expr);
        }
        let before = (self.is_polled_here, self.is_async);
        match expr {
            Expr::Async(_) => {
                self.is_polled_here = std::mem::take(&mut self.is_before_block);
                self.is_async = true;
            }
            Expr::Closure(closure) => {
                (self.is_polled_here, self.is_async) = (false, closure.asyncness.is_some());
            }
            _ => {}
        }
        visit_mut::visit_expr_mut(self, expr);
        (self.is_polled_here, self.is_async) = before;
        self.leave(&around, &traced, expr);
    }

    /// In a chain of `let`s the compiler asks for the edition where the value ends: it must be the user's.
    fn visit_expr_let_mut(&mut self, expr: &mut ExprLet) {
        visit_mut::visit_expr_let_mut(self, expr);
        if syntax::ends_expanded(&expr.expr) {
            let value = &expr.expr;
            let mut parentheses = Group::new(Delimiter::Parenthesis, quote!(#value));
            parentheses.set_span(expr.let_token.span);
            *expr.expr = Expr::Verbatim(TokenTree::from(parentheses).into());
        }
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        let traced = take_traced(&mut arm.attrs);
        let around = self.enter(&traced, &arm.body);
        visit_mut::visit_arm_mut(self, arm);
        self.leave(&around, &traced, &mut arm.body);
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        let mut traced = take_traced(&mut local.attrs);
        if let Some(init) = &mut local.init {
            if syntax::is_looked_at(&local.pat, &init.expr) {
                self.refuse_place(std::mem::take(&mut traced), &mut init.expr);
            }
        }
        let around = local
            .init
            .as_ref()
            .map(|init| self.enter(&traced, &init.expr));
        visit_mut::visit_local_mut(self, local);
        if let (Some(around), Some(init)) = (around, &mut local.init) {
            self.leave(&around, &traced, &mut init.expr);
        } else if !traced.is_empty() {
            self.errors.add(
                local.let_token.span,
                "this `let` has no value whose computation could be traced",
            );
        }
    }

    /// An item in the body has attributes of its own; they are expanded by themselves.
    fn visit_item_mut(&mut self, _: &mut Item) {}

    /// Whatever is left of ours stands where nothing can take it.
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| {
            if Ours::is_conditional(attribute) {
                self.errors.add(attribute.path().span(), CONDITIONAL);
                return false;
            }
            let Some(ours) = Ours::of(attribute) else {
                return true;
            };
            self.lifted.add(attribute.path());
            self.errors.add(
                attribute.path().span(),
                match ours {
                    Ours::TracedSpan => "`#[traced_span]` cannot stand here; inside a function it stands on a block, a `let`, an expression, a closure, an `async` block or a match arm",
                    Ours::SpanAttr => "`#[span_attr]` cannot stand here; inside a function it stands on a `let` or on a statement",
                    Ours::SpanEvent => "`#[span_event]` cannot stand here; inside a function it stands on a statement",
                },
            );
            false
        });
    }
}

/// What is known of an expression, and around it, as it is entered.
struct Around {
    awaits: bool,
    has_attributes: bool,
}

const PLACE: &str = "a place is used where it is, and what is traced would be a copy of it; trace the expression around it, or bind its value to a name and trace that";

impl Rewriter<'_> {
    fn statements(&mut self, statements: &mut Vec<Stmt>) {
        let mut left = std::mem::take(statements).into_iter();
        while let Some(statement) = left.next() {
            // Any of several that exclude each other by `#[cfg]` can be the last.
            let is_last = left.as_mut_slice().iter_mut().all(|statement| {
                attributes_of(statement)
                    .is_some_and(|attributes| attributes.iter().any(is_condition))
            });
            self.statement(statement, is_last, statements);
        }
    }

    /// Puts a statement, and what its helpers record after it, behind those that are done.
    fn statement(&mut self, statement: Stmt, is_last: bool, done: &mut Vec<Stmt>) {
        let mut statement = with_macro_as_expression(statement, is_last);
        let helpers = attributes_of(&mut statement)
            .map(|attributes| Helper::lift(attributes, self.lifted, self.errors))
            .unwrap_or_default();
        self.has_attributes |= !helpers.is_empty();
        let mut records: Vec<_> = helpers
            .into_iter()
            .filter_map(|helper| self.record(helper, &statement))
            .collect();
        if let (Some(at), false) = (way_out(&statement), records.is_empty()) {
            records.clear();
            self.errors.add(
                at,
                "nothing is recorded after a statement that leaves; put the attribute on a statement before it, or write `attr!` or `event!` there",
            );
        }
        visit_mut::visit_stmt_mut(self, &mut statement);
        let after: TokenStream = records
            .iter()
            .map(|record| {
                if self.recording {
                    expand::statement(self.runtime, record)
                } else {
                    unrecorded::statement(record)
                }
            })
            .collect();
        if after.is_empty() {
            done.push(statement);
            return;
        }
        let conditions = conditions(&mut statement, is_last);
        match statement {
            Stmt::Expr(expr, None) if is_last => {
                let value = expand::followed(self.runtime, expr, &after);
                let value = if conditions.is_empty() {
                    value
                } else {
                    quote!(#(#conditions)* { #value })
                };
                done.push(Stmt::Expr(Expr::Verbatim(value), None));
            }
            statement => {
                let after = if conditions.is_empty() {
                    after
                } else {
                    quote!(#(#conditions)* { #after })
                };
                done.push(statement);
                done.push(Stmt::Expr(Expr::Verbatim(after), None));
            }
        }
    }

    /// What a helper on a statement records.
    fn record(&mut self, helper: Helper, statement: &Stmt) -> Option<Record> {
        match helper {
            Helper::Event(event) => {
                check_event(&event, self.errors);
                check_statement_fields(&event.fields, self.errors);
                Some(Record::Event {
                    name: event.name,
                    fields: event.fields,
                })
            }
            Helper::Attr(helper) => {
                if let AttrContent::Fields(fields) = helper.content {
                    check_statement_fields(&fields, self.errors);
                    return Some(Record::Attributes(fields));
                }
                let bound = match statement {
                    Stmt::Local(local) => simple_name(&local.pat),
                    _ => None,
                };
                let Some(name) = bound else {
                    self.errors.add(
                        helper.at,
                        "there is no single bound name to record here; write `#[span_attr(\"key\" = value)]`",
                    );
                    return None;
                };
                let field = named_field(helper.content, &name);
                check_key(&field.key, &mut Vec::new(), self.errors);
                Some(Record::Attributes(vec![field]))
            }
        }
    }

    /// Looks at an expression before anything in it is rewritten.
    fn enter(&mut self, traced: &[Attribute], expr: &Expr) -> Around {
        let is_traced = !traced.is_empty();
        Around {
            awaits: is_traced
                && (awaits(expr)
                    || (self.is_polled_here && may_await(expr))
                    || joins(expr, self.is_async)),
            has_attributes: std::mem::take(&mut self.has_attributes),
        }
    }

    /// What is looked at, borrowed or assigned to where it is cannot be traced by itself.
    fn refuse_place(&mut self, mut traced: Vec<Attribute>, expr: &mut Expr) {
        traced.extend(take_all_traced(expr));
        for attribute in &traced {
            self.lifted.add(attribute.path());
            self.errors.add(attribute.path().span(), PLACE);
        }
    }

    /// Puts the spans around an expression, that of the last attribute innermost.
    fn leave(&mut self, around: &Around, traced: &[Attribute], expr: &mut Expr) {
        for attribute in traced.iter().rev() {
            self.trace(attribute, around, expr);
        }
        self.has_attributes |= around.has_attributes;
    }

    /// Puts a span around an expression.
    fn trace(&mut self, attribute: &Attribute, around: &Around, expr: &mut Expr) {
        let awaits = around.awaits;
        let at = attribute.path().span();
        if awaits && !self.is_polled_here {
            self.errors.add(
                at,
                "what is traced here must not `.await`, since it is not part of the traced `async fn` itself; trace the `async` block as a whole, or move it into an `async fn` of its own; where an attribute such as `#[tokio::main]` made that block of a body, put it below `#[traced_span]`",
            );
            return;
        }
        let has_attributes_inside = std::mem::replace(&mut self.has_attributes, true);
        self.lifted.add(attribute.path());
        let Some(tokens) = self.errors.keep(arguments(attribute)) else {
            return;
        };
        let args = Args::parse(tokens, self.errors);
        refuse_outcome(&args.outcome, self.errors);
        refuse_leaf(&args.span, has_attributes_inside, self.errors);
        let runtime = args.runtime.as_ref().unwrap_or(self.runtime).clone();
        let plan = SpanPlan::inside_function(args.span, self.function, at, self.errors);
        let is_closure = matches!(expr, Expr::Closure(_));
        let traced = match expr {
            Expr::Closure(closure) if closure.asyncness.is_some() => {
                self.errors.add(
                    at,
                    "an `async` closure cannot be traced as a whole; trace the `async` block of a closure that returns one",
                );
                return;
            }
            Expr::Closure(closure) => &mut *closure.body,
            other => other,
        };
        if !self.recording {
            unrecorded::around_expr(&plan, traced);
            return;
        }
        let tokens = match &*traced {
            awaiting if awaits => {
                self.needs_slot = true;
                expand::traced_awaiting(&runtime, &plan, awaiting.clone())
            }
            // The body of a closure is traced as it is called.
            Expr::Async(block) if !is_closure => expand::traced_async(&runtime, &plan, block),
            other => expand::traced_expr(&runtime, &plan, other.clone()),
        };
        *traced = Expr::Verbatim(tokens);
    }
}

/// A span that is never current has nothing inside.
pub(crate) fn refuse_leaf(args: &SpanArgs, has_attributes_inside: bool, errors: &mut Errors) {
    if let Some(leaf) = args.leaf.as_ref().filter(|_| has_attributes_inside) {
        errors.add(
            leaf.at,
            "a `leaf` span is never current, so nothing inside can belong to it; remove `leaf`, or the attributes in the body",
        );
    }
}

/// What is traced inside a function has no signature that would say what an error is.
pub(crate) fn refuse_outcome(outcome: &OutcomeArgs, errors: &mut Errors) {
    let OutcomeArgs { err, err_if } = outcome;
    for (option, at) in [
        ("err", err.as_ref().map(args::Err::span)),
        ("err_if", err_if.as_ref().map(|err_if| err_if.at)),
    ] {
        if let Some(at) = at {
            errors.add(
                at,
                format!("`{option}` belongs to a function, whose type says what an error is"),
            );
        }
    }
}

/// The attributes in front of a statement; an item keeps its own.
fn attributes_of(statement: &mut Stmt) -> Option<&mut Vec<Attribute>> {
    match statement {
        Stmt::Local(local) => Some(&mut local.attrs),
        Stmt::Macro(call) => Some(&mut call.attrs),
        Stmt::Expr(expr, _) => syntax::leading_attributes(expr),
        Stmt::Item(_) => None,
    }
}

/// A macro call that is traced, or is the value of its block, as the expression that it is; others may define items.
fn with_macro_as_expression(statement: Stmt, is_last: bool) -> Stmt {
    match statement {
        Stmt::Macro(call)
            if call.attrs.iter().any(|attribute| {
                let ours = Ours::of(attribute);
                ours == Some(Ours::TracedSpan) || ours.is_some() && is_last
            }) =>
        {
            let StmtMacro {
                attrs,
                mac,
                semi_token,
            } = call;
            Stmt::Expr(Expr::Macro(ExprMacro { attrs, mac }), semi_token)
        }
        other => other,
    }
}

/// The conditions under which a statement stands at all. They are copied, or, where the statement is the value of its
/// block, taken off.
fn conditions(statement: &mut Stmt, is_last: bool) -> Vec<Attribute> {
    let is_value = is_last && matches!(statement, Stmt::Expr(_, None));
    let Some(attributes) = attributes_of(statement) else {
        return Vec::new();
    };
    if is_value {
        attributes
            .extract_if(.., |attribute| is_condition(attribute))
            .collect()
    } else {
        let conditions = attributes
            .iter()
            .filter(|attribute| is_condition(attribute));
        conditions.cloned().collect()
    }
}

pub(crate) fn is_condition(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
}

/// Takes each `#[traced_span]` off.
fn take_traced(attributes: &mut Vec<Attribute>) -> Vec<Attribute> {
    attributes
        .extract_if(.., |attribute| {
            Ours::of(attribute) == Some(Ours::TracedSpan)
        })
        .collect()
}

/// The word by which a statement leaves what it stands in.
fn way_out(statement: &Stmt) -> Option<Span> {
    match statement {
        Stmt::Expr(Expr::Break(expr), _) => Some(expr.break_token.span),
        Stmt::Expr(Expr::Continue(expr), _) => Some(expr.continue_token.span),
        Stmt::Expr(Expr::Return(expr), _) => Some(expr.return_token.span),
        Stmt::Expr(Expr::Macro(ExprMacro { mac, .. }), _) | Stmt::Macro(StmtMacro { mac, .. }) => {
            let name = mac.path.get_ident()?;
            never_returns(name).then(|| name.span())
        }
        _ => None,
    }
}

/// Whether a body ends by a macro that never comes back.
pub(crate) fn ends_by_leaving(body: &TokenStream) -> bool {
    let is = |token: &TokenTree, mark| matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark);
    let mut tokens: Vec<_> = body.clone().into_iter().collect();
    tokens.pop_if(|last| is(last, ';'));
    matches!(
        &tokens[..],
        [.., TokenTree::Ident(name), mark, TokenTree::Group(_)] if never_returns(name) && is(mark, '!')
    )
}

fn never_returns(name: &Ident) -> bool {
    NEVER_RETURN.iter().any(|never| name == never)
}

/// Macros of the standard library that never come back.
const NEVER_RETURN: &[&str] = &["panic", "todo", "unimplemented", "unreachable"];

/// Takes each `#[traced_span]` off an expression, also within parentheses.
fn take_all_traced(expr: &mut Expr) -> Vec<Attribute> {
    let mut traced = syntax::leading_attributes(expr)
        .map(take_traced)
        .unwrap_or_default();
    match expr {
        Expr::Paren(paren) => traced.extend(take_all_traced(&mut paren.expr)),
        Expr::Group(group) => traced.extend(take_all_traced(&mut group.expr)),
        _ => {}
    }
    traced
}

/// Whether an expression awaits in the function that it stands in.
pub(crate) fn awaits(expr: &Expr) -> bool {
    Awaits::anywhere(expr, |call| mentions(call.tokens.clone(), "await"))
}

/// Whether it does so in a macro such as `tokio::join!`. In code that is not known to be async another crate's macro may have
/// the name, unless the path says whose it is.
pub(crate) fn joins(expr: &Expr, is_async: bool) -> bool {
    Awaits::anywhere(expr, |call| {
        let mut words = call.path.segments.iter();
        let first = words.next().map(|first| &first.ident);
        let last = words.next_back().map_or(first, |last| Some(&last.ident));
        let is_one = |of: &[&str], ident: Option<&Ident>| {
            ident.is_some_and(|ident| of.iter().any(|word| ident == word))
        };
        is_one(AWAIT, last) && (is_async || is_one(ASYNC_CRATES, first))
    })
}

const ASYNC_CRATES: &[&str] = &["futures", "futures_util", "tokio"];

/// Macros of `tokio` and `futures` that await.
const AWAIT: &[&str] = &["join", "try_join", "select", "select_biased"];

/// Whether it does perhaps, hidden in a macro such as `tokio::join!`.
fn may_await(expr: &Expr) -> bool {
    Awaits::anywhere(expr, |call| !is_of_std(call))
}

/// Whether a macro is called like one of the standard library's that hide neither an `.await` nor a `return`.
pub(crate) fn is_of_std(call: &Macro) -> bool {
    let last = call.path.segments.last();
    last.is_some_and(|last| OF_STD.iter().any(|name| last.ident == name))
}

pub(crate) const OF_STD: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "cfg",
    "column",
    "concat",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "env",
    "eprint",
    "eprintln",
    "file",
    "format",
    "format_args",
    "include_bytes",
    "include_str",
    "line",
    "matches",
    "module_path",
    "option_env",
    "panic",
    "print",
    "println",
    "stringify",
    "thread_local",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

struct Awaits<F> {
    found: bool,
    in_macro: F,
}

impl<F: Fn(&Macro) -> bool> Awaits<F> {
    fn anywhere(expr: &Expr, in_macro: F) -> bool {
        let mut awaits = Awaits {
            found: false,
            in_macro,
        };
        awaits.visit_expr_mut(&mut expr.clone());
        awaits.found
    }
}

impl<F: Fn(&Macro) -> bool> VisitMut for Awaits<F> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Await(_) => self.found = true,
            Expr::Async(_) | Expr::Closure(_) => {}
            // Syntax that syn does not know.
            Expr::Verbatim(tokens) => self.found |= mentions(tokens.clone(), "await"),
            other => visit_mut::visit_expr_mut(self, other),
        }
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        self.found |= (self.in_macro)(call);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}
