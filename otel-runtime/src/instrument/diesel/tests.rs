use std::fmt;

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};

use super::*;

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
const LOOKUP: Query = Query("SELECT \"pg_type\".\"oid\" FROM \"pg_type\" WHERE \"typname\" = $1");

fn open(spans: &QuerySpans) -> Vec<&str> {
    spans.queries.iter().map(|open| open.sql.as_str()).collect()
}

#[test]
fn types_are_looked_up_within_the_query_that_needs_them() {
    let mut spans = QuerySpans::for_url("postgres://db/rooms");
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
fn other_databases_look_nothing_up() {
    let mut spans = QuerySpans::for_url("rooms.db");
    spans.start_query(&QUERY);
    spans.start_query(&LOOKUP);
    assert_eq!(open(&spans), [LOOKUP.0]);
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
    let current = Context::new().with_remote_span_context(unsampled).attach();
    spans.start_query(&Unprinted);
    assert!(open(&spans).is_empty(), "an end that was not announced");
    spans.finish_query(&Unprinted, None);
    drop(current);
    spans.start_query(&QUERY);
    assert_eq!(open(&spans), [QUERY.0]);
}
