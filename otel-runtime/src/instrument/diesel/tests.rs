use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use diesel::{ExpressionMethods as _, QueryDsl as _, QueryResult};
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};

use super::*;
use crate::engine;

/// A query as diesel prints it.
struct Query(&'static str);

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("sql", &self.0)
            .field("binds", &[0; 0])
            .finish()
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -- binds: []", self.0)
    }
}

impl DebugQuery for Query {}

const QUERY: Query = Query("INSERT INTO \"rooms\" (\"kind\") VALUES ($1)");
const LOOKUP: Query = Query(
    "SELECT \"pg_type\".\"oid\", \"pg_type\".\"typarray\" FROM \"pg_type\" WHERE (\"pg_type\".\"oid\" = quote_ident($1)::regtype::oid)",
);

fn open(spans: &QuerySpans) -> Vec<&str> {
    spans.queries.texts().collect()
}

#[test]
fn types_are_looked_up_within_the_query_that_needs_them() {
    // libpq takes what is missing from the environment, up to all of it.
    for spans in [
        QuerySpans::for_url("postgres://db/rooms"),
        QuerySpans::for_url(""),
        QuerySpans::new(),
    ] {
        let mut spans = spans;
        spans.start_query(&QUERY);
        for _ in 0..2 {
            spans.start_query(&LOOKUP);
            assert_eq!(open(&spans), [QUERY.0, LOOKUP.0]);
            spans.finish_query(&LOOKUP, None);
            assert_eq!(open(&spans), [QUERY.0]);
        }
        spans.finish_query(&QUERY, None);
        assert!(open(&spans).is_empty());
    }
}

#[test]
fn ends_that_are_missing_or_too_many_do_no_harm() {
    let mut spans = QuerySpans::for_url("postgres://db/rooms");
    spans.finish_query(&QUERY, None);
    spans.start_query(&QUERY);
    spans.start_query(&LOOKUP);
    spans.finish_query(&QUERY, None);
    assert!(
        open(&spans).is_empty(),
        "the lookup ended with the query around it"
    );
    spans.start_query(&QUERY);
    spans.start_query(&QUERY);
    assert_eq!(open(&spans), [QUERY.0], "one after the other");
    spans.start_query(&LOOKUP);
    spans.finish_query(&Query("SELECT 2"), None);
    assert_eq!(
        open(&spans),
        [QUERY.0, LOOKUP.0],
        "the end of something unknown"
    );
}

#[test]
fn what_asks_the_catalogue_otherwise_is_a_query_like_any_other() {
    let mut spans = QuerySpans::for_url("postgres://db/rooms");
    for other in [
        "SELECT `pg_type`.`oid`, `pg_type`.`typarray` FROM `pg_type`",
        "SELECT \"pg_type\".\"typname\" FROM \"pg_type\"",
    ] {
        spans.start_query(&QUERY);
        spans.start_query(&Query(other));
        assert_eq!(open(&spans), [other]);
    }
}

#[test]
fn nothing_of_the_user_is_kept() {
    let spans = QuerySpans::for_url("postgres://alice:secret@db/rooms");
    let kept = format!("{spans:?}");
    assert!(kept.contains("rooms"));
    assert!(
        !kept.contains("alice") && !kept.contains("secret"),
        "{kept}"
    );
}

/// A query that must not be printed.
struct Unprinted;

impl fmt::Debug for Unprinted {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("printed")
    }
}

impl fmt::Display for Unprinted {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("printed")
    }
}

impl DebugQuery for Unprinted {}

#[test]
fn a_query_is_not_printed_where_it_is_known_that_nothing_is_recorded() {
    engine::follow_parents(true);
    let mut spans = QuerySpans::for_url("postgres://db/rooms");
    spans.start_query(&QUERY);
    let unsampled = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::NOT_SAMPLED,
        true,
        TraceState::NONE,
    );
    let mut contexts = vec![Context::new().with_telemetry_suppressed()];
    if !cfg!(feature = "metrics") {
        contexts.push(Context::new().with_remote_span_context(unsampled));
    }
    for context in contexts {
        let current = context.attach();
        spans.start_query(&Unprinted);
        assert!(open(&spans).is_empty(), "an end that was not announced");
        spans.finish_query(&Unprinted, None);
        drop(current);
        spans.start_query(&QUERY);
        assert_eq!(open(&spans), [QUERY.0]);
    }
}

diesel::table! {
    rooms (id) {
        id -> Integer,
    }
}

/// Runs a query, as far as its span goes; the answer is its SQL, and how many texts were looked at.
fn run<Q: QueryFragment<Sqlite>>(spans: &mut QuerySpans, query: &Q) -> (String, usize) {
    let query = diesel::debug_query::<Sqlite, _>(query);
    spans.start_query(&query);
    let sql = open(spans).concat();
    spans.finish_query(&query, None);
    (sql, spans.statements.forget_texts())
}

#[test]
fn a_traced_query_is_printed_once() {
    let mut spans = QuerySpans::for_url("sqlite://rooms.db");
    let sql = "SELECT `rooms`.`id` FROM `rooms` WHERE (`rooms`.`id` = ?)";
    for (id, texts) in [(1, 1), (2, 0), (3, 0)] {
        let query = rooms::table.filter(rooms::id.eq(id)).traced();
        assert_eq!(run(&mut spans, &query), (sql.to_owned(), texts));
    }
    // Without it, always.
    for _ in 0..2 {
        let query = rooms::table.filter(rooms::id.eq(1));
        assert_eq!(run(&mut spans, &query), (sql.to_owned(), 1));
    }
}

#[test]
fn a_traced_query_whose_type_does_not_tell_its_text_is_always_printed() {
    let mut spans = QuerySpans::for_url("sqlite://rooms.db");
    for ids in [vec![1], vec![1, 2], vec![1, 2, 3]] {
        let marks = vec!["?"; ids.len()].join(", ");
        let query = rooms::table.filter(rooms::id.eq_any(ids)).traced();
        let sql = format!("SELECT `rooms`.`id` FROM `rooms` WHERE (`rooms`.`id` IN ({marks}))");
        assert_eq!(run(&mut spans, &query), (sql, 1));
    }
    for query in ["SELECT 1 AS one", "SELECT 2 AS two"] {
        assert_eq!(
            run(&mut spans, &diesel::sql_query(query).traced()),
            (query.to_owned(), 1)
        );
    }
}

/// A part of a query that cannot be printed.
struct Panicking;

impl QueryId for Panicking {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend> QueryFragment<DB> for Panicking {
    fn walk_ast<'b>(&'b self, _: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        panic!("on purpose");
    }
}

#[test]
fn after_a_query_that_panics_others_are_run_as_they_are() {
    let mut spans = QuerySpans::for_url("sqlite://rooms.db");
    let panics = diesel::debug_query::<Sqlite, _>(&Panicking);
    let started = catch_unwind(AssertUnwindSafe(|| spans.start_query(&panics)));
    assert!(started.is_err());
    // As it is when it runs: not to be asked what it is.
    let query = rooms::table.filter(rooms::id.eq(1)).traced();
    let printed = diesel::debug_query::<Sqlite, _>(&query).to_string();
    assert!(printed.starts_with("SELECT"), "{printed}");
}
