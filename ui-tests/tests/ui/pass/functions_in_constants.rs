#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

trait Named {
    fn name(&self) -> String;
}

struct Room;

const _: () = {
    impl Named for Room {
        #[traced_span]
        fn name(&self) -> String {
            helper("room")
        }
    }

    #[traced_span]
    #[span_attr("text" = text)]
    fn helper(text: &str) -> String {
        text.to_uppercase()
    }
};

const ADD: fn(u32) -> Option<u32> = {
    #[traced_span]
    fn add(n: u32) -> Option<u32> {
        n.checked_add(1)
    }
    add
};

type Measure = fn(&str) -> Result<usize, String>;

static TABLE: [Measure; 2] = {
    #[traced_span]
    fn length(text: &str) -> Result<usize, String> {
        Ok(text.len())
    }
    [length, |text| {
        #[traced_span]
        fn lines(text: &str) -> Result<usize, String> {
            Ok(text.lines().count())
        }
        lines(text)
    }]
};

fn in_a_const_block() -> u32 {
    let function = const {
        #[traced_span]
        fn two() -> u32 {
            2
        }
        two as fn() -> u32
    };
    function()
}

fn main() {
    assert_eq!(Room.name(), "ROOM");
    assert_eq!(ADD(1), Some(2));
    assert_eq!(TABLE.map(|function| function("ab\nc")), [Ok(4), Ok(2)]);
    assert_eq!(in_a_const_block(), 2);
}
