//! The expansions that the documentation shows are the real ones: each is made anew from the code above it.
//!
//! `BLESS=1 cargo test -p otel-macros` writes them into the documentation; read them before you commit them.

use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, File, Item, Stmt};

use super::{Starts, pretty};
use crate::helpers::Ours;
use crate::{inline, traced_span, untraced};

#[test]
fn expansions_are_as_shown() {
    for page in [
        "attr",
        "event",
        "span",
        "span_attr",
        "span_event",
        "traced_span",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/{page}.md"));
        let shown = fs::read_to_string(&path).expect("the page is there");
        let made = with_expansions(&shown);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, made).expect("the page can be written");
        } else {
            assert!(
                made == shown,
                "{page}.md shows something else than this:\n{made}"
            );
        }
    }
}

/// The page with what each example becomes, made from the example.
fn with_expansions(page: &str) -> String {
    let mut written = None;
    let mut blocks = page.split("```\n");
    let mut made = blocks.next().unwrap_or_default().to_owned();
    while let (Some(code), Some(text)) = (blocks.next(), blocks.next()) {
        let code = match written.take() {
            None => {
                written = Some(code);
                code.to_owned()
            }
            Some(written) => {
                hidden_lines(code) + &expansion(written, code.contains("macro_rules! start"))
            }
        };
        made = format!("{made}```\n{code}```\n{text}");
    }
    assert!(written.is_none(), "every example says what it becomes");
    made
}

fn is_hidden(line: &&str) -> bool {
    *line == "#" || line.starts_with("# ")
}

fn hidden_lines(code: &str) -> String {
    code.lines()
        .filter(is_hidden)
        .map(|line| line.to_owned() + "\n")
        .collect()
}

fn expansion(written: &str, is_shortened: bool) -> String {
    let visible = written.lines().filter(|line| !is_hidden(line));
    let visible: Vec<_> = visible.collect();
    let mut file: File = syn::parse_str(&visible.join("\n")).expect("an example is Rust");
    file.items = file.items.into_iter().flat_map(expand_item).collect();
    Calls.visit_file_mut(&mut file);
    if is_shortened {
        Starts.visit_file_mut(&mut file);
    }
    let pretty = pretty(&file);
    assert_eq!(is_shortened, pretty.contains("start!"), "{pretty}");
    pretty
}

/// What the first attribute makes of an item.
fn expand_item(mut item: Item) -> Vec<Item> {
    let Some(attribute) = first_attribute(&mut item) else {
        return vec![item];
    };
    let args = crate::helpers::arguments(&attribute).expect("the attribute is right");
    let item = quote!(#item);
    let expanded = match Ours::of(&attribute) {
        Some(Ours::TracedSpan) => traced_span::expand(true, args, &item),
        Some(ours) => untraced::expand(true, ours, args, &item),
        None => item,
    };
    parsed(expanded).items
}

fn first_attribute(item: &mut Item) -> Option<Attribute> {
    let attributes = match item {
        Item::Fn(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        _ => return None,
    };
    (!attributes.is_empty()).then(|| attributes.remove(0))
}

fn parsed(tokens: TokenStream) -> File {
    syn::parse2(tokens).expect("the expansion is Rust")
}

/// Expands `span!`, `attr!` and `event!`.
struct Calls;

impl VisitMut for Calls {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let span = match expr {
            Expr::Macro(call) => Some(&call.mac).filter(|call| call.path.is_ident("span")),
            _ => None,
        };
        if let Some(call) = span {
            let expanded = inline::span(true, call.tokens.clone());
            *expr = syn::parse2(expanded).expect("the expansion is an expression");
        }
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_stmt_mut(&mut self, statement: &mut Stmt) {
        if let Stmt::Macro(call) = statement {
            let ours = match call.mac.path.get_ident() {
                Some(name) if name == "attr" => Some(Ours::SpanAttr),
                Some(name) if name == "event" => Some(Ours::SpanEvent),
                _ => None,
            };
            if let Some(ours) = ours {
                let expanded = inline::helper(true, ours, call.mac.tokens.clone());
                *statement = Stmt::Expr(syn::parse2(expanded).expect("it is a block"), None);
            }
        }
        visit_mut::visit_stmt_mut(self, statement);
    }
}
