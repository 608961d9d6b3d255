#![deny(warnings)]

use futures_util::FutureExt as _;
use otel_runtime::{attr, event, span, traced_span};

struct Room {
    beds: u32,
}

impl Room {
    fn new(beds: u32) -> Self {
        event!("made", "beds" = beds,);
        Self { beds: span!("check", { beds.min(4) }) }
    }
}

fn as_an_argument(rows: &[u32]) -> u32 {
    u32::max(span!("first", { rows.first().copied().unwrap_or(0) }), span!("last", leaf, { *rows.last().unwrap_or(&0) })) + 1
}

fn control_flow(rows: &[Option<u32>]) -> Option<u32> {
    let mut sum = 0;
    'outer: for row in rows {
        sum += span!("row", kind = internal, {
            attr!("row" = row, "shown" = ?row);
            match *row {
                Some(0) => continue,
                Some(9) => break 'outer,
                Some(8) => return Some(8),
                other => other?,
            }
        });
    }
    Some(sum)
}

async fn between_awaits(n: u32) -> u32 {
    let more = span!("before", { n + 1 });
    std::future::ready(()).await;
    attr!("more" = more);
    span!("after", root, { more + 1 })
}

#[traced_span]
fn in_a_traced_function(n: u32) -> impl Fn(u32) -> u32 {
    move |m| span!("called", scope = "rooms", { n + m })
}

fn main() {
    assert_eq!(Room::new(7).beds, 4);
    assert_eq!(as_an_argument(&[1, 2]), 3);
    assert_eq!(control_flow(&[Some(1), Some(0), Some(9), Some(1)]), Some(1));
    assert_eq!((control_flow(&[Some(8)]), control_flow(&[None])), (Some(8), None));
    assert_eq!(between_awaits(1).now_or_never(), Some(3));
    assert_eq!(in_a_traced_function(1)(2), 3);
    if let 1 = span!("condition", { 1 }) { event!("one") } else { attr!("other" = 1) }
}
