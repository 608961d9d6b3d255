//! How an `Err` is recorded.

use std::any::type_name;

use otel_runtime::traced_span;

use super::{block_on, pause, record};

#[derive(Debug)]
struct OnlyDebug;

struct Silent;

type Alias<T> = Result<T, OnlyDebug>;

#[traced_span]
fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    let number = text.parse()?;
    Ok(number)
}

#[traced_span]
fn debugged() -> Alias<()> {
    Err(OnlyDebug)
}

#[traced_span]
fn silent() -> Result<(), Silent> {
    Err(Silent)
}

#[traced_span(err = |_| "described")]
async fn described() -> Alias<()> {
    pause().await;
    Err(OnlyDebug)
}

#[traced_span(err = off)]
fn off() -> Alias<()> {
    Err(OnlyDebug)
}

#[test]
fn ok_leaves_the_status_unset() {
    let recorded = record();
    assert_eq!(parse("1"), Ok(1));
    recorded.check_attributes(&["INTERNAL parse"]);
}

#[test]
fn err_is_recorded_by_display() {
    let recorded = record();
    assert!(parse("x").is_err());
    recorded.check_attributes(&[
        "INTERNAL parse ERROR: invalid digit found in string",
        "    · error.type = \"core::num::error::ParseIntError\"",
        "    * exception",
        "      · exception.message = \"invalid digit found in string\"",
        "      · exception.type = \"core::num::error::ParseIntError\"",
    ]);
}

#[test]
fn err_without_display_is_recorded_by_what_it_has() {
    let recorded = record();
    assert!(debugged().is_err());
    assert!(silent().is_err());
    assert!(block_on(described()).is_err());
    assert!(off().is_err());
    recorded.check(&[
        "INTERNAL debugged ERROR: OnlyDebug",
        &format!("INTERNAL silent ERROR: {}", type_name::<Silent>()),
        "INTERNAL described ERROR: described",
        "INTERNAL off",
    ]);
}

#[traced_span(err_if = |error| error == "bad")]
fn sometimes_bad(text: &str) -> Result<(), String> {
    Err(text.to_owned())
}

#[test]
fn only_errors_that_count_are_recorded() {
    let recorded = record();
    assert!(sometimes_bad("good").is_err());
    assert!(sometimes_bad("bad").is_err());
    recorded.check(&[
        "INTERNAL sometimes_bad",
        "INTERNAL sometimes_bad ERROR: bad",
    ]);
}

#[test]
fn an_error_may_start_a_span_while_it_is_described() {
    struct Traced;
    impl std::fmt::Display for Traced {
        #[traced_span("display")]
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("traced")
        }
    }
    #[traced_span]
    fn fails() -> Result<(), Traced> {
        Err(Traced)
    }
    let recorded = record();
    assert!(fails().is_err());
    recorded.check(&["INTERNAL fails ERROR: traced", "  INTERNAL display"]);
}

/// What each of several ways to say "this failed with that" records.
#[test]
fn errors_of_each_type() {
    #[traced_span]
    fn text() -> Result<(), &'static str> {
        Err("text")
    }
    #[traced_span]
    async fn aliased() -> std::io::Result<()> {
        pause().await;
        Err(std::io::Error::other("aliased"))
    }
    #[traced_span]
    fn converted() -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
        Ok("x".parse::<u32>()?)
    }
    #[traced_span]
    fn borrowed<'a>(error: &'a String, value: &'a mut u32) -> Result<&'a mut u32, &'a String> {
        if error.is_empty() {
            Ok(value)
        } else {
            Err(error)
        }
    }
    #[traced_span]
    fn unit() -> Result<(), ()> {
        Err(())
    }
    #[traced_span]
    async fn generic<E: std::error::Error>(error: E) -> Result<(), E> {
        std::future::ready(()).await;
        Err(error)
    }
    let recorded = record();
    assert!(text().is_err());
    assert!(block_on(aliased()).is_err());
    assert!(converted().is_err());
    assert!(borrowed(&"borrowed".to_owned(), &mut 1).is_err());
    assert!(unit().is_err());
    assert!(block_on(generic(std::fmt::Error)).is_err());
    let types: Vec<_> = recorded
        .spans()
        .finished()
        .iter()
        .map(|span| span.attribute("error.type").map(ToString::to_string))
        .collect();
    let expected = [
        type_name::<&str>(),
        type_name::<std::io::Error>(),
        type_name::<Box<dyn std::error::Error + Send + Sync>>(),
        type_name::<&String>(),
        type_name::<()>(),
        type_name::<std::fmt::Error>(),
    ];
    assert_eq!(types, expected.map(|name| Some(name.to_owned())));
    recorded.check(&[
        "INTERNAL text ERROR: text",
        "INTERNAL aliased ERROR: aliased",
        "INTERNAL converted ERROR: invalid digit found in string",
        "INTERNAL borrowed ERROR: borrowed",
        "INTERNAL unit ERROR: ()",
        "INTERNAL generic ERROR: an error occurred when formatting an argument",
    ]);
}

