//! The attributes inside a traced function's body: on blocks, statements and `let`.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, Attribute, Block, Expr, ExprMacro, Ident, Item, Macro, Path, Signature, Stmt, StmtMacro,
};

use crate::args::{self, Args, OutcomeArgs};
use crate::errors::Errors;
use crate::expand;
use crate::function::simple_name;
use crate::helpers::{AttrContent, Helper, Lifted, Ours, arguments};
use crate::plan::{Record, SpanPlan, check_event, check_key, check_statement_fields, named_field};
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
    let ours = [Ours::TracedSpan, Ours::SpanAttr, Ours::SpanEvent];
    if !ours.iter().any(|ours| mentions(body.clone(), ours.word())) {
        return unparsed(body.clone());
    }
    let parser = Block::parse_within;
    let Some(mut statements) = errors.keep(parser.parse2(body.clone())) else {
        return unparsed(without_ours(body.clone(), lifted));
    };
    let mut rewriter = Rewriter {
        recording,
        function: &function.ident,
        is_polled_here: function.asyncness.is_some(),
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
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => mentions(group.stream(), word),
        _ => false,
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
        if is_after_hash && let Some(path) = path_of_ours(group.stream()) {
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
    reason = "two say where the rewriter is, two what it has found"
)]
struct Rewriter<'a> {
    /// Without it, what stands here is checked and taken away.
    recording: bool,
    function: &'a Ident,
    /// Whether an `.await` is one of the traced `async fn`, and not of a block or closure within it.
    is_polled_here: bool,
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
        let is_polled_here = self.is_polled_here;
        self.is_polled_here &= !matches!(expr, Expr::Async(_) | Expr::Closure(_));
        visit_mut::visit_expr_mut(self, expr);
        self.is_polled_here = is_polled_here;
        for attribute in traced.iter().rev() {
            self.trace(attribute, expr);
        }
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        let traced = take_traced(&mut arm.attrs);
        visit_mut::visit_arm_mut(self, arm);
        for attribute in traced.iter().rev() {
            self.trace(attribute, &mut arm.body);
        }
    }

    /// An item in the body has attributes of its own; they are expanded by themselves.
    fn visit_item_mut(&mut self, _: &mut Item) {}

    /// Whatever is left of ours stands where nothing can take it.
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| {
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
        let records: Vec<_> = helpers
            .into_iter()
            .filter_map(|helper| self.record(helper, &statement))
            .collect();
        let traced = match &mut statement {
            Stmt::Local(local) => take_traced(&mut local.attrs),
            _ => Vec::new(),
        };
        let conditions = if records.is_empty() {
            Vec::new()
        } else {
            conditions(&mut statement, is_last)
        };
        visit_mut::visit_stmt_mut(self, &mut statement);
        if let Stmt::Local(local) = &mut statement {
            for attribute in traced.iter().rev() {
                match &mut local.init {
                    Some(init) => self.trace(attribute, &mut init.expr),
                    None => self.errors.add(
                        local.let_token.span,
                        "this `let` has no value whose computation could be traced",
                    ),
                }
            }
        }
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
        match statement {
            Stmt::Expr(expr, None) if is_last && !self.recording => {
                done.push(Stmt::Expr(
                    Expr::Verbatim(quote!(#(#conditions)* { #after })),
                    None,
                ));
                done.push(Stmt::Expr(expr, None));
            }
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

    /// Puts a span around an expression.
    fn trace(&mut self, attribute: &Attribute, expr: &mut Expr) {
        let at = attribute.path().span();
        let awaits = awaits(expr);
        if awaits && !self.is_polled_here {
            self.errors.add(
                at,
                "what is traced here must not `.await`, since it is not part of the traced `async fn` itself; trace the `async` block as a whole, or move it into an `async fn` of its own",
            );
            return;
        }
        self.has_attributes = true;
        self.lifted.add(attribute.path());
        let Some(tokens) = self.errors.keep(arguments(attribute)) else {
            return;
        };
        let args = Args::parse(tokens, self.errors);
        refuse_outcome(&args.outcome, self.errors);
        let runtime = args.runtime.as_ref().unwrap_or(self.runtime).clone();
        let plan = SpanPlan::inside_function(args.span, self.function, at, self.errors);
        if !self.recording {
            let mention = unrecorded::inside(&plan);
            if !mention.is_empty() {
                *expr = Expr::Verbatim(quote!({ #mention #expr }));
            }
            return;
        }
        match expr {
            awaiting if awaits => {
                self.needs_slot = true;
                let traced = expand::traced_awaiting(&runtime, &plan, awaiting.clone());
                *awaiting = Expr::Verbatim(traced);
            }
            Expr::Async(block) => {
                // Taken apart again, so that what stands around it does not seem to await.
                let traced = expand::traced_async(&runtime, &plan, block);
                *expr = syn::parse2(traced.clone()).unwrap_or(Expr::Verbatim(traced));
            }
            Expr::Closure(closure) if closure.asyncness.is_some() => self.errors.add(
                at,
                "an `async` closure cannot be traced as a whole; trace the `async` block of a closure that returns one",
            ),
            Expr::Closure(closure) => {
                let body = expand::traced_expr(&runtime, &plan, (*closure.body).clone());
                *closure.body = Expr::Verbatim(body);
            }
            other => *other = Expr::Verbatim(expand::traced_expr(&runtime, &plan, other.clone())),
        }
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

fn is_condition(attribute: &Attribute) -> bool {
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

/// Whether an expression awaits in the function that it stands in.
pub(crate) fn awaits(expr: &Expr) -> bool {
    struct Awaits(bool);
    impl VisitMut for Awaits {
        fn visit_expr_mut(&mut self, expr: &mut Expr) {
            match expr {
                Expr::Await(_) => self.0 = true,
                Expr::Async(_) | Expr::Closure(_) => {}
                // Not parsed by syn: an expansion of ours, or syntax it does not know.
                Expr::Verbatim(tokens) => self.0 |= mentions(tokens.clone(), "await"),
                other => visit_mut::visit_expr_mut(self, other),
            }
        }

        fn visit_macro_mut(&mut self, call: &mut Macro) {
            self.0 |= mentions(call.tokens.clone(), "await");
        }

        fn visit_item_mut(&mut self, _: &mut Item) {}
    }
    let mut awaits = Awaits(false);
    awaits.visit_expr_mut(&mut expr.clone());
    awaits.0
}
