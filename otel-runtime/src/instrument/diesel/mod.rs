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
//! A failed query is an error of its kind, such as `UniqueViolation`; on PostgreSQL with the code of the server
//! (`db.response.status_code`), where it follows from what diesel tells. What diesel does not tell its instrumentation
//! cannot show: with `SqliteConnection` that is the failure of a statement whose rows are loaded, also of `INSERT .. RETURNING`; with
//! every backend it is a row that does not fit its type. Such an error shows in the span around the call.
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
use opentelemetry_semantic_conventions::attribute::{
    DB_NAMESPACE, DB_RESPONSE_STATUS_CODE, DB_SYSTEM_NAME, ERROR_TYPE, SERVER_ADDRESS, SERVER_PORT,
};

#[cfg(feature = "r2d2")]
pub use self::r2d2::TracedPool;
use self::{failure::Failure, server::Server, statement::Statements};
use super::scope::tracer;
use crate::{CANCELLED, engine};

/// What r2d2 sends to see whether a connection is still alive.
const POOL_CHECK: &str = "SELECT 1";

/// The catalogue that diesel asks for the types of a query, after that query has been announced.
const TYPE_CATALOGUE: &str = "\"pg_type\"";

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
    connect: Option<Open>,
    /// Announced and not finished. More than one only while types are looked up.
    queries: Vec<Open>,
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
        }
    }

    fn start_connect(&mut self, url: &str) {
        self.server = Server::from_url(url);
        self.statements = Statements::default();
        self.connect = Some(Open::start(
            String::new(),
            "connect".into(),
            self.server_attributes(),
        ));
    }

    fn start_query(&mut self, query: &dyn DebugQuery) {
        if engine::control::is_off() {
            return;
        }
        // Printing the query costs more than all the rest.
        if Context::map_current(engine::control::is_left_out) {
            self.queries.clear();
            return;
        }
        let Some(printed) = printed::read(query) else {
            self.queries.clear();
            return;
        };
        if !(self.server.system == "postgresql" && printed.sql.contains(TYPE_CATALOGUE)) {
            // One after the other is the rule, so the end of an earlier query was not announced: diesel does not where
            // a query fails before it is sent.
            self.queries.clear();
        }
        if printed.built && printed.sql == POOL_CHECK {
            self.queries.push(Open {
                sql: printed.sql,
                span: None,
            });
            return;
        }
        let statement = self.statements.get(&printed.sql, self.server.dialect());
        let name = match statement.summary() {
            "" => Cow::Borrowed(self.server.system),
            summary => Cow::Owned(summary.to_owned()),
        };
        let mut attributes = self.server_attributes();
        attributes.extend(statement.attributes());
        self.queries
            .push(Open::start(printed.sql, name, attributes));
    }

    fn finish_query(&mut self, query: &dyn DebugQuery, error: Option<&Error>) {
        let finished = if self.queries.len() > 1 {
            // Of nested ones, that which has this text; what stands above it was left without an end.
            let sql = printed::read(query).map(|printed| printed.sql);
            let position = self
                .queries
                .iter()
                .rposition(|open| Some(&open.sql) == sql.as_ref());
            position.and_then(|position| self.queries.drain(position..).next())
        } else {
            self.queries.pop()
        };
        if let Some(mut open) = finished {
            if let Some(code) = error
                .filter(|_| self.server.system == "postgresql")
                .and_then(sqlstate::of)
            {
                open.set(KeyValue::new(DB_RESPONSE_STATUS_CODE, code));
            }
            open.finish(error.and_then(Failure::of_query));
        }
    }

    fn server_attributes(&self) -> Vec<KeyValue> {
        let Server {
            system,
            namespace,
            address,
            port,
        } = &self.server;
        let mut attributes = Vec::with_capacity(8);
        attributes.push(KeyValue::new(DB_SYSTEM_NAME, *system));
        attributes.extend(
            namespace
                .clone()
                .map(|namespace| KeyValue::new(DB_NAMESPACE, namespace)),
        );
        attributes.extend(
            address
                .clone()
                .map(|address| KeyValue::new(SERVER_ADDRESS, address)),
        );
        attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
        attributes
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

/// A query or connect on its way. Dropped, it ends marked as [`CANCELLED`](crate::CANCELLED).
#[derive(Debug)]
struct Open {
    sql: String,
    span: Option<BoxedSpan>,
}

impl Open {
    fn start(sql: String, name: Cow<'static, str>, attributes: Vec<KeyValue>) -> Self {
        let off = engine::control::is_off() || Context::is_current_telemetry_suppressed();
        let span = (!off).then(|| {
            let builder = SpanBuilder::from_name(name)
                .with_kind(SpanKind::Client)
                .with_attributes(attributes);
            tracer().build(builder)
        });
        Self { sql, span }
    }

    fn set(&mut self, attribute: KeyValue) {
        if let Some(span) = &mut self.span {
            span.set_attribute(attribute);
        }
    }

    fn finish(mut self, failure: Option<Failure>) {
        if let Some(mut span) = self.span.take() {
            if let Some(Failure {
                error_type,
                description,
            }) = failure
            {
                span.set_attribute(KeyValue::new(ERROR_TYPE, error_type));
                span.set_status(Status::error(description));
            }
            span.end();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(mut span) = self.span.take() {
            span.set_attribute(KeyValue::new(CANCELLED, true));
            span.end();
        }
    }
}

#[cfg(test)]
mod tests;
