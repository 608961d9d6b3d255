//! Sites can be listed, and switched off and on while the program runs.

use std::cell::Cell;

use otel_runtime::testing::Spans;
use otel_runtime::{SpanRules, set_span_rules, sites, span_attr, traced_span};

thread_local! {
    static EVALUATIONS: Cell<u32> = const { Cell::new(0) };
}

fn evaluated() -> u32 {
    EVALUATIONS.set(EVALUATIONS.get() + 1);
    EVALUATIONS.get()
}

mod db {
    use super::*;

    #[traced_span("db.load")]
    #[span_attr("n" = evaluated())]
    pub(super) fn load() {
        #[traced_span("db.parse")]
        {
            EVALUATIONS.get();
        }
    }
}

#[traced_span("booking.create")]
fn create() {
    db::load();
}

fn rules(text: &str) {
    set_span_rules(text.parse().expect("rules"));
}

/// One test, since the rules are the process's.
#[test]
fn sites_are_listed_and_switched() {
    let spans = Spans::install();
    let recorded = || {
        create();
        let tree = spans.tree();
        spans.clear();
        tree
    };
    let all = "INTERNAL booking.create\n  INTERNAL db.load\n    INTERNAL db.parse";
    assert_eq!(recorded(), all);
    let listed: Vec<_> = sites()
        .into_iter()
        .map(|site| (site.name, site.path, site.is_on))
        .collect();
    assert_eq!(
        listed,
        [
            ("booking.create", "sites::create".to_owned(), true),
            ("db.load", "sites::db::load".to_owned(), true),
            ("db.parse", "sites::db::load".to_owned(), true),
        ]
    );
    assert!(
        sites()
            .iter()
            .all(|site| site.file.ends_with("sites.rs") && site.line > 0)
    );

    EVALUATIONS.set(0);
    rules("db.load=off");
    assert_eq!(recorded(), "INTERNAL booking.create\n  INTERNAL db.parse");
    assert_eq!(EVALUATIONS.get(), 0);

    rules("*::db::*=off");
    assert_eq!(recorded(), "INTERNAL booking.create");
    assert_eq!(sites().iter().filter(|site| site.is_on).count(), 1);

    rules("*=off,db.*=on");
    assert_eq!(recorded(), "INTERNAL db.load\n  INTERNAL db.parse");

    set_span_rules(SpanRules::new());
    assert_eq!(recorded(), all);
}
