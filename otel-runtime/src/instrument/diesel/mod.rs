//! Client spans for diesel's queries and connects.
//!
//! ```
//! otel_runtime::instrument::diesel::install().expect("diesel takes its instrumentation");
//! ```
//!
//! From then on each query over a new connection makes a span like `INSERT bookings` under the current span, with the
//! SQL text but never a value that was bound to it or written into it. The check a connection pool makes before it hands
//! out a connection (`SELECT 1`) makes none.
//!
//! In double quotes SQLite has names, and takes them for strings where there is no such name. Where a value may follow (after an
//! operator, a word such as `LIKE`, in the brackets of `IN` and `VALUES`) they are hidden as such; elsewhere, as in lists of columns and
//! of arguments or to the left of an operator, they are not. Write strings in single quotes.
//!
//! A failed query is an error of its kind, such as `UniqueViolation`; on PostgreSQL with the code of the server
//! (`db.response.status_code`), where it follows from what diesel tells. What diesel does not tell its instrumentation
//! cannot show: with `SqliteConnection` that is the failure of a statement whose rows are loaded, also of `INSERT .. RETURNING`; with
//! every backend it is a row that does not fit its type. Such an error shows in the span around the call. Of a query that fails
//! before it is sent, as of a value that cannot be bound, diesel tells no end: its span lasts until the connection is used again or
//! closed, and is marked as [`CANCELLED`].
//!
//! With the feature `r2d2`, `TracedPool` shows the waits for a connection of a pool.

mod failure;
mod printed;
#[cfg(feature = "r2d2")]
mod r2d2;
mod server;
mod sql;
mod sqlstate;
mod statement;
mod summary;
mod traced;
mod values;

use std::borrow::Cow;

use diesel::{
    connection::{DebugQuery, Instrumentation, InstrumentationEvent, set_default_instrumentation},
    result::Error,
};
use opentelemetry::{
    Context, KeyValue,
    global::BoxedSpan,
    trace::{Span as _, SpanBuilder, SpanKind, Status, Tracer as _},
};
use opentelemetry_semantic_conventions::attribute::{DB_RESPONSE_STATUS_CODE, ERROR_TYPE};

#[cfg(feature = "r2d2")]
pub use self::r2d2::TracedPool;
pub use self::traced::{Traced, TracedQueryDsl};
use self::{
    failure::Failure,
    printed::Origin,
    server::Server,
    statement::{MAX_CACHED_LENGTH, Statement, Statements},
};
use super::scope::tracer;
use crate::{
    CANCELLED,
    engine::{
        control::is_none_wanted,
        recorder::{
            Live,
            sited::{self, Outlook},
        },
    },
};

/// What r2d2 sends to see whether a connection is still alive.
const POOL_CHECK: &str = "SELECT 1";

/// Makes spans for every connection that is opened from now on, pooled or not.
///
/// # Errors
///
/// When diesel refuses, because a thread panicked while it set another instrumentation.
pub fn install() -> diesel::QueryResult<()> {
    set_default_instrumentation(|| Some(Box::new(QuerySpans::new())))
}

/// Makes spans for one connection: `connection.set_instrumentation(QuerySpans::for_url(url))`.
#[derive(Debug)]
pub struct QuerySpans {
    server: Server,
    statements: Statements,
    connect: Option<Spanning>,
    /// Announced and not finished. More than one only while types are looked up.
    queries: Vec<Open>,
    /// Room for the text of a query.
    sql: String,
}

impl QuerySpans {
    /// Starts without knowing the database; learns it if it sees the connection being opened.
    #[must_use]
    pub fn new() -> Self {
        Self::to(Server::UNKNOWN)
    }

    /// Starts with the database of a connection that is open already.
    ///
    /// User and password of the URL are not kept.
    #[must_use]
    pub fn for_url(url: &str) -> Self {
        Self::to(Server::from_url(url))
    }

    fn to(server: Server) -> Self {
        Self {
            server,
            statements: Statements::default(),
            connect: None,
            queries: Vec::new(),
            sql: String::new(),
        }
    }

    fn start_connect(&mut self, url: &str) {
        self.server = Server::from_url(url);
        self.statements = Statements::default();
        self.connect = Some(Spanning::through_the_api(
            "connect".into(),
            self.server.attributes(),
        ));
    }

