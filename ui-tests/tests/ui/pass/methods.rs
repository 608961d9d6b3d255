#![deny(warnings)]

use std::sync::Arc;

use otel_runtime::traced_span;

struct Rooms {
    names: Vec<String>,
}

impl Rooms {
    #[traced_span]
    fn new() -> Self {
        Self { names: Vec::new() }
    }

    #[traced_span]
    fn add(&mut self, name: impl Into<String>) -> Result<&mut String, String> {
        self.names.push(name.into());
        Ok(self.names.last_mut().ok_or("empty")?)
    }

    #[traced_span]
    fn first(&self) -> Option<&str> {
        self.names.first().map(String::as_str)
    }

    #[traced_span]
    fn shared(self: Arc<Self>) -> Result<usize, ()> {
        Ok(self.names.len())
    }

    #[traced_span]
    fn into_names(mut self) -> Vec<String> {
        self.names.sort();
        self.names
    }

    #[traced_span]
    async fn count(&self) -> usize {
        std::future::ready(self.names.len()).await
    }
}

trait Named {
    fn name(&self) -> String;

    #[traced_span]
    fn shout(&self) -> String {
        self.name().to_uppercase()
    }
}

impl Named for Rooms {
    #[traced_span]
    fn name(&self) -> String {
        self.names.join(",")
    }
}

fn main() {
    let mut rooms = Rooms::new();
    rooms.add("a").unwrap().push('b');
    assert_eq!(rooms.first(), Some("ab"));
    assert_eq!(rooms.shout(), "AB");
    drop(rooms.count());
    let rooms = Arc::new(rooms);
    assert_eq!(Arc::clone(&rooms).shared(), Ok(1));
    let rooms = Arc::try_unwrap(rooms).ok().unwrap();
    assert_eq!(rooms.into_names(), ["ab"]);
}
