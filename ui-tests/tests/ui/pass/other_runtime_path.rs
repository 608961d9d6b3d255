#![deny(warnings)]

mod app {
    pub mod telemetry {
        pub use ::otel_runtime::*;
    }
}

use app::telemetry::{span_attr, traced_span};

#[traced_span("renamed", crate = crate::app::telemetry)]
#[span_attr("n" = n)]
fn renamed(n: u32) -> Result<u32, String> {
    #[span_attr]
    let twice = n * 2;
    Ok(twice)
}

fn main() {
    assert_eq!(renamed(1), Ok(2));
}
