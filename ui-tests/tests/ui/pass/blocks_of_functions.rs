#![deny(warnings)]

use otel_runtime::{span_attr, traced_span};

struct Rooms<T> {
    rooms: Vec<T>,
}

#[traced_span(kind = client)]
impl<T: Clone> Rooms<T> {
    const LIMIT: usize = 3;

    const fn limit() -> usize {
        Self::LIMIT
    }

    fn new() -> Self {
        Self { rooms: Vec::new() }
    }

    #[span_attr("count" = self.rooms.len())]
    fn add(&mut self, room: T) -> Result<&mut T, String> {
        self.rooms.push(room);
        self.rooms.last_mut().ok_or_else(|| "empty".to_owned())
    }

    #[traced_span(skip)]
    fn hot(&self) -> usize {
        self.rooms.len()
    }

    #[traced_span("rooms.first")]
    fn first(&self) -> Option<T> {
        self.rooms.first().cloned()
    }

    #[traced_span(leaf)]
    fn last(&self) -> Option<&T> {
        self.rooms.last()
    }

    async fn later(self) -> Vec<T> {
        ::core::future::ready(()).await;
        self.rooms
    }
}

#[traced_span]
trait Named {
    fn name(&self) -> String;

    fn shout(&self) -> String {
        self.name().to_uppercase()
    }
}

#[traced_span]
impl Named for Rooms<u32> {
    fn name(&self) -> String {
        format!("{} rooms", self.rooms.len())
    }
}

#[traced_span]
mod inner {
    use otel_runtime::traced_span;

    pub fn outer() -> u32 {
        deeper::value() + Value(1).get() + u32::from(Value(1).skipped())
    }

    mod deeper {
        pub fn value() -> u32 {
            1
        }
    }

    pub struct Value(pub u32);

    impl Value {
        pub fn get(&self) -> u32 {
            self.0
        }
    }

    #[traced_span(skip)]
    impl Value {
        pub fn skipped(&self) -> bool {
            self.0 > 0
        }
    }
}

fn main() {
    let mut rooms = Rooms::new();
    assert_eq!(rooms.add(1_u32).copied(), Ok(1));
    assert_eq!(rooms.hot() + Rooms::<u32>::limit(), 4);
    assert_eq!((rooms.first(), rooms.last()), (Some(1), Some(&1)));
    assert_eq!(rooms.shout(), "1 ROOMS");
    assert_eq!(inner::outer(), 3);
    drop(rooms.later());
}
