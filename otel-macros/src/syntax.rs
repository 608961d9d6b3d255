//! Small questions about types, answered from their syntax alone.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    AttrStyle, Attribute, BinOp, Block, Expr, ExprAsync, GenericArgument, Item, Label, Lifetime,
    Macro, Pat, PathArguments, PathSegment, ReturnType, Stmt, Token, Type, TypeParamBound,
    TypePath, UnOp, parse_quote,
};

use crate::boxed::BoxPin;
use crate::plan::Handed;

/// Types that are certainly no `Result`, whatever is in scope.
const PRIMITIVES: &[&str] = &[
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64",
    "i128", "isize", "f32", "f64",
];

/// Whether a function with this signature could return a `Result`, perhaps behind an alias.
pub(crate) fn may_return_result(output: &ReturnType) -> bool {
    match output {
        ReturnType::Default => false,
        ReturnType::Type(_, ty) => may_be_result(ty),
    }
}

/// Whether a value of the type could be a `Result`, perhaps behind an alias.
pub(crate) fn may_be_result(ty: &Type) -> bool {
    match peel(ty) {
        Type::Path(path) => !is_primitive(path),
        Type::Infer(_) | Type::Macro(_) | Type::Verbatim(_) => true,
        _ => false,
    }
}

/// What a signature tells of whether a function comes to a `Result`, itself or by the future that it hands out.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    /// It says so: the type is called so, or an alias ends so, as `io::Result` and `QueryResult` do.
    Result,
    /// It may, behind another alias.
    Perhaps,
    Other,
}

impl Outcome {
    pub(crate) fn of(output: &ReturnType) -> Outcome {
        match (handed(output), output) {
            (Some(Handed::Future { output: None, .. }), _) => Outcome::Perhaps,
            (
                Some(Handed::Future {
                    output: Some(ty), ..
                }),
                _,
            ) => Outcome::of_type(&ty),
            (Some(Handed::Stream { .. }), _) | (None, ReturnType::Default) => Outcome::Other,
            (None, ReturnType::Type(_, ty)) => Outcome::of_type(ty),
        }
    }

    fn of_type(ty: &Type) -> Outcome {
        match peel(ty) {
            Type::Path(path) if ends_like_result(path) => Outcome::Result,
            ty if may_be_result(ty) => Outcome::Perhaps,
            _ => Outcome::Other,
        }
    }
}

fn ends_like_result(ty: &TypePath) -> bool {
    let last = ty.path.segments.last();
    last.is_some_and(|last| last.ident.to_string().ends_with("Result"))
}

fn is_primitive(ty: &TypePath) -> bool {
    let ident = ty.path.get_ident();
    ident.is_some_and(|ident| PRIMITIVES.contains(&ident.to_string().as_str()))
}

/// Whether a value of the type has certainly nothing to drop.
pub(crate) fn is_never_dropped(ty: &Type) -> bool {
    match peel(ty) {
        Type::Reference(_) | Type::Ptr(_) | Type::FnPtr(_) | Type::Never(_) => true,
        Type::Path(path) => is_primitive(path),
        _ => false,
    }
}

/// Whether a value of the type is certainly copied rather than moved, and small.
pub(crate) fn is_copy(ty: &Type) -> bool {
    match peel(ty) {
        Type::Reference(reference) => reference.mutability.is_none(),
        Type::Ptr(_) | Type::FnPtr(_) => true,
        Type::Path(path) => is_primitive(path),
        _ => false,
    }
}

/// Whether a function never returns.
pub(crate) fn is_never(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if is_never_type(ty))
}

/// Whether the type is `!`.
pub(crate) fn is_never_type(ty: &Type) -> bool {
    matches!(peel(ty), Type::Never(_))
}

