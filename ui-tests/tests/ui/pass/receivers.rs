#![deny(warnings)]

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use otel_runtime::{span_attr, traced_span};

#[derive(Debug, PartialEq)]
struct Room(u32);

impl Room {
    #[traced_span]
    fn by_value(self) -> Result<Self, String> {
        Ok(self)
    }

    #[traced_span]
    fn changed(mut self) -> Self {
        self.0 += 1;
        self
    }

    #[traced_span]
    #[span_attr("room" = self.0)]
    fn arc(self: Arc<Self>) -> Option<Arc<Self>> {
        Some(self)
    }

    #[traced_span]
    fn rc(self: &Rc<Self>) -> Result<Rc<Self>, String> {
        Ok(Self::clone_of(self))
    }

    #[traced_span]
    fn clone_of(this: &Rc<Self>) -> Rc<Self> {
        Rc::clone(this)
    }

    #[traced_span]
    fn boxed(mut self: Box<Self>) -> Option<Box<Self>> {
        self.0 += 1;
        Some(self)
    }

    #[traced_span]
    fn pinned(mut self: Pin<&mut Self>) -> Result<Pin<&mut Self>, String> {
        self.0 += 1;
        Ok(self)
    }

    #[traced_span]
    fn pinned_box(self: Pin<Box<Self>>) -> Option<Pin<Box<Self>>> {
        Some(self)
    }

    #[traced_span]
    #[expect(clippy::needless_arbitrary_self_type)]
    fn typed(self: &mut Self) -> Option<&mut u32> {
        Some(&mut self.0)
    }
}

fn main() {
    assert_eq!(Room(1).changed().by_value(), Ok(Room(2)));
    assert_eq!(Arc::new(Room(1)).arc().map(|it| it.0), Some(1));
    assert_eq!(Rc::new(Room(1)).rc(), Ok(Rc::new(Room(1))));
    assert_eq!(Box::new(Room(1)).boxed(), Some(Box::new(Room(2))));
    assert_eq!(Pin::new(&mut Room(1)).pinned().map(|it| it.0), Ok(2));
    assert_eq!(Box::pin(Room(1)).pinned_box().map(|it| it.0), Some(1));
    assert_eq!(Room(1).typed(), Some(&mut 1));
}
