//! The attributes inside a traced function's body: on blocks, statements and `let`.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, Expr, Ident, Item, Macro, Path, Stmt};

use crate::args::{self, Args, OutcomeArgs};
use crate::errors::Errors;
use crate::expand;
use crate::function::simple_name;
use crate::helpers::{AttrContent, Helper, Lifted, Ours, arguments};
use crate::plan::{Record, SpanPlan, check_event, check_key, named_field, refuse_result_closures};
use crate::syntax;

/// Replaces our attributes in a body by what they mean. A body without any is handed back as it came, unparsed.
pub(crate) fn rewrite(
    function: &Ident,
    body: &TokenStream,
    runtime: &Path,
    lifted: &mut Lifted,
    errors: &mut Errors,
) -> Body {
    let unchanged = || Body {
        tokens: body.clone(),
        has_attributes: false,
    };
    if !mentions_ours(body.clone()) {
        return unchanged();
    }
    let parser = Block::parse_within;
    let Some(mut statements) = errors.keep(parser.parse2(body.clone())) else {
        return unchanged();
    };
    let mut rewriter = Rewriter {
        function,
        runtime,
        lifted,
        errors,
        has_attributes: false,
    };
    rewriter.statements(&mut statements);
    Body {
        has_attributes: rewriter.has_attributes,
        tokens: quote!(#(#statements)*),
    }
}

/// A body as it goes into the expansion.
pub(crate) struct Body {
    pub(crate) tokens: TokenStream,
    /// Whether an attribute of ours stood in it, other than on an item.
    pub(crate) has_attributes: bool,
}

/// Whether `#[.. traced_span ..]` or one of the helpers may stand anywhere in the tokens.
fn mentions_ours(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => [Ours::TracedSpan, Ours::SpanAttr, Ours::SpanEvent]
            .iter()
            .any(|ours| ident == ours.word()),
        TokenTree::Group(group) => mentions_ours(group.stream()),
        _ => false,
    })
}

struct Rewriter<'a> {
    function: &'a Ident,
    runtime: &'a Path,
    lifted: &'a mut Lifted,
    errors: &'a mut Errors,
    has_attributes: bool,
}

impl VisitMut for Rewriter<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        self.statements(&mut block.stmts);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let traced = syntax::attributes(expr)
            .map(take_traced)
            .unwrap_or_default();
        visit_mut::visit_expr_mut(self, expr);
        for attribute in traced.iter().rev() {
            self.trace(attribute, expr);
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
                    Ours::TracedSpan => "`#[traced_span]` cannot stand here; inside a function it stands on a block, on a `let` or on an expression",
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
        for statement in std::mem::take(statements) {
            self.statement(statement, statements);
        }
    }

    /// Puts a statement, and what its helpers record after it, behind those that are done.
    fn statement(&mut self, mut statement: Stmt, done: &mut Vec<Stmt>) {
        let helpers = match &mut statement {
            Stmt::Local(local) => Helper::lift(&mut local.attrs, self.lifted, self.errors),
            Stmt::Macro(call) => Helper::lift(&mut call.attrs, self.lifted, self.errors),
            Stmt::Expr(expr, _) => syntax::statement_attributes(expr)
                .map(|attributes| Helper::lift(attributes, self.lifted, self.errors))
                .unwrap_or_default(),
            Stmt::Item(_) => Vec::new(),
        };
        self.has_attributes |= !helpers.is_empty();
        let records: Vec<_> = helpers
            .into_iter()
            .filter_map(|helper| self.record(helper, &statement))
            .collect();
        let traced = match &mut statement {
            Stmt::Local(local) => take_traced(&mut local.attrs),
            _ => Vec::new(),
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
            .map(|record| expand::statement(self.runtime, record))
            .collect();
        match statement {
            Stmt::Expr(expr, None) if !after.is_empty() => {
                // The value of the block: recorded after it is known, handed on unchanged.
                let value = syn::Ident::new("__value", proc_macro2::Span::mixed_site());
                let whole = quote!(match #expr { #value => { #after #value } });
                done.push(Stmt::Expr(Expr::Verbatim(whole), None));
            }
            statement => {
                done.push(statement);
                if !after.is_empty() {
                    done.push(Stmt::Expr(Expr::Verbatim(after), None));
                }
            }
        }
    }

    /// What a helper on a statement records.
    fn record(&mut self, helper: Helper, statement: &Stmt) -> Option<Record> {
        match helper {
            Helper::Event(event) => {
                check_event(&event, self.errors);
                self.check(&event.fields);
                Some(Record::Event {
                    name: event.name,
                    fields: event.fields,
                })
            }
            Helper::Attr(helper) => {
                if let AttrContent::Fields(fields) = helper.content {
                    self.check(&fields);
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

    fn check(&mut self, fields: &[crate::helpers::Field]) {
        let mut keys = Vec::new();
        for field in fields {
            check_key(&field.key, &mut keys, self.errors);
        }
        refuse_result_closures(fields, self.errors);
    }

    /// Puts a span around an expression.
    fn trace(&mut self, attribute: &Attribute, expr: &mut Expr) {
        let at = attribute.path().span();
        match expr {
            Expr::Closure(_) | Expr::Async(_) => {
                self.errors.add(
                    at,
                    "a closure or `async` block cannot be traced as a whole; put the attribute on a block inside it, or on a function of its own",
                );
                return;
            }
            _ => {}
        }
        if awaits(expr) {
            self.errors.add(
                at,
                "what is traced here must not `.await`: its span would be current on the wrong thread; move it into an `async fn` of its own",
            );
            return;
        }
        self.has_attributes = true;
        self.lifted.add(attribute.path());
        let Some(tokens) = self.errors.keep(arguments(attribute)) else {
            return;
        };
        let args = Args::parse(tokens, self.errors);
        let OutcomeArgs { err, err_if } = &args.outcome;
        for (option, at) in [
            ("err", err.as_ref().map(args::Err::span)),
            ("err_if", err_if.as_ref().map(|err_if| err_if.at)),
        ] {
            if let Some(at) = at {
                self.errors.add(
                    at,
                    format!("`{option}` belongs to a function, whose type says what an error is"),
                );
            }
        }
        let runtime = args.runtime.as_ref().unwrap_or(self.runtime).clone();
        let plan = SpanPlan::inside_function(args.span, self.function, at, self.errors);
        *expr = Expr::Verbatim(expand::traced_expr(&runtime, &plan, expr));
    }
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
fn awaits(expr: &Expr) -> bool {
    struct Awaits(bool);
    impl VisitMut for Awaits {
        fn visit_expr_mut(&mut self, expr: &mut Expr) {
            match expr {
                Expr::Await(_) => self.0 = true,
                Expr::Async(_) | Expr::Closure(_) => {}
                // Not parsed by syn: an expansion of ours, or syntax it does not know.
                Expr::Verbatim(tokens) => self.0 |= has_await(tokens.clone()),
                other => visit_mut::visit_expr_mut(self, other),
            }
        }

        fn visit_macro_mut(&mut self, call: &mut Macro) {
            self.0 |= has_await(call.tokens.clone());
        }

        fn visit_item_mut(&mut self, _: &mut Item) {}
    }
    let mut awaits = Awaits(false);
    awaits.visit_expr_mut(&mut expr.clone());
    awaits.0
}

fn has_await(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "await",
        TokenTree::Group(group) => has_await(group.stream()),
        _ => false,
    })
}
