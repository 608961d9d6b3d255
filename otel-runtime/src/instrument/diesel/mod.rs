//! Client spans for diesel's queries and connects.
//!
//! ```
//! otel_runtime::instrument::diesel::install().expect("diesel takes its instrumentation");
//! ```
//!
//! From then on each query over a new connection makes a span like `INSERT bookings` under the current span, with the
//! SQL text but never a value that was bound to it or, with one exception, written into it. The check a connection pool makes
//! before it hands out a connection (`SELECT 1`, or with `TracedPool` whatever it sends) makes none.
//!
//! The exception: in double quotes SQLite has names, and takes them for strings where there is no such name. Where a value may
//! follow (after an operator, a word such as `LIKE`, in the brackets of `IN` and `VALUES`) they are hidden as such; elsewhere, as
//! in lists of columns and of arguments or to the left of an operator, they are not. Write strings in single quotes.
//!
//! A failed query is an error of its kind, such as `UniqueViolation`; on PostgreSQL with the code of the server
//! (`db.response.status_code`), where it follows from what diesel tells. What diesel does not tell its instrumentation
//! cannot show: with `SqliteConnection` that is the failure of a statement whose rows are loaded, also of `INSERT .. RETURNING`; with
//! every backend it is a row that does not fit its type. Such an error shows in the span around the call. Of a query that fails
//! before it is sent, as of a value that cannot be bound, diesel tells no end: its span lasts until the connection is used again or
//! closed, and is marked as [`CANCELLED`](crate::CANCELLED).
//!
//! The feature `metrics` adds `db.client.operation.duration`, with the summary of the query and with the type and code of an error. A
//! query is measured as well where its trace is not sampled. One whose end diesel does not tell is not.
//!
//! With the feature `r2d2`, `TracedPool` shows the waits for a connection of a pool.

mod failure;
#[cfg(feature = "metrics")]
mod measure;
#[cfg(not(feature = "metrics"))]
#[path = "no_measure.rs"]
mod measure;
mod open;
mod pool_check;
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

use std::any::TypeId;

#[cfg(feature = "r2d2")]
pub use self::r2d2::TracedPool;
pub use self::traced::{Traced, TracedQueryDsl};
use self::{
    failure::Failure,
    measure::Measure,
    open::{Open, Queries, Spanning, wanting},
    printed::Origin,
    server::Server,
    statement::{MAX_CACHED_LENGTH, Statement, Statements},
};
use diesel::{
    ConnectionError,
    connection::{DebugQuery, Instrumentation, InstrumentationEvent, set_default_instrumentation},
    result::Error,
};

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
    queries: Queries,
    measure: Measure,
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
            queries: Queries::default(),
            measure: Measure::new(),
            sql: String::new(),
        }
    }

    #[cold]
    fn start_connect(&mut self, url: &str) {
        self.server = Server::from_url(url);
        self.statements = Statements::default();
        self.connect = Some(Spanning::through_the_api(
            "connect".into(),
            self.server.attributes(),
        ));
    }

    #[cold]
    fn finish_connect(&mut self, error: Option<&ConnectionError>) {
        if let Some(mut connect) = self.connect.take() {
            if let Some(error) = error {
                connect.fail(Failure::of_connect(error));
            }
            connect.end();
        }
    }

    fn start_query(&mut self, query: &dyn DebugQuery) {
        let is_check = pool_check::is_running();
        let parent = if is_check { None } else { wanting() };
        // What is not recorded need not be known.
        if parent.is_none() && (is_check || !measure::is_wanted()) {
            self.queries.clear();
            return;
        }
        let Some(statement) = self.statement(query) else {
            self.queries.clear();
            return;
        };
        if !statement.is_nested() {
            // One after the other is the rule, so the end of an earlier query was not announced: diesel does not where
            // a query fails before it is sent.
            self.queries.clear();
        }
        self.queries.push(Open::start(statement, parent.as_ref()));
    }

    /// What is sent; `None` where that is not known, or is the check of a pool.
    fn statement(&mut self, query: &dyn DebugQuery) -> Option<Statement> {
        // To print it costs more than all the rest.
        match traced::asked(|| printed::read(query, &mut self.sql)) {
            Ok(origin) => self.printed(origin),
            Err(kind) => {
                let known = self.statements.of_type(kind);
                known.or_else(|| self.first_of_type(kind, query))
            }
        }
    }

    #[cold]
    fn first_of_type(&mut self, kind: TypeId, query: &dyn DebugQuery) -> Option<Statement> {
        let origin = printed::read(query, &mut self.sql);
        let statement = self.printed(origin)?;
        self.statements.remember(kind, &statement);
        Some(statement)
    }

    /// The statement whose text was printed.
    fn printed(&mut self, origin: Option<Origin>) -> Option<Statement> {
        if pool_check::is_sent(origin?, &self.sql) {
            return None;
        }
        let statement = self.statements.get(&self.sql, &self.server);
        if self.sql.capacity() > MAX_CACHED_LENGTH {
            self.sql = String::new();
        }
        Some(statement)
    }

    fn finish_query(&mut self, query: &dyn DebugQuery, error: Option<&Error>) {
        let finished = if self.queries.are_nested() {
            self.innermost(query)
        } else {
            self.queries.take_only()
        };
        if let Some(mut open) = finished {
            let failure = error.and_then(|error| self.failure(&open.statement, error));
            self.measure
                .record(&open.statement, open.started, failure.as_ref());
            open.end(failure);
        }
    }

    /// Of several that are on their way, the one that has finished.
    #[cold]
    fn innermost(&mut self, query: &dyn DebugQuery) -> Option<Open> {
        printed::read(query, &mut self.sql)?;
        self.queries.take(&self.sql)
    }

    #[cold]
    fn failure(&self, statement: &Statement, error: &Error) -> Option<Failure> {
        let mut failure = Failure::of_query(error, statement.sql())?;
        if self.server.system == "postgresql" {
            failure.code = sqlstate::of(error);
        }
        Some(failure)
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
                self.finish_connect(error);
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

#[cfg(test)]
mod tests;
