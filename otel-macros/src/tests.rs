//! Expansion snapshots, one for each shape of plan: tokens in, pretty tokens out.

use quote::quote;

use crate::helpers::Ours;
use crate::{traced_span, untraced};

/// Compares an expansion, formatted and with the runtime's path shortened, with what is expected.
#[track_caller]
fn check(expansion: proc_macro2::TokenStream, expected: &str) {
    let file: syn::File = syn::parse2(expansion).expect("the expansion is an item");
    let pretty = prettyplease::unparse(&file).replace("::otel_runtime::__private::", "rt::");
    let pretty = without_source(&pretty.replace("::core::option::Option::Some", "Some"));
    assert_eq!(pretty.trim(), dedent(expected), "\n{pretty}");
}

/// Leaves out what every site says of where it is.
fn without_source(pretty: &str) -> String {
    const SOURCE: &str = "rt::Source {";
    match pretty.split_once(SOURCE) {
        Some((before, rest)) => {
            let (_, after) = rest.split_once('}').expect("the braces are closed");
            format!("{before}{SOURCE} .. }}{}", without_source(after))
        }
        None => pretty.to_owned(),
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
fn unit_fn() {
    check(
        traced_span::expand(
            true,
            quote!(),
            &quote!(
                pub fn tidy(room: Room) {
                    room.tidy();
                }
            ),
        ),
        r#"
            pub fn tidy(room: Room) {
                let __start = {
                    static __OTEL_SITE: rt::Site = rt::Site::new(
                        "tidy",
                        rt::SpanKind::Internal,
                        rt::Source { .. },
                    );
                    rt::Start::new(&__OTEL_SITE)
                };
                let __span = __start.enter();
                {
                    room.tidy();
                }
            }
        "#,
    );
}

#[test]
fn result_fn() {
    check(
        traced_span::expand(
            true,
            quote!("room.find", kind = client),
            &quote!(
                fn find(&self, id: u32) -> Result<Room, Error> {
                    self.rooms.get(id)?
                }
            ),
        ),
        r#"
            fn find(&self, id: u32) -> Result<Room, Error> {
                let __start = {
                    static __OTEL_SITE: rt::Site = rt::Site::new(
                        "room.find",
                        rt::SpanKind::Client,
                        rt::Source { .. },
                    );
                    rt::Start::new(&__OTEL_SITE)
                };
                let __span = __start.enter();
                let __result = rt::call(move || -> Result<Room, Error> {
                    self.rooms.get(id)?
                });
                if __span.is_recording() {
                    __span
                        .fail({
                            #[allow(unused_imports)]
                            use rt::{
                                ByDebug as _, ByDisplay as _, ByTypeName as _, NoFailure as _,
                            };
                            (&&&&rt::Returned(&__result)).failure()
                        });
                }
                __result
            }
        "#,
    );
}

#[test]
fn async_fn() {
    check(
        traced_span::expand(
            true,
            quote!("room.find"),
            &quote!(
                async fn find(
                    (a, b): (u8, u8),
                    mut id: u32,
                ) -> Result<impl Iterator<Item = Room>, Error> {
                    id += 1;
                    rooms(id).await
                }
            ),
        ),
        r#"
            async fn find(
                (a, b): (u8, u8),
                mut id: u32,
            ) -> Result<impl Iterator<Item = Room>, Error> {
                let __start = {
                    static __OTEL_SITE: rt::Site = rt::Site::new(
                        "room.find",
                        rt::SpanKind::Internal,
                        rt::Source { .. },
                    );
                    rt::Start::new(&__OTEL_SITE)
                };
                let __span = __start.into_task();
                let __result = rt::InSpan::new(
                        &__span,
                        async move {
                            #[allow(
                                unreachable_code,
                                clippy::diverging_sub_expression,
                                clippy::needless_return
                            )]
                            if false {
                                let __result: Result<_, Error> = loop {};
                                return __result;
                            }
                            {
                                let _ = &b;
                                let _ = &a;
                                id += 1;
                                rooms(id).await
                            }
                        },
                    )
                    .await;
                if __span.is_recording() {
                    __span
                        .fail({
                            #[allow(unused_imports)]
                            use rt::{
                                ByDebug as _, ByDisplay as _, ByTypeName as _, NoFailure as _,
                            };
                            (&&&&rt::Returned(&__result)).failure()
                        });
                }
                __span.finish();
                __result
            }
        "#,
    );
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
                let __start = {
                    static __OTEL_SITE: rt::Site = rt::Site::new(
                        "serve",
                        rt::SpanKind::Internal,
                        rt::Source { .. },
                    );
                    rt::Start::new(&__OTEL_SITE)
                };
                let __span = __start.into_task();
                rt::InSpan::new(
                        &__span,
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
fn error_described_by_a_closure() {
    check(
        traced_span::expand(
            true,
            quote!(err = |e| e.code()),
            &quote!(
                fn find() -> io::Result<Room> {
                    open()?
                }
            ),
        ),
        r#"
            fn find() -> io::Result<Room> {
                let __start = {
                    static __OTEL_SITE: rt::Site = rt::Site::new(
                        "find",
                        rt::SpanKind::Internal,
                        rt::Source { .. },
                    );
                    rt::Start::new(&__OTEL_SITE)
                };
                let __span = __start.enter();
                let __result = rt::call(move || -> io::Result<Room> {
                    open()?
                });
                if __span.is_recording() {
                    __span.fail(rt::failure_by(&__result, |e| e.code()));
                }
                __result
            }
        "#,
    );
}

#[test]
fn error_by_debug() {
    check(
        traced_span::expand(
            true,
            quote!(err = debug),
            &quote!(
                fn find() -> io::Result<Room> {
                    open()?
                }
            ),
        ),
        r#"
            fn find() -> io::Result<Room> {
                let __start = {
                    static __OTEL_SITE: rt::Site = rt::Site::new(
                        "find",
                        rt::SpanKind::Internal,
                        rt::Source { .. },
                    );
                    rt::Start::new(&__OTEL_SITE)
                };
                let __span = __start.enter();
                let __result = rt::call(move || -> io::Result<Room> {
                    open()?
                });
                if __span.is_recording() {
                    __span.fail(rt::failure_by_debug(&__result));
                }
                __result
            }
        "#,
    );
}

#[test]
fn error_off() {
    check(
        traced_span::expand(
            true,
            quote!(err = off),
            &quote!(
                fn find() -> io::Result<Room> {
                    open()?
                }
            ),
        ),
        r#"
            fn find() -> io::Result<Room> {
                let __start = {
                    static __OTEL_SITE: rt::Site = rt::Site::new(
                        "find",
                        rt::SpanKind::Internal,
                        rt::Source { .. },
                    );
                    rt::Start::new(&__OTEL_SITE)
                };
                let __span = __start.enter();
                {
                    open()?
                }
            }
        "#,
    );
}

#[test]
fn computed_name_and_other_runtime() {
    check(
        traced_span::expand(
            true,
            quote!(name = NAMES[0], crate = app::otel),
            &quote!(
                fn find() {}
            ),
        ),
        r#"
            fn find() {
                let mut __start = {
                    static __OTEL_SITE: app::otel::__private::Site = app::otel::__private::Site::new(
                        "",
                        app::otel::__private::SpanKind::Internal,
                        app::otel::__private::Source {
                            package: ::core::env!("CARGO_PKG_NAME"),
                            version: ::core::env!("CARGO_PKG_VERSION"),
                            module: ::core::module_path!(),
                            function: "find",
                            file: ::core::file!(),
                            line: ::core::line!(),
                        },
                    );
                    app::otel::__private::Start::new(&__OTEL_SITE)
                };
                __start.name(|| NAMES[0]);
                let __span = __start.enter();
                { }
            }
        "#,
    );
}

#[test]
fn attributes_by_when_they_are_recorded() {
    check(
        traced_span::expand(
            true,
            quote!(),
            &quote! {
                #[doc = "Finds."]
                #[span_attr("id" = id, kind = "room", semconv::ROOM = %room.name, {key()} = ?room)]
                #[span_attr("found" = |ok| ok.len())]
                #[inline]
                fn find(id: u32, #[span_attr("guest")] who: &str, room: &Room) -> Vec<u8> { Vec::new() }
            },
        ),
        r#"
            ///Finds.
            #[inline]
            fn find(id: u32, who: &str, room: &Room) -> Vec<u8> {
                #[allow(unused_imports)]
                use span_attr as _;
                let mut __start = {
                    static __OTEL_SITE: rt::Site = rt::Site::new(
                        "find",
                        rt::SpanKind::Internal,
                        rt::Source { .. },
                    );
                    rt::Start::new(&__OTEL_SITE)
                };
                if let Some(mut __fields) = __start.fields() {
                    __fields.set("guest", &(who));
                    __fields.set("id", &(id));
                    __fields.set_static("kind", "room");
                }
                let __span = __start.enter();
                if let Some(mut __fields) = __span.fields() {
                    __fields.set_display((semconv::ROOM), &(room.name));
                    __fields.set_debug((key()), &(room));
                }
                let __result = rt::call(move || -> Vec<u8> {
                    Vec::new()
                });
                if __span.is_recording() {
                    __span
                        .fail({
                            #[allow(unused_imports)]
                            use rt::{
                                ByDebug as _, ByDisplay as _, ByTypeName as _, NoFailure as _,
                            };
                            (&&&&rt::Returned(&__result)).failure()
                        });
                }
                if let Some(mut __fields) = __span.fields() {
                    {
                        #[allow(unused_imports)]
                        use rt::{AnyValue as _, OkValue as _};
                        if let Some(__value) = (&&rt::Returned(
                            &__result,
                        ))
                            .value()
                        {
                            __fields.set_result("found", __value, |ok| ok.len());
                        }
                    }
                }
                __result
            }
        "#,
    );
}

#[test]
fn events_by_when_they_are_recorded() {
    check(
        traced_span::expand(
            true,
            quote!(),
            &quote! {
                #[otel_runtime::span_event("asked", "id" = id)]
                #[otel_runtime::span_event("bare")]
                #[otel_runtime::span_event("answered", "n" = |n| *n)]
                fn find(id: u32) -> usize { 1 }
            },
        ),
        r#"
            fn find(id: u32) -> usize {
                #[allow(unused_imports)]
                use otel_runtime::span_event as _;
                let __start = {
                    static __OTEL_SITE: rt::Site = rt::Site::new(
                        "find",
                        rt::SpanKind::Internal,
                        rt::Source { .. },
                    );
                    rt::Start::new(&__OTEL_SITE)
                };
                let __span = __start.enter();
                if let Some(mut __fields) = __span.event(|| "asked") {
                    __fields.set("id", &(id));
                }
                ::core::mem::drop(__span.event(|| "bare"));
                let __result = rt::call(move || -> usize {
                    1
                });
                if let Some(mut __fields) = __span.event(|| "answered") {
                    {
                        #[allow(unused_imports)]
                        use rt::{AnyValue as _, OkValue as _};
                        if let Some(__value) = (&&rt::Returned(
                            &__result,
                        ))
                            .value()
                        {
                            __fields.set_result("n", __value, |n| *n);
                        }
                    }
                }
                __result
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
fn helper_without_traced_span() {
    check(
        untraced::expand(
            true,
            Ours::SpanEvent,
            quote!("received", "id" = id),
            &quote!(
                fn find(id: u32) -> u32 {
                    id
                }
            ),
        ),
        r#"
            fn find(id: u32) -> u32 {
                if let Some(mut __fields) = rt::Current::get()
                    .event(|| "received")
                {
                    __fields.set("id", &(id));
                }
                {
                    id
                }
            }
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
                async fn find(id: u32) -> u32 {
                    id
                }
            ),
        ),
        r#"
            async fn find(id: u32) -> u32 {
                let __result = async move {
                    #[allow(
                        unreachable_code,
                        clippy::diverging_sub_expression,
                        clippy::needless_return
                    )]
                    if false {
                        let __result: u32 = loop {};
                        return __result;
                    }
                    {
                        id
                    }
                }
                    .await;
                if let Some(mut __fields) = rt::Current::get()
                    .fields()
                {
                    {
                        #[allow(unused_imports)]
                        use rt::{AnyValue as _, OkValue as _};
                        if let Some(__value) = (&&rt::Returned(
                            &__result,
                        ))
                            .value()
                        {
                            __fields.set_result("n", __value, |n| *n);
                        }
                    }
                }
                __result
            }
        "#,
    );
}

#[test]
fn inside_a_body() {
    check(
        traced_span::expand(
            true,
            quote!(),
            &quote! {
                fn sum(rows: &[u32]) -> u32 {
                    #![allow(clippy::all)]
                    #[span_attr]
                    let rows = rows.len();
                    let total = #[traced_span("sum")] { add(rows) };
                    #[span_event("done", "total" = total)]
                    tell();
                    #[span_event("returned")]
                    total
                }
            },
        ),
        r#"
            fn sum(rows: &[u32]) -> u32 {
                #![allow(clippy::all)]
                #[allow(unused_imports)]
                use span_attr as _;
                #[allow(unused_imports)]
                use span_event as _;
                #[allow(unused_imports)]
                use traced_span as _;
                let __start = {
                    static __OTEL_SITE: rt::Site = rt::Site::new(
                        "sum",
                        rt::SpanKind::Internal,
                        rt::Source { .. },
                    );
                    rt::Start::new(&__OTEL_SITE)
                };
                let __span = __start.enter();
                {
                    let rows = rows.len();
                    if let Some(mut __fields) = rt::Current::get()
                        .fields()
                    {
                        __fields.set("rows", &(rows));
                    }
                    let total = {
                        let __start = {
                            static __OTEL_SITE: rt::Site = rt::Site::new(
                                "sum",
                                rt::SpanKind::Internal,
                                rt::Source { .. },
                            );
                            rt::Start::new(&__OTEL_SITE)
                        };
                        let __span = __start.enter();
                        {
                            add(rows)
                        }
                    };
                    tell();
                    if let Some(mut __fields) = rt::Current::get()
                        .event(|| "done")
                    {
                        __fields.set("total", &(total));
                    }
                    rt::then(
                        total,
                        {
                            ::core::mem::drop(
                                rt::Current::get().event(|| "returned"),
                            );
                        },
                    )
                }
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
                #[allow(unused_imports)]
                use span_attr as _;
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
                #[span_attr("rows" = rows.len(), "sum" = |sum| *sum)]
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
                #[allow(unused_imports)]
                use span_attr as _;
                #[allow(unused_imports)]
                use span_event as _;
                #[allow(unused_imports)]
                use traced_span as _;
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
