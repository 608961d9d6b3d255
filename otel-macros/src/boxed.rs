//! Bodies that end by `Box::pin(..)`.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprCall, Item, Macro, Stmt};

use crate::body;

/// A body that ends by `Box::pin(..)` and cannot be left before that.
pub(crate) struct BoxedAtEnd {
    /// What comes before.
    pub(crate) statements: Vec<Stmt>,
    /// What is put into the box.
    pub(crate) inner: Expr,
    pub(crate) call: BoxPin,
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
        let Stmt::Expr(Expr::Call(call), None) = statements.pop()? else {
            return None;
        };
        let (inner, call) = BoxPin::taken_apart(call)?;
        let boxed = BoxedAtEnd {
            statements,
            inner,
            call,
        };
        (!boxed.may_return_before()).then_some(boxed)
    }

    fn may_return_before(&self) -> bool {
        let mut returns = Returns(false);
        for statement in &mut self.statements.clone() {
            returns.visit_stmt_mut(statement);
        }
        returns.visit_expr_mut(&mut self.inner.clone());
        returns.0
    }
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
