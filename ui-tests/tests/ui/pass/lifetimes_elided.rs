#![deny(warnings)]

use std::cell::{Ref, RefCell, RefMut};
use std::collections::hash_map::{Entry, HashMap};
use std::slice::Iter;

use futures_util::FutureExt as _;
use otel_runtime::traced_span;

struct Rooms {
    names: RefCell<Vec<String>>,
    beds: HashMap<u32, u32>,
}

impl Rooms {
    #[traced_span]
    fn names(&self) -> Ref<'_, [String]> {
        Ref::map(self.names.borrow(), Vec::as_slice)
    }

    #[traced_span]
    fn change(&self, _reason: &str) -> Result<RefMut<'_, Vec<String>>, std::cell::BorrowMutError> {
        self.names.try_borrow_mut()
    }

    #[traced_span]
    fn beds(&mut self, room: u32) -> Option<Entry<'_, u32, u32>> {
        Some(self.beds.entry(room))
    }

    #[traced_span]
    async fn later(&mut self, room: &u32, _other: &str) -> Option<&mut u32> {
        std::future::ready(()).await;
        self.beds.get_mut(room)
    }
}

#[traced_span]
fn iterated(numbers: &[u32]) -> Iter<'_, u32> {
    numbers.iter()
}

fn main() {
    let mut rooms = Rooms { names: RefCell::default(), beds: HashMap::new() };
    rooms.change("new").unwrap().push("a".to_owned());
    assert_eq!(*rooms.names(), ["a".to_owned()]);
    rooms.beds(1).unwrap().or_insert(2);
    assert_eq!(rooms.later(&1, "").now_or_never(), Some(Some(&mut 2)));
    assert_eq!(iterated(&[1, 2]).sum::<u32>(), 3);
}