/// The future or stream that a function hands out, as far as its signature says so: `impl Future`,
/// `Pin<Box<dyn Future>>`, or one of the aliases of the crate `futures`; the same with `Stream`.
pub(crate) fn handed(output: &ReturnType) -> Option<Handed> {
    let ReturnType::Type(_, ty) = output else {
        return None;
    };
    match peel(ty) {
        Type::ImplTrait(opaque) => handed_by_bounds(opaque.bounds.iter(), false),
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let arguments = types(last);
            match last.ident.to_string().as_str() {
                "BoxFuture" | "LocalBoxFuture" => Some(Handed::Future {
                    output: Some(Box::new(output_of_alias(ty))),
                    boxed: true,
                }),
                "BoxStream" | "LocalBoxStream" if !arguments.is_empty() => {
                    Some(Handed::Stream { boxed: true })
                }
                "Pin" => {
                    let Type::Path(boxed) = peel(arguments.first()?) else {
                        return None;
                    };
                    let boxed = boxed
                        .path
                        .segments
                        .last()
                        .filter(|last| last.ident == "Box")?;
                    match peel(types(boxed).first()?) {
                        Type::TraitObject(object) => handed_by_bounds(object.bounds.iter(), true),
                        _ => None,
                    }
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether what a function returns is something to be awaited, as far as its signature says so: a future, or the handle of a task.
pub(crate) fn is_awaitable(output: &ReturnType) -> bool {
    let ReturnType::Type(_, ty) = output else {
        return false;
    };
    let is_called_so = match peel(ty) {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            ["Future", "JoinHandle", "Ready"]
                .iter()
                .any(|end| name.ends_with(end))
        }),
        _ => false,
    };
    is_called_so || matches!(handed(output), Some(Handed::Future { .. }))
}

fn handed_by_bounds<'a>(
    mut bounds: impl Iterator<Item = &'a TypeParamBound>,
    boxed: bool,
) -> Option<Handed> {
    bounds.find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let last = bound.path.segments.last()?;
        match last.ident.to_string().as_str() {
            "Future" | "FusedFuture" => Some(Handed::Future {
                output: output_of(last).map(Box::new),
                boxed,
            }),
            "Stream" | "FusedStream" => Some(Handed::Stream { boxed }),
            _ => None,
        }
    })
}

/// The type after `Output =`, as it can be written in a body.
fn output_of(future: &PathSegment) -> Option<Type> {
    let PathArguments::AngleBracketed(arguments) = &future.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(assoc) if assoc.ident == "Output" => {
            Some(nameable_type(&assoc.ty))
        }
        _ => None,
    })
}

/// The output of an alias, which may be anybody's.
fn output_of_alias(alias: &Type) -> Type {
    let alias = nameable_type(alias);
    parse_quote!(<#alias as ::core::future::Future>::Output)
}

/// The types among a path segment's arguments.
fn types(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// A body that is an `async` block and nothing else, perhaps in `Box::pin`. Another call could do anything with it.
pub(crate) fn sole_async_block(body: &TokenStream) -> Option<(Option<BoxPin>, ExprAsync)> {
    let mut statements = Block::parse_within.parse2(body.clone()).ok()?;
    match (statements.pop()?, statements.is_empty()) {
        (Stmt::Expr(Expr::Async(block), None), true) => Some((None, block)),
        (Stmt::Expr(Expr::Call(call), None), true) => match BoxPin::taken_apart(call)? {
            (Expr::Async(block), call) => Some((Some(call), block)),
            _ => None,
        },
        _ => None,
    }
}

/// The expression inside parentheses and the invisible groups that `macro_rules!` makes.
pub(crate) fn inner(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => inner(&group.expr),
        Expr::Paren(paren) => inner(&paren.expr),
        other => other,
    }
}

/// Whether an expression is a place, of which a block around it would have the value instead.
pub(crate) fn is_place(expr: &Expr) -> bool {
    match inner(expr) {
        Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => true,
        Expr::Unary(unary) => matches!(unary.op, UnOp::Deref(_)),
        _ => false,
    }
}

/// The expressions directly in another one that are looked at, borrowed or assigned to where they are.
pub(crate) fn in_place(expr: &mut Expr) -> Vec<&mut Expr> {
    let only = match expr {
        Expr::Reference(it) => &mut it.expr,
        Expr::RawAddr(it) => &mut it.expr,
        Expr::Assign(it) => match *it.left {
            Expr::Infer(_) => &mut it.right,
            _ => &mut it.left,
        },
        Expr::Binary(it) => match it.op {
            op if is_assignment(&op) => &mut it.left,
            op if is_comparison(&op) => return vec![&mut it.left, &mut it.right],
            _ => return Vec::new(),
        },
        Expr::Call(it) => &mut it.func,
        Expr::Struct(it) => return it.rest.as_deref_mut().into_iter().collect(),
        Expr::MethodCall(it) => &mut it.receiver,
        Expr::Field(it) => &mut it.base,
        Expr::Index(it) => &mut it.expr,
        Expr::Match(it) => &mut it.expr,
        Expr::Let(it) => &mut it.expr,
        _ => return Vec::new(),
    };
    vec![only]
}

fn is_comparison(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_)
    )
}

