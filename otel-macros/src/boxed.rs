//! Bodies that end by `Box::pin(..)`.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprCall, Item, Macro, Stmt};

use crate::body;

/// A body that ends by `Box::pin(..)` and cannot be left before that.
pub(crate) struct BoxedAtEnd {
    /// Whether an `async` block is put into the box.
    pub(crate) is_async: bool,
    /// Where the call stands.
    pub(crate) at: Span,
}

/// `Box::pin(..)`, as it is written, without its argument.
pub(crate) struct BoxPin(ExprCall);

impl BoxPin {
    /// The argument of such a call, and the rest of it.
    pub(crate) fn taken_apart(mut call: ExprCall) -> Option<(Expr, BoxPin)> {
        let is_it = call.args.len() == 1 && is_box_pin(&call.func);
        let argument = call.args.pop().filter(|_| is_it)?;
        Some((argument, BoxPin(call)))
    }

    /// The call with another argument.
    pub(crate) fn with(&self, argument: &TokenStream) -> TokenStream {
        let ExprCall {
            attrs,
            func,
            paren_token,
            ..
        } = &self.0;
        let mut call = quote!(#(#attrs)* #func);
        paren_token.surround(&mut call, |tokens| tokens.extend(argument.clone()));
        call
    }
}

fn is_box_pin(function: &Expr) -> bool {
    let Expr::Path(path) = function else {
        return false;
    };
    let mut words = path.path.segments.iter().rev();
    let mut is_next = |word| words.next().is_some_and(|segment| segment.ident == word);
    is_next("pin") && is_next("Box")
}

impl BoxedAtEnd {
    pub(crate) fn of(body: &TokenStream) -> Option<BoxedAtEnd> {
        let mut statements = Block::parse_within.parse2(body.clone()).ok()?;
        let mut returns = Returns(false);
        for statement in &mut statements.clone() {
            returns.visit_stmt_mut(statement);
        }
        let Stmt::Expr(Expr::Call(call), None) = statements.pop()? else {
            return None;
        };
        let at = call.span();
        let (inner, _) = BoxPin::taken_apart(call)?;
        let is_async = matches!(inner, Expr::Async(_));
        (!returns.0).then_some(BoxedAtEnd { is_async, at })
    }
}

/// A body that ends by `Box::pin(async { .. })`, with something at the start of the block. The rest stays token for token.
pub(crate) fn with_first_in_block(body: TokenStream, first: &TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = body.into_iter().collect();
    let is_last = |token: &TokenTree| matches!(token, TokenTree::Group(_));
    if let Some(TokenTree::Group(group)) = tokens.iter_mut().rfind(|token| is_last(token)) {
        let inside = match group.delimiter() {
            Delimiter::Brace => {
                let rest = group.stream();
                quote!(#first #rest)
            }
            _ => with_first_in_block(group.stream(), first),
        };
        let mut changed = Group::new(group.delimiter(), inside);
        changed.set_span(group.span());
        *group = changed;
    }
    tokens.into_iter().collect()
}

/// Whether the function may return somewhere, perhaps in a macro.
struct Returns(bool);

impl VisitMut for Returns {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            // Syntax that syn does not know may be anything.
            Expr::Return(_) | Expr::Try(_) | Expr::Verbatim(_) => self.0 = true,
            Expr::Async(_) | Expr::Closure(_) => {}
            other => visit_mut::visit_expr_mut(self, other),
        }
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        let leaves = |token: &TokenTree| match token {
            TokenTree::Ident(word) => word == "return",
            TokenTree::Punct(mark) => mark.as_char() == '?',
            TokenTree::Group(_) | TokenTree::Literal(_) => false,
        };
        self.0 |= !body::is_of_std(call) || body::any(call.tokens.clone(), &leaves);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}
