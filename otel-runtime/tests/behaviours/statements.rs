//! Spans, attributes and events inside a function.

use otel_runtime::{span_attr, span_event, traced_span};

use super::{block_on, leaf, pause, record};

#[traced_span]
fn load(texts: &[&str]) -> Result<u32, std::num::ParseIntError> {
    #[span_attr]
    let rows = texts.len();
    let mut sum = 0;
    #[traced_span("sum")]
    {
        for text in texts {
            if text.is_empty() {
                continue;
            }
            sum += text.parse::<u32>()?;
            #[span_event("row", "text" = *text)]
            leaf();
        }
    }
    let doubled = #[traced_span("double")]
    {
        sum * 2
    };
    #[span_event("done", "rows" = rows)]
    Ok(doubled)
}

#[test]
fn blocks_and_statements() {
    let recorded = record();
    assert_eq!(load(&["1", "", "2"]), Ok(6));
    recorded.check_attributes(&[
        "INTERNAL load",
        "    · rows = 3",
        "    * done",
        "      · rows = 3",
        "  INTERNAL sum",
        "      * row",
        "        · text = \"1\"",
        "      * row",
        "        · text = \"2\"",
        "    INTERNAL leaf",
        "    INTERNAL leaf",
        "  INTERNAL double",
    ]);
}

#[test]
fn a_question_mark_leaves_a_block_and_its_function() {
    let recorded = record();
    assert!(load(&["x"]).is_err());
    leaf();
    recorded.check(&[
        "INTERNAL load ERROR: invalid digit found in string",
        "  INTERNAL sum",
        "INTERNAL leaf",
    ]);
}

#[traced_span]
fn odd_statements(rows: u32) -> Vec<u32> {
    let mut sum = 0;
    #[traced_span("assert")]
    assert_eq!(sum, 0);
    #[traced_span("add")]
    sum += rows;
    #[cfg(any())]
    #[span_event("never")]
    no_such_function();
    #[span_event("last", "sum" = sum)]
    vec![sum]
}

#[test]
fn macros_and_assignments_are_statements_too() {
    let recorded = record();
    assert_eq!(odd_statements(2), [2]);
    recorded.check_attributes(&[
        "INTERNAL odd_statements",
        "    * last",
        "      · sum = 2",
        "  INTERNAL assert",
        "  INTERNAL add",
    ]);
}

#[traced_span]
async fn expressions_of_all_kinds(n: u32) -> u32 {
    let double = #[traced_span("closure")]
    |n: u32| {
        leaf();
        n * 2
    };
    let task = #[traced_span("async block")]
    async move {
        pause().await;
        leaf();
        n + 1
    };
    let unpolled = #[traced_span("unpolled")]
    async {};
    drop(unpolled);
    match n {
        #[traced_span("arm")]
        0 => {
            leaf();
            double(1)
        }
        _ => double(n) + double(1) + task.await,
    }
}

#[test]
fn closures_async_blocks_and_match_arms() {
    let recorded = record();
    assert_eq!(block_on(expressions_of_all_kinds(1)), 6);
    recorded.check(&[
        "INTERNAL expressions_of_all_kinds",
        "  INTERNAL closure",
        "    INTERNAL leaf",
        "  INTERNAL closure",
        "    INTERNAL leaf",
        "  INTERNAL async block",
        "    INTERNAL leaf",
    ]);
    recorded.spans().clear();
    assert_eq!(block_on(expressions_of_all_kinds(0)), 2);
    recorded.check(&[
        "INTERNAL expressions_of_all_kinds",
        "  INTERNAL arm",
        "    INTERNAL leaf",
        "    INTERNAL closure",
        "      INTERNAL leaf",
    ]);
}

#[test]
fn code_that_no_attribute_reaches() {
    fn search(rooms: &[u32], id: u32) -> Option<usize> {
        let at = otel_runtime::span!("search", kind = client, {
            otel_runtime::attr!("rooms" = rooms.len(), id = id);
            rooms.iter().position(|room| *room == id)?
        });
        otel_runtime::event!("found", "at" = at);
        Some(at)
    }
    let recorded = record();
    otel_runtime::span!("around", { assert_eq!(search(&[7], 7), Some(0)) });
    assert_eq!(search(&[7], 8), None);
    recorded.check_attributes(&[
        "INTERNAL around",
        "    * found",
        "      · at = 0",
        "  CLIENT search",
        "      · id = 7",
        "      · rooms = 1",
        "CLIENT search",
        "    · id = 8",
        "    · rooms = 1",
    ]);
}
