//! `#[traced_span]` on an `impl` block, a trait or an inline module: the attribute moves to every function in it.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Ident, ImplItem, Item, ItemImpl, ItemMod, ItemTrait, Path, ReturnType, TraitItem,
    Type, parse_quote,
};

use crate::args::Args;
use crate::errors::Errors;
use crate::function::is_track_caller;
use crate::helpers::{Ours, arguments};
use crate::plan::default_runtime;
use crate::syntax::Outcome;

/// The block with the attribute on its functions; `None` if the item is no such block.
pub(crate) fn expand(args: &TokenStream, item: Item) -> Option<TokenStream> {
    let mut errors = Errors::default();
    let parsed = Args::parse(args.clone(), &mut errors);
    if let Some(name) = &parsed.span.name {
        errors.add(
            name.span(),
            "functions in a block are named after themselves; write a name on the function",
        );
    }
    let runtime = parsed.runtime.unwrap_or_else(default_runtime);
    let mut block = Block {
        runtime,
        args,
        without_outcome: Args::without_outcome(args.clone()),
        is_off: parsed.outcome.is_off(),
        is_taken: false,
        is_left_out: false,
        errors,
    };
    let item = match item {
        Item::Impl(mut item) => {
            block.item_impl(&mut item);
            item.into_token_stream()
        }
        Item::Trait(mut item) => {
            block.item_trait(&mut item);
            item.into_token_stream()
        }
        Item::Mod(mut item) => {
            block.item_mod(&mut item);
            item.into_token_stream()
        }
        _ => return None,
    };
    let is_in_vain = block.is_left_out && !block.is_taken;
    if let Some(at) = parsed.outcome.at().filter(|_| is_in_vain) {
        block.errors.add(
            at,
            "`err` and `err_if` are for functions that return a `Result`, and no function here says that it does; remove them, or write them on the function",
        );
    }
    let errors = block.errors.into_tokens();
    Some(quote!(#errors #item))
}

struct Block<'a> {
    runtime: Path,
    /// The block's options, for each function that says none of its own.
    args: &'a TokenStream,
    /// The same for functions that do not say that they return a `Result`.
    without_outcome: TokenStream,
    /// Whether errors are left alone, which may be so for any function.
    is_off: bool,
    /// Whether some function has taken all options, and whether some has not.
    is_taken: bool,
    is_left_out: bool,
    errors: Errors,
}

impl Block<'_> {
    fn item_impl(&mut self, item: &mut ItemImpl) {
        let name = type_name(&item.self_ty);
        for item in &mut item.items {
            if let ImplItem::Fn(function) = item {
                let sig = &function.sig;
                let name = format!("{name}::{}", sig.ident.unraw());
                let can_be_traced = sig.constness.is_none();
                self.function(&mut function.attrs, &name, &sig.output, can_be_traced);
            }
        }
    }

    fn item_trait(&mut self, item: &mut ItemTrait) {
        let name = item.ident.unraw().to_string();
        for item in &mut item.items {
            if let TraitItem::Fn(function) = item {
                let sig = &function.sig;
                let name = format!("{name}::{}", sig.ident.unraw());
                let can_be_traced = sig.constness.is_none() && function.default.is_some();
                self.function(&mut function.attrs, &name, &sig.output, can_be_traced);
            }
        }
    }

    fn item_mod(&mut self, item: &mut ItemMod) {
        let Some((_, items)) = &mut item.content else {
            self.errors.add(
                item.mod_token.span,
                "the functions of a module in another file cannot be seen from here; put the attribute into that file, or on an inline module",
            );
            return;
        };
        let name = item.ident.unraw().to_string();
        for item in items {
            match item {
                Item::Impl(ItemImpl { attrs, .. })
                | Item::Trait(ItemTrait { attrs, .. })
                | Item::Mod(ItemMod { attrs, .. })
                    if attrs.iter().any(is_ours) =>
                {
                    attrs.iter_mut().for_each(confirm_skip);
                }
                Item::Fn(function) => {
                    let sig = &function.sig;
                    let name = format!("{name}::{}", sig.ident.unraw());
                    let can_be_traced = sig.constness.is_none();
                    self.function(&mut function.attrs, &name, &sig.output, can_be_traced);
                }
                Item::Impl(block) => self.item_impl(block),
                Item::Trait(block) => self.item_trait(block),
                Item::Mod(block) if block.content.is_some() => self.item_mod(block),
                _ => {}
            }
        }
    }

    /// Puts the attribute on a function, with a name. What a function's own attribute says counts before the block's.
    fn function(
        &mut self,
        attrs: &mut Vec<Attribute>,
        name: &str,
        output: &ReturnType,
        can_be_traced: bool,
    ) {
        let own = attrs.iter().position(is_ours);
        match own {
            Some(at) if is_skip(&attrs[at]) => confirm_skip(&mut attrs[at]),
            Some(at) => {
                // What is wrong with it is said when it is expanded.
                let Ok(args) = arguments(&attrs[at]) else {
                    return;
                };
                let own = Args::parse(args.clone(), &mut Errors::default());
                let mut all = args;
                if self.errors.is_empty() {
                    let inherited = self.args_for(attrs, output).clone();
                    all = joined(&all, &Args::without_those_of(inherited, &own));
                }
                if own.span.name.is_none() {
                    all = joined(&quote!(#name), &all);
                }
                let path = attrs[at].path().clone();
                attrs[at] = parse_quote!(#[#path(#all)]);
            }
            None if can_be_traced && self.errors.is_empty() => {
                let runtime = self.runtime.clone();
                let args = self.args_for(attrs, output).clone();
                attrs.insert(0, parse_quote!(#[#runtime::traced_span(#name, #args)]));
            }
            None => {}
        }
    }

    /// The options for a function with these attributes that returns this.
    fn args_for(&mut self, attrs: &[Attribute], output: &ReturnType) -> &TokenStream {
        let takes_all = match Outcome::of(output) {
            Outcome::Result => self.is_off || !attrs.iter().any(is_track_caller),
            Outcome::Perhaps => self.is_off,
            Outcome::Other => false,
        };
        if takes_all {
            self.is_taken = true;
            self.args
        } else {
            self.is_left_out = true;
            &self.without_outcome
        }
    }
}

/// Options, and further ones.
fn joined(options: &TokenStream, further: &TokenStream) -> TokenStream {
    let last = options.clone().into_iter().last();
    let is_open = match &last {
        Some(TokenTree::Punct(punct)) => punct.as_char() != ',',
        last => last.is_some(),
    };
    let comma = (is_open && !further.is_empty()).then(|| quote!(,));
    quote!(#options #comma #further)
}

fn is_ours(attribute: &Attribute) -> bool {
    Ours::of(attribute) == Some(Ours::TracedSpan)
}

/// `#[traced_span(skip)]`
fn is_skip(attribute: &Attribute) -> bool {
    is_ours(attribute) && arguments(attribute).is_ok_and(|args| args.to_string() == "skip")
}

/// What `skip` becomes within an annotated block: only there it has a meaning. The attribute stays, or its import would
/// count as unused.
pub(crate) const SKIPPED: &str = "__skipped";

fn confirm_skip(attribute: &mut Attribute) {
    if is_skip(attribute) {
        let path = attribute.path();
        let skipped = Ident::new(SKIPPED, path.span());
        *attribute = parse_quote!(#[#path(#skipped)]);
    }
}

/// The name of the type that an `impl` block is for, without its path and its generics.
fn type_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => match path.path.segments.last() {
            Some(last) => last.ident.unraw().to_string(),
            None => ty.to_token_stream().to_string(),
        },
        Type::Reference(reference) => type_name(&reference.elem),
        Type::Group(group) => type_name(&group.elem),
        Type::Paren(paren) => type_name(&paren.elem),
        Type::Tuple(tuple) => {
            let names: Vec<_> = tuple.elems.iter().map(type_name).collect();
            format!("({})", names.join(", "))
        }
        Type::Slice(slice) => format!("[{}]", type_name(&slice.elem)),
        Type::Array(array) => {
            let length = array.len.to_token_stream();
            format!("[{}; {length}]", type_name(&array.elem))
        }
        other => other.to_token_stream().to_string(),
    }
}
