#![deny(warnings)]

use std::any::Any;

use otel_runtime::{span_attr, traced_span};

trait Named {
    #[traced_span]
    fn name(&self) -> &str {
        "unnamed"
    }
}

#[traced_span]
trait Room: Named + Any {
    fn beds(&self) -> u32;

    #[span_attr("room" = self.name())]
    fn title(&self) -> String {
        format!("{} with {}", self.name(), self.beds())
    }

    fn boxed(self: Box<Self>) -> Box<dyn Any>;
}

struct Single;
struct Suite(String);

impl Named for Single {}

impl Named for Suite {
    #[traced_span]
    fn name(&self) -> &str {
        &self.0
    }
}

#[traced_span]
impl Room for Single {
    fn beds(&self) -> u32 {
        1
    }

    fn boxed(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[traced_span]
impl Room for Suite {
    fn beds(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(0)
    }

    fn boxed(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[traced_span]
impl dyn Room {
    fn is_large(&self) -> bool {
        self.beds() > 1
    }
}

#[traced_span]
fn upcast(room: &dyn Room) -> &dyn Named {
    room
}

fn main() {
    let rooms: [Box<dyn Room>; 2] = [Box::new(Single), Box::new(Suite("royal".to_owned()))];
    let titles = rooms.iter().map(|room| room.title()).collect::<Vec<_>>();
    assert_eq!(titles, ["unnamed with 1", "royal with 5"]);
    assert!(rooms[1].is_large());
    assert_eq!(upcast(&*rooms[0]).name(), "unnamed");
    assert_eq!(rooms.map(|room| room.boxed().is::<Single>()), [true, false]);
}
