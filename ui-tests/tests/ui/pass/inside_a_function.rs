#![deny(warnings)]

use otel_runtime::{span_attr, span_event, traced_span};

#[traced_span]
fn load(texts: &[&str]) -> Result<usize, std::num::ParseIntError> {
    #[span_attr]
    let rows = texts.len();
    #[span_attr("rows.doubled")]
    #[span_event("rows.counted", "rows" = rows)]
    let doubled = rows * 2;
    let mut sum = 0;
    #[traced_span("rows.sum", kind = internal)]
    {
        for text in texts {
            if text.is_empty() {
                continue;
            }
            #[span_event("row", "text" = *text)]
            sum += text.parse::<usize>()?;
        }
    }
    let total = #[traced_span("rows.total")] { sum + doubled };
    #[traced_span("rows.again")]
    let again = total + 1;
    #[span_event("done")]
    println!("{again}");
    #[span_event("returned")]
    Ok(total)
}

fn main() {
    assert_eq!(load(&["1", "", "2"]).unwrap(), 9);
    assert!(load(&["x"]).is_err());
}