/// Whether a pattern looks at a place where it is: something may be left there, or the parts are taken one by one, which may do
/// where the whole cannot be moved. A variable can be.
pub(crate) fn is_looked_at(pattern: &Pat, place: &Expr) -> bool {
    let is_variable = matches!(inner(place), Expr::Path(_));
    is_place(place) && (leaves_in_place(pattern) || (!is_variable && takes_apart(pattern)))
}

fn takes_apart(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(_) => false,
        Pat::Type(typed) => takes_apart(&typed.pat),
        Pat::Paren(parentheses) => takes_apart(&parentheses.pat),
        _ => true,
    }
}

/// Whether a pattern leaves something of a place where it is.
fn leaves_in_place(pattern: &Pat) -> bool {
    struct Leaves(bool);
    impl VisitMut for Leaves {
        fn visit_pat_mut(&mut self, pattern: &mut Pat) {
            self.0 |= match pattern {
                Pat::Wild(_) | Pat::Rest(_) | Pat::Lit(_) | Pat::Path(_) | Pat::Range(_) => true,
                Pat::Ident(name) => name.by_ref.is_some() || may_be_constant(&name.ident),
                Pat::Struct(pattern) => pattern.rest.is_some(),
                _ => false,
            };
            visit_mut::visit_pat_mut(self, pattern);
        }
    }
    let mut leaves = Leaves(false);
    leaves.visit_pat_mut(&mut pattern.clone());
    leaves.0
}

/// Whether a name in a pattern may be that of a constant, which is compared and not bound.
pub(crate) fn may_be_constant(name: &Ident) -> bool {
    name.to_string().starts_with(char::is_uppercase)
}

fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

/// The type for a message: ``nothing`` or the type in backticks.
pub(crate) fn describe(output: &ReturnType) -> String {
    match output {
        ReturnType::Default => "nothing".to_owned(),
        ReturnType::Type(_, ty) => format!("`{}`", ty.to_token_stream()),
    }
}

/// The type as it can be written on a closure or a `let`: each `impl Trait` becomes `_`.
pub(crate) fn nameable(output: &ReturnType) -> Option<Type> {
    let ReturnType::Type(_, ty) = output else {
        return None;
    };
    Some(nameable_type(ty))
}

/// What a function returns, in the same way.
pub(crate) fn returned(output: &ReturnType) -> Type {
    nameable(output).unwrap_or_else(|| parse_quote!(()))
}

/// Whether some of a type is left to be inferred.
pub(crate) fn is_inferred(ty: &Type) -> bool {
    struct Inferred(bool);
    impl VisitMut for Inferred {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            self.0 |= matches!(ty, Type::Infer(_));
            visit_mut::visit_type_mut(self, ty);
        }
    }
    let mut inferred = Inferred(false);
    inferred.visit_type_mut(&mut ty.clone());
    inferred.0
}

pub(crate) fn nameable_type(ty: &Type) -> Type {
    let mut ty = ty.clone();
    Nameable.visit_type_mut(&mut ty);
    ty
}

