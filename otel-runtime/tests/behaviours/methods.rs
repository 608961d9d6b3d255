//! Methods, and blocks of functions.

use opentelemetry::Context;
use otel_runtime::{span_attr, span_event, traced_span};

use super::{block_on, leaf, pause, record};

#[async_trait::async_trait]
trait Rooms {
    async fn find(&self, id: &str) -> Result<u32, std::num::ParseIntError>;
}

struct Hotel;

#[async_trait::async_trait]
impl Rooms for Hotel {
    #[traced_span("rooms.find")]
    #[span_attr("id" = id)]
    async fn find(&self, id: &str) -> Result<u32, std::num::ParseIntError> {
        pause().await;
        leaf();
        Ok(id.parse()?)
    }
}

#[test]
fn methods_of_async_traits() {
    let recorded = record();
    drop(Hotel.find("1"));
    assert_eq!(block_on(Hotel.find("1")), Ok(1));
    assert!(block_on(Hotel.find("x")).is_err());
    recorded.check(&[
        "INTERNAL rooms.find",
        "  INTERNAL leaf",
        "INTERNAL rooms.find ERROR: invalid digit found in string",
        "  INTERNAL leaf",
    ]);
}

struct Inn;

/// The helpers stand alone: what they record goes to whoever awaits.
#[async_trait::async_trait]
impl Rooms for Inn {
    #[span_event("rooms.asked", "id" = id)]
    #[span_event("rooms.found", "beds" = |beds| *beds)]
    #[span_attr("beds" = |beds| *beds)]
    async fn find(&self, id: &str) -> Result<u32, std::num::ParseIntError> {
        pause().await;
        leaf();
        Ok(id.parse()?)
    }
}

#[traced_span]
async fn look(id: &str) -> Option<u32> {
    let found = Inn.find(id);
    leaf();
    found.await.ok()
}

#[test]
fn helpers_alone_on_methods_of_async_traits() {
    let recorded = record();
    assert_eq!(block_on(look("7")), Some(7));
    assert_eq!(block_on(look("x")), None);
    recorded.check_attributes(&[
        "INTERNAL look",
        "    · beds = 7",
        "    * rooms.asked",
        "      · id = \"7\"",
        "    * rooms.found",
        "      · beds = 7",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
        "INTERNAL look",
        "    * rooms.asked",
        "      · id = \"x\"",
        "  INTERNAL leaf",
        "  INTERNAL leaf",
    ]);
}

struct Counter;

#[expect(clippy::unused_self, reason = "it is there to be a method")]
#[traced_span(kind = client)]
impl Counter {
    fn count(&self) -> u32 {
        Self::twice(1)
    }

    fn twice(n: u32) -> u32 {
        self::inner::leaf();
        Self::hot(n)
    }

    #[traced_span(skip)]
    fn hot(n: u32) -> u32 {
        n * 2
    }

    #[traced_span("counter.renamed")]
    fn renamed() {}

    #[traced_span(kind = producer)]
    fn own_options() {}
}

#[traced_span]
mod inner {
    pub(super) fn leaf() {}
}

/// Implemented for types that have no name of their own.
trait Unnamed {
    fn unnamed(&self);
}

#[traced_span]
impl Unnamed for (u32, Vec<u32>) {
    fn unnamed(&self) {}
}

#[traced_span]
impl Unnamed for [u32; 2] {
    fn unnamed(&self) {}
}

#[traced_span]
impl Unnamed for [u32] {
    fn unnamed(&self) {}
}

#[test]
fn functions_of_a_block_are_named_after_it() {
    let recorded = record();
    (1, vec![2]).unnamed();
    [1; 2].unnamed();
    [1].as_slice().unnamed();
    assert_eq!(Counter.count(), 2);
    Counter::renamed();
    Counter::own_options();
    recorded.check(&[
        "INTERNAL (u32, Vec)::unnamed",
        "INTERNAL [u32; 2]::unnamed",
        "INTERNAL [u32]::unnamed",
        "CLIENT Counter::count",
        "  CLIENT Counter::twice",
        "    INTERNAL inner::leaf",
        "CLIENT counter.renamed",
        "PRODUCER Counter::own_options",
    ]);
}

fn count(error: &&str) -> bool {
    *error == "count"
}

struct Mixed;

#[traced_span(kind = client, parent = &Context::new(), err_if = count, scope = "mixed")]
impl Mixed {
    fn fails(error: &'static str) -> Result<(), &'static str> {
        Err(error)
    }

    #[traced_span("mixed.says", err = |error: &&str| format!("it says {error}"))]
    fn says(error: &'static str) -> Result<(), &'static str> {
        Err(error)
    }

    #[traced_span(err = off, kind = server, scope = "own")]
    fn is_silent() -> Result<(), &'static str> {
        Err("count")
    }

    #[traced_span("mixed.root", root)]
    fn root() {
        let _ = Self::fails("other");
    }
}

#[test]
fn what_a_function_says_itself_counts_before_its_block() {
    let recorded = record();
    let _ = Mixed::fails("count");
    let _ = Mixed::says("count");
    let _ = Mixed::says("other");
    let _ = Mixed::is_silent();
    Mixed::root();
    recorded.check(&[
        "CLIENT Mixed::fails ERROR: count",
        "CLIENT mixed.says ERROR: it says count",
        "CLIENT mixed.says",
        "SERVER Mixed::is_silent",
        "CLIENT mixed.root",
        "CLIENT Mixed::fails",
    ]);
    let scopes = recorded.spans().finished();
    let scopes = scopes.iter().map(|span| span.scope_name.as_str());
    assert_eq!(scopes.filter(|scope| *scope == "mixed").count(), 5);
}
