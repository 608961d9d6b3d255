//! Waits for a connection of an r2d2 pool.

#[cfg(feature = "metrics")]
mod measure;
#[cfg(not(feature = "metrics"))]
#[path = "r2d2/no_measure.rs"]
mod measure;

use std::{
    borrow::Cow,
    fmt,
    ops::Deref,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use diesel::r2d2::{ManageConnection, Pool, PoolError, PooledConnection};
use opentelemetry::{
    KeyValue, StringValue,
    global::BoxedSpan,
    trace::{Span as _, SpanBuilder, SpanKind, Status, Tracer as _},
};
use opentelemetry_semantic_conventions::attribute::{DB_CLIENT_CONNECTION_POOL_NAME, ERROR_TYPE};

use self::measure::Measure;
use super::{
    failure::{TIMEOUT, of_wait},
    pool_check,
    server::Server,
};
use crate::{engine::control::is_none_wanted, instrument::scope::tracer};

/// A pool of which the trace shows when a connection had to be waited for.
///
/// ```no_run
/// use diesel::{SqliteConnection, r2d2::{ConnectionManager, Pool, PoolError}};
/// use otel_runtime::instrument::diesel::TracedPool;
///
/// type Connections = TracedPool<ConnectionManager<SqliteConnection>>;
///
/// fn open(url: &str) -> Result<Connections, PoolError> {
///     let pool = Pool::builder().build(ConnectionManager::new(url))?;
///     Ok(TracedPool::for_url(pool, url).named("rooms"))
/// }
///
/// fn work(pool: &Connections) -> Result<(), PoolError> {
///     let mut connection = pool.get()?;
/// #   let _ = &mut connection;
///     Ok(())
/// }
/// ```
///
/// Where a connection is idle, [`get`](Self::get) takes it and records nothing. Otherwise a span `wait for connection` lasts
/// until there is one, under the current span: because all are in use, because the pool opens another, or because those
/// that were idle turned out to be broken. When none comes in time it is marked as failed, with `timeout` as its
/// `error.type`.
///
/// The feature `metrics` adds `db.client.connection.wait_time`, in seconds, which is measured of every connection that is
/// taken, `db.client.connection.pending_requests` and `db.client.connection.timeouts`, by the name of the pool. They go to the
/// meter provider that is installed globally when a connection is first asked for; one that is installed later gets nothing.
///
/// All else is the [`Pool`]'s. What is idle is taken by its [`try_get`](Pool::try_get), of which an event handler of the
/// pool is not told.
pub struct TracedPool<M: ManageConnection> {
    pool: Pool<M>,
    waits: Arc<Waits>,
}

impl<M: ManageConnection> TracedPool<M> {
    /// Takes a pool of connections to the database of this URL.
    ///
    /// User and password of the URL are not kept. The pool's name is, as the conventions have it, made of address, port and
    /// name of the database, as far as they are known.
    #[must_use]
    pub fn for_url(pool: Pool<M>, url: &str) -> Self {
        let server = Server::from_url(url);
        let waits = Waits::new(server.pool_name().into(), server);
        Self {
            pool,
            waits: Arc::new(waits),
        }
    }

    /// Gives the pool a name of its own (`db.client.connection.pool.name`), which should be the only one of its kind in the
    /// application.
    #[must_use]
    pub fn named(self, name: impl Into<Cow<'static, str>>) -> Self {
        let waits = Waits::new(name.into().into(), self.waits.server.clone());
        Self {
            pool: self.pool,
            waits: Arc::new(waits),
        }
    }

    /// Takes a connection, for which it waits as long as the pool was told to.
    ///
    /// # Errors
    ///
    /// As [`Pool::get`]: there was none in time.
    pub fn get(&self) -> Result<PooledConnection<M>, PoolError> {
        self.get_timeout(self.pool.connection_timeout())
    }

    /// Takes a connection, for which it waits at most so long.
    ///
    /// # Errors
    ///
    /// As [`Pool::get_timeout`]: there was none in time.
    pub fn get_timeout(&self, timeout: Duration) -> Result<PooledConnection<M>, PoolError> {
        let started = Instant::now();
        if let Some(connection) = pool_check::running(|| self.pool.try_get()) {
            self.waits.measure.taken(started);
            return Ok(connection);
        }
        let waiting = self.waits.begin(started);
        let left = timeout.saturating_sub(started.elapsed());
        let taken = pool_check::running(|| self.pool.get_timeout(left));
        match &taken {
            Ok(_) => self.waits.measure.taken(started),
            Err(_) => self.waits.measure.timed_out(),
        }
        waiting.end(taken.as_ref().err());
        taken
    }
}

impl<M: ManageConnection> Clone for TracedPool<M> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            waits: Arc::clone(&self.waits),
        }
    }
}

impl<M: ManageConnection> Deref for TracedPool<M> {
    type Target = Pool<M>;

    fn deref(&self) -> &Pool<M> {
        &self.pool
    }
}

impl<M: ManageConnection> fmt::Debug for TracedPool<M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TracedPool")
            .field("name", &self.waits.name.as_str())
            .field("state", &self.pool.state())
            .finish_non_exhaustive()
    }
}

/// What is recorded of the waits for one pool.
struct Waits {
    name: StringValue,
    server: Server,
    measure: Measure,
}

impl Waits {
    fn new(name: StringValue, server: Server) -> Self {
        Self {
            measure: Measure::new(name.clone()),
            name,
            server,
        }
    }

    /// Somebody asked at this time, and found out that there is none to be had at once.
    fn begin(&self, asked: Instant) -> Waiting<'_> {
        self.measure.pending(1);
        let span = (!is_none_wanted()).then(|| {
            let mut attributes = self.server.attributes();
            let name = KeyValue::new(DB_CLIENT_CONNECTION_POOL_NAME, self.name.clone());
            attributes.push(name);
            // Nothing is called: whoever holds the connections is in this process.
            let builder = SpanBuilder::from_name("wait for connection")
                .with_kind(SpanKind::Internal)
                .with_attributes(attributes);
            let start = SystemTime::now().checked_sub(asked.elapsed());
            let builder = SpanBuilder {
                start_time: start,
                ..builder
            };
            tracer().build(builder)
        });
        Waiting { waits: self, span }
    }
}

/// Somebody waits, until this is dropped.
struct Waiting<'a> {
    waits: &'a Waits,
    /// A span ends when it is dropped.
    span: Option<BoxedSpan>,
}

impl Waiting<'_> {
    fn end(mut self, error: Option<&PoolError>) {
        if let (Some(error), Some(span)) = (error, &mut self.span)
            && span.is_recording()
        {
            span.set_attribute(KeyValue::new(ERROR_TYPE, TIMEOUT));
            span.set_status(Status::error(of_wait(error)));
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.waits.measure.pending(-1);
    }
}