struct Nameable;

impl VisitMut for Nameable {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(_) = ty {
            *ty = parse_quote!(_);
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }
}

/// The type inside parentheses and the invisible groups that `macro_rules!` makes.
fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel(&group.elem),
        Type::Paren(paren) => peel(&paren.elem),
        other => other,
    }
}

/// Prepares an expression for braces of ours, or for standing without what it had before it: parentheses go, as far as no attribute
/// is theirs, and braces stay.
pub(crate) fn justify(expr: &mut Expr) {
    match expr {
        Expr::Paren(parentheses) if parentheses.attrs.is_empty() => {
            *expr = (*parentheses.expr).clone();
            justify(expr);
        }
        Expr::Group(group) if group.attrs.is_empty() => {
            *expr = (*group.expr).clone();
            justify(expr);
        }
        _ => justify_braces(expr),
    }
}

/// Puts an empty statement into a block of the user's: where an expansion puts it, the compiler would find the braces
/// round a single expression superfluous.
pub(crate) fn justify_braces(expr: &mut Expr) {
    if let Expr::Block(block) = expr {
        let empty = Expr::Verbatim(TokenStream::new());
        let empty = Stmt::Expr(empty, Some(<Token![;]>::default()));
        block.block.stmts.insert(0, empty);
    }
}

/// The expression inside the invisible groups that `macro_rules!` makes.
pub(crate) fn ungroup(expr: Expr) -> Expr {
    match expr {
        Expr::Group(group) => ungroup(*group.expr),
        other => other,
    }
}

/// Whether an expression is a variable whose name says that it is not used.
pub(crate) fn is_underscored(expr: &Expr) -> bool {
    match expr {
        Expr::Path(path) => {
            let name = path.path.get_ident();
            name.is_some_and(|name| name.to_string().starts_with('_'))
        }
        _ => false,
    }
}

/// The first thing in an expression that leaves it other than with its value, and how it is written. The arguments of a
/// macro are looked at where they are expressions, as those of `format!` are.
pub(crate) fn way_out(expr: &Expr) -> Option<(Span, &'static str)> {
    let mut way_out = WayOut::default();
    way_out.visit_expr_mut(&mut expr.clone());
    way_out.found
}

#[derive(Default)]
struct WayOut {
    found: Option<(Span, &'static str)>,
    /// Within how many loops of the expression's own this is.
    loops: usize,
    /// The labels of its own loops and blocks.
    labels: Vec<Ident>,
}

impl WayOut {
    fn leaves(&self, label: Option<&Lifetime>) -> bool {
        label.map_or(self.loops == 0, |label| !self.labels.contains(&label.ident))
    }