    fn start_query(&mut self, query: &dyn DebugQuery) {
        // What is not recorded need not be known.
        if is_none_wanted() {
            self.queries.clear();
            return;
        }
        // To print it costs more than all the rest.
        let (kind, origin) = match traced::asked(|| printed::read(query, &mut self.sql)) {
            Err(kind) => {
                if let Some(statement) = self.statements.of_type(kind) {
                    self.queries.clear();
                    self.queries.push(Open::start(statement));
                    return;
                }
                (Some(kind), printed::read(query, &mut self.sql))
            }
            Ok(origin) => (None, origin),
        };
        let Some(origin) = origin else {
            self.queries.clear();
            return;
        };
        if origin == Origin::Built && self.sql == POOL_CHECK {
            self.queries.clear();
            return;
        }
        let statement = self.statements.get(&self.sql, &self.server);
        if self.sql.capacity() > MAX_CACHED_LENGTH {
            self.sql = String::new();
        }
        if !statement.is_nested() {
            // One after the other is the rule, so the end of an earlier query was not announced: diesel does not where
            // a query fails before it is sent.
            self.queries.clear();
        }
        if let Some(kind) = kind {
            self.statements.remember(kind, &statement);
        }
        self.queries.push(Open::start(statement));
    }

    fn finish_query(&mut self, query: &dyn DebugQuery, error: Option<&Error>) {
        let finished = if self.queries.len() > 1 {
            // Of nested ones, that which has this text; what stands above it was left without an end.
            let is_printed = printed::read(query, &mut self.sql).is_some();
            let position = self
                .queries
                .iter()
                .rposition(|open| is_printed && open.statement.sql() == self.sql);
            position.and_then(|position| self.queries.drain(position..).next())
        } else {
            self.queries.pop()
        };
        if let Some(mut span) = finished.and_then(|open| open.span) {
            if let Some(code) = error
                .filter(|_| self.server.system == "postgresql")
                .and_then(sqlstate::of)
            {
                span.set(KeyValue::new(DB_RESPONSE_STATUS_CODE, code));
            }
            span.finish(error.and_then(Failure::of_query));
        }
    }
}

impl Default for QuerySpans {
    fn default() -> Self {
        Self::new()
    }
}

impl Instrumentation for QuerySpans {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => self.start_connect(url),
            InstrumentationEvent::FinishEstablishConnection { error, .. } => {
                if let Some(connect) = self.connect.take() {
                    connect.finish(error.map(Failure::of_connect));
                }
            }
            InstrumentationEvent::StartQuery { query, .. } => self.start_query(query),
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                self.finish_query(query, error);
            }
            // Transactions send their statements as queries.
            _ => {}
        }
    }
}

/// A query on its way.
#[derive(Debug)]
struct Open {
    statement: Statement,
    span: Option<Spanning>,
}

impl Open {
    fn start(statement: Statement) -> Self {
        let span = Spanning::of(&statement);
        Self { statement, span }
    }
}

/// The span of a query or connect on its way. Dropped, it ends marked as [`CANCELLED`](crate::CANCELLED).
#[derive(Debug)]
struct Spanning(Option<Span>);

#[derive(Debug)]
enum Span {
    /// Of the engine.
    Live(Box<Live>),
    Boxed(BoxedSpan),
}

impl Spanning {
    /// Starts one under the current span, if any.
    fn of(statement: &Statement) -> Option<Self> {
        if let Statement::Prepared(prepared) = statement {
            match Context::map_current(|current| sited::outlook(current, || prepared.label)) {
                Outlook::Nothing | Outlook::Unsampled(_) => return None,
                Outlook::Recorded(mut live) => {
                    live.begin();
                    return Some(Self(Some(Span::Live(live))));
                }
                Outlook::Asked => {}
            }
        }
        let described = statement.described();
        Some(Self::through_the_api(
            described.name.clone(),
            described.attributes.clone(),
        ))
    }

    fn through_the_api(name: Cow<'static, str>, attributes: Vec<KeyValue>) -> Self {
        Self((!is_none_wanted()).then(|| {
            let builder = SpanBuilder::from_name(name)
                .with_kind(SpanKind::Client)
                .with_attributes(attributes);
            Span::Boxed(tracer().build(builder))
        }))
    }

    fn set(&mut self, attribute: KeyValue) {
        match &mut self.0 {
            Some(Span::Live(live)) => live.attribute(attribute),
            Some(Span::Boxed(span)) => span.set_attribute(attribute),
            None => {}
        }
    }

    fn finish(mut self, failure: Option<Failure>) {
        if let Some(Failure {
            error_type,
            description,
        }) = failure
        {
            self.set(KeyValue::new(ERROR_TYPE, error_type));
            let status = Status::error(description);
            match &mut self.0 {
                Some(Span::Live(live)) => live.status(status),
                Some(Span::Boxed(span)) => span.set_status(status),
                None => {}
            }
        }
        self.end();
    }

    fn end(&mut self) {
        match self.0.take() {
            Some(Span::Live(live)) => sited::end_live(live),
            Some(Span::Boxed(mut span)) => span.end(),
            None => {}
        }
    }
}

impl Drop for Spanning {
    fn drop(&mut self) {
        if self.0.is_some() {
            self.set(KeyValue::new(CANCELLED, true));
            self.end();
        }
    }
}

#[cfg(test)]
mod tests;
