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