    /// The body of a loop or of a block with a label.
    fn body(&mut self, label: Option<&Label>, loops: usize, body: &mut Block) {
        self.loops += loops;
        let labels = self.labels.len();
        self.labels
            .extend(label.map(|label| label.name.ident.clone()));
        self.visit_block_mut(body);
        self.labels.truncate(labels);
        self.loops -= loops;
    }
}

impl VisitMut for WayOut {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let found = match expr {
            Expr::Async(_) | Expr::Closure(_) => return,
            Expr::Await(expr) => (expr.await_token.span, ".await"),
            Expr::Return(expr) => (expr.return_token.span, "return"),
            Expr::Try(expr) => (expr.question_token.span, "?"),
            Expr::Break(expr) if self.leaves(expr.label.as_ref()) => {
                (expr.break_token.span, "break")
            }
            Expr::Continue(expr) if self.leaves(expr.label.as_ref()) => {
                (expr.continue_token.span, "continue")
            }
            Expr::Loop(expr) => return self.body(expr.label.as_ref(), 1, &mut expr.body),
            Expr::While(expr) => {
                let labels = self.labels.len();
                self.labels
                    .extend(expr.label.iter().map(|label| label.name.ident.clone()));
                self.visit_expr_mut(&mut expr.cond);
                self.labels.truncate(labels);
                return self.body(expr.label.as_ref(), 1, &mut expr.body);
            }
            Expr::ForLoop(expr) => {
                self.visit_expr_mut(&mut expr.expr);
                return self.body(expr.label.as_ref(), 1, &mut expr.body);
            }
            Expr::Block(expr) => return self.body(expr.label.as_ref(), 0, &mut expr.block),
            other => return visit_mut::visit_expr_mut(self, other),
        };
        self.found.get_or_insert(found);
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        let arguments = Punctuated::<Expr, Token![,]>::parse_terminated;
        if let Ok(mut arguments) = call.parse_body_with(arguments) {
            for argument in &mut arguments {
                self.visit_expr_mut(argument);
            }
        } else if let Some(found) = way_out_of_macro(call.tokens.clone()) {
            self.found.get_or_insert(found);
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// The same in tokens that are no list of expressions: a `?` or `.await` that stands behind something, or a `return`.
fn way_out_of_macro(tokens: TokenStream) -> Option<(Span, &'static str)> {
    let mut before = None;
    tokens.into_iter().find_map(|token| {
        let found = match &token {
            TokenTree::Punct(mark) => {
                let is_behind = !matches!(before, None | Some(TokenTree::Punct(_)));
                (mark.as_char() == '?' && is_behind).then(|| (mark.span(), "?"))
            }
            TokenTree::Ident(word) if word == "return" => Some((word.span(), "return")),
            TokenTree::Ident(word) if word == "await" => {
                let is_behind_dot =
                    matches!(&before, Some(TokenTree::Punct(dot)) if dot.as_char() == '.');
                is_behind_dot.then(|| (word.span(), ".await"))
            }
            TokenTree::Group(group) => way_out_of_macro(group.stream()),
            _ => None,
        };
        before = Some(token);
        found
    })
}

/// Whether an expression ends by what an attribute was replaced by.
pub(crate) fn ends_expanded(expr: &Expr) -> bool {
    let last = match expr {
        Expr::Verbatim(_) => return true,
        Expr::Assign(it) => Some(&it.right),
        Expr::Binary(it) => Some(&it.right),
        Expr::Break(it) => it.expr.as_ref(),
        Expr::Closure(it) => Some(&it.body),
        Expr::Group(it) => Some(&it.expr),
        Expr::Range(it) => it.end.as_ref(),
        Expr::RawAddr(it) => Some(&it.expr),
        Expr::Reference(it) => Some(&it.expr),
        Expr::Return(it) => it.expr.as_ref(),
        Expr::Unary(it) => Some(&it.expr),
        _ => None,
    };
    last.is_some_and(|last| ends_expanded(last))
}

/// The attributes of an expression; an expression that syn does not take apart has none.
fn attributes(expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
    macro_rules! attributes {
        ($($kind:ident)*) => {
            match expr {
                $(Expr::$kind(expr) => Some(&mut expr.attrs),)*
                _ => None,
            }
        };
    }
    attributes! {
        Array Assign Async Await Binary Block Break Call Cast Closure Const Continue Field ForLoop Group If
        Index Infer Let Lit Loop Macro Match MethodCall Paren Path Range RawAddr Reference Repeat Return
        Struct Try TryBlock Tuple Unary Unsafe While Yield
    }
}

/// Whether an attribute stands before what it is for, and not inside as `#![..]` does.
pub(crate) fn is_outer(attribute: &mut Attribute) -> bool {
    matches!(attribute.style, AttrStyle::Outer)
}

/// The attributes in front of an expression, which syn hands to its first operand.
pub(crate) fn leading_attributes(expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
    match expr {
        Expr::Assign(assign) => leading_attributes(&mut assign.left),
        Expr::Binary(binary) => leading_attributes(&mut binary.left),
        Expr::Cast(cast) => leading_attributes(&mut cast.expr),
        Expr::Range(range) => match &mut range.start {
            Some(start) => leading_attributes(start),
            None => Some(&mut range.attrs),
        },
        other => attributes(other),
    }
}