#[test]
fn options_for_errors_of_async_functions() {
    #[traced_span(err = off)]
    async fn off_later() -> Alias<()> {
        pause().await;
        Err(OnlyDebug)
    }
    #[traced_span(err = debug)]
    async fn debugged_later() -> Result<(), String> {
        std::future::ready(()).await;
        Err("text".to_owned())
    }
    #[traced_span(err_if = |error| *error > 400)]
    async fn counted(code: u32) -> Result<(), u32> {
        pause().await;
        Err(code)
    }
    let recorded = record();
    assert!(block_on(off_later()).is_err());
    assert!(block_on(debugged_later()).is_err());
    assert!(block_on(counted(404)).is_err());
    assert!(block_on(counted(304)).is_err());
    recorded.check(&[
        "INTERNAL off_later",
        "INTERNAL debugged_later ERROR: \"text\"",
        "INTERNAL counted ERROR: 404",
        "INTERNAL counted",
    ]);
}

#[test]
fn options_for_errors_of_a_block_are_for_functions_that_say_result() {
    struct Rooms(u32);

    #[traced_span(kind = client, err = debug, err_if = |error| *error != "fine")]
    impl Rooms {
        fn new() -> Rooms {
            Rooms(1)
        }
        fn count(&self) -> u32 {
            self.0
        }
        fn find(told: &'static str) -> Result<(), &'static str> {
            Err(told)
        }
        async fn later() -> core::result::Result<(), &'static str> {
            pause().await;
            Err("later")
        }
        fn handed_out() -> impl Future<Output = Result<(), &'static str>> {
            std::future::ready(Err("handed out"))
        }
        /// As without an option: who returns it says nothing of a `Result`.
        fn behind() -> Alias<()> {
            Err(OnlyDebug)
        }
    }
    let recorded = record();
    assert_eq!(Rooms::new().count(), 1);
    assert!(Rooms::find("bad").is_err());
    assert!(Rooms::find("fine").is_err());
    assert!(block_on(Rooms::later()).is_err());
    assert!(block_on(Rooms::handed_out()).is_err());
    assert!(Rooms::behind().is_err());
    recorded.check(&[
        "CLIENT Rooms::new",
        "CLIENT Rooms::count",
        "CLIENT Rooms::find ERROR: \"bad\"",
        "CLIENT Rooms::find",
        "CLIENT Rooms::later ERROR: \"later\"",
        "CLIENT Rooms::handed_out ERROR: \"handed out\"",
        "CLIENT Rooms::behind ERROR: OnlyDebug",
    ]);
}

#[test]
fn errors_are_left_alone_in_a_whole_block() {
    #[traced_span(err = off)]
    mod quiet {
        use super::{Alias, OnlyDebug};

        pub(super) fn count() -> u32 {
            1
        }
        pub(super) fn behind() -> Alias<()> {
            Err(OnlyDebug)
        }
        pub(super) fn text() -> Result<u32, &'static str> {
            Err("text")
        }
    }
    let recorded = record();
    assert_eq!(quiet::count(), 1);
    assert!(quiet::behind().is_err());
    assert!(quiet::text().is_err());
    recorded.check(&[
        "INTERNAL quiet::count",
        "INTERNAL quiet::behind",
        "INTERNAL quiet::text",
    ]);
}

#[test]
fn an_async_error_without_display_is_recorded_by_what_it_has() {
    #[traced_span]
    async fn debugged_later() -> Alias<()> {
        pause().await;
        Err(OnlyDebug)
    }
    #[traced_span]
    async fn silent_later() -> Result<(), Silent> {
        pause().await;
        Err(Silent)
    }
    let recorded = record();
    assert!(block_on(debugged_later()).is_err());
    assert!(block_on(silent_later()).is_err());
    recorded.check(&[
        "INTERNAL debugged_later ERROR: OnlyDebug",
        &format!("INTERNAL silent_later ERROR: {}", type_name::<Silent>()),
    ]);
}
