#![deny(warnings)]
#![allow(unused_macros)]

macro_rules! hostile {
    ($dollar:tt $($name:ident)*) => {
        $(
            macro_rules! $name {
                ($dollar($dollar any:tt)*) => {
                    crate::hostile()
                };
            }
        )*
    };
}

hostile!($ module_path file line column env option_env concat stringify format vec panic matches debug_assert
    unreachable todo write thread_local cfg compile_error include_str addr_of pin ready try_from);

use futures_util::FutureExt as _;
use otel_runtime::{attr, event, span, span_attr, span_event, traced_span};

#[traced_span("hostile", kind = client, err = debug)]
#[span_attr("n" = n, shown = %n, debugged = ?n, "twice" = |twice| *twice)]
#[span_event("seen", "n" = n)]
fn sync(n: u32) -> Result<u32, String> {
    attr!("n" = n);
    event!("event");
    Ok(span!("span", { n * 2 }))
}

#[traced_span]
async fn later(n: u32) -> u32 {
    #[traced_span("wait")]
    std::future::ready(()).await;
    n
}

#[traced_span]
impl Room {
    fn beds(&self) -> Option<u32> {
        Some(self.0)
    }
}

struct Room(u32);

fn main() {
    assert_eq!(sync(2), Ok(4));
    assert_eq!(later(1).now_or_never(), Some(1));
    assert_eq!(Room(1).beds(), Some(1));
}
