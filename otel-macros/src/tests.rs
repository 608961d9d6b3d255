//! Expansion snapshots that the documentation does not show: tokens in, pretty tokens out.

mod documentation;

use quote::quote;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, File, Item, Stmt, parse_quote};

use crate::helpers::Ours;
use crate::{traced_span, untraced};

/// Compares an expansion with what is expected.
#[track_caller]
fn check(expansion: proc_macro2::TokenStream, expected: &str) {
    let mut file: File = syn::parse2(expansion).expect("the expansion is an item");
    Starts.visit_file_mut(&mut file);
    let pretty = pretty(&file);
    assert_eq!(pretty.trim(), dedent(expected), "\n{pretty}");
}

/// The code, formatted and with the paths shortened.
fn pretty(file: &File) -> String {
    prettyplease::unparse(file)
        .replace("::otel_runtime::__private::", "rt::")
        .replace("::core::option::Option::Some", "Some")
}

/// Shortens the block that describes a site.
struct Starts;

impl VisitMut for Starts {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Some(name) = name_of_site(expr) {
            *expr = parse_quote!(start!(#name));
        }
        visit_mut::visit_expr_mut(self, expr);
    }
}

/// The span's name, if the expression is the block that describes its site.
fn name_of_site(expr: &Expr) -> Option<Expr> {
    let Expr::Block(block) = expr else {
        return None;
    };
    let Some(Stmt::Item(Item::Static(site))) = block.block.stmts.first() else {
        return None;
    };
    match &*site.expr {
        Expr::Call(new) => new.args.first().cloned(),
        _ => None,
    }
}

fn dedent(text: &str) -> String {
    let lines: Vec<_> = text.trim_matches('\n').lines().collect();
    let margin = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or_default();
    let lines: Vec<_> = lines
        .iter()
        .map(|line| line.get(margin..).unwrap_or_default())
        .collect();
    lines.join("\n").trim().to_owned()
}

#[test]
fn async_fn_that_never_returns() {
    check(
        traced_span::expand(
            true,
            quote!(),
            &quote!(
                async fn serve() -> ! {
                    loop {
                        accept().await
                    }
                }
            ),
        ),
        r#"
            async fn serve() -> ! {
                let __otel_span = rt::Start::into_task(start!("serve"));
                rt::InSpan::new(
                        &__otel_span,
                        async move {
                            {
                                loop {
                                    accept().await
                                }
                            }
                        },
                    )
                    .await
            }
        "#,
    );
}

#[test]
fn helper_above_goes_below() {
    check(
        untraced::expand(
            true,
            Ours::SpanAttr,
            quote!("id" = id),
            &quote!(
                #[inline]
                #[traced_span("x")]
                #[span_event("y")]
                fn find(id: u32) {}
            ),
        ),
        r#"
            #[traced_span("x")]
            #[__handed_on::span_attr("id" = id)]
            #[inline]
            #[span_event("y")]
            fn find(id: u32) {}
        "#,
    );
}

#[test]
fn async_helper_over_the_result() {
    check(
        untraced::expand(
            true,
            Ours::SpanAttr,
            quote!("n" = |n| *n),
            &quote!(
                async fn look(id: u32) -> u32 {
                    query(id).await
                }
            ),
        ),
        r#"
            async fn look(id: u32) -> u32 {
                let __otel_result = async move {
                    if false {
                        return rt::unreached::<u32>();
                    }
                    {
                        query(id).await
                    }
                }
                    .await;
                if let Some(mut __otel_fields) = rt::Current::fields(
                    &rt::Current::get(),
                ) {
                    if let Some(__otel_result) = rt::value_of(
                            &__otel_result,
                        )
                        .__otel_value()
                    {
                        rt::Fields::set_result(
                            &mut __otel_fields,
                            "n",
                            __otel_result,
                            { |n| *n },
                        );
                    }
                }
                __otel_result
            }
        "#,
    );
}

#[test]
fn a_mistake_leaves_the_function_as_it_was() {
    check(
        traced_span::expand(
            true,
            quote!(kind = sever, nme = "x"),
            &quote!(
                #[span_attr]
                fn find(#[span_attr] id: u32) -> u32 {
                    id
                }
            ),
        ),
        r#"
            ::core::compile_error! {
                "no option `nme` in `#[traced_span]`; use `name`, `kind`, `parent`, `root`, `links`, `err`, `err_if`, `scope`, `leaf` or `crate`; did you mean `name`?"
            }
            ::core::compile_error! {
                "on a function `#[span_attr]` needs a key and a value: `#[span_attr(\"room.id\" = room_id)]`; alone it stands on a parameter or a `let`"
            }
            ::core::compile_error! {
                "no span kind `sever`; use `internal`, `server`, `client`, `producer` or `consumer`; did you mean `server`?"
            }
            fn find(id: u32) -> u32 {
                #[span_attr(__mention)]
                const _: () = ();
                id
            }
        "#,
    );
}

#[test]
fn without_recording_the_code_stays_as_it_was() {
    check(
        traced_span::expand(
            false,
            quote!("sum", kind = client),
            &quote! {
                #[inline]
                #[span_attr("rows" = rows.len())]
                fn sum(rows: &[u32]) -> u32 {
                    #[traced_span("add")]
                    {
                        add(rows);
                    }
                    #[span_event("done")]
                    total
                }
            },
        ),
        r"
            #[inline]
            fn sum(rows: &[u32]) -> u32 {
                #[span_attr(__mention)]
                const _: () = ();
                #[span_event(__mention)]
                const _: () = ();
                #[traced_span(__mention)]
                const _: () = ();
                if false {
                    let _ = &(rows.len());
                }
                {
                    {
                        add(rows);
                    }
                    total
                }
            }
        ",
    );
}

#[test]
fn a_parameter_keeps_the_attributes_of_other_macros() {
    let function = quote!(
        #[other]
        fn find(
            #[case]
            #[allow(unused)]
            name: String,
        ) -> Option<u32> {
            None
        }
    );
    let expansion = traced_span::expand(true, quote!(), &function).to_string();
    assert_eq!(expansion.matches("# [case]").count(), 1, "{expansion}");
    assert_eq!(
        expansion.matches("# [allow (unused)]").count(),
        2,
        "{expansion}"
    );
}
