//! Queries that say what they are, so that they need not be printed.

use std::any::TypeId;
use std::cell::Cell;

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::methods::LimitDsl;
use diesel::result::Error;
use diesel::{QueryResult, RunQueryDsl};

thread_local! {
    /// Whether a query is asked what it is, and what it answered.
    static ASKED: Cell<Asked> = const { Cell::new(Asked::No) };
}

#[derive(Clone, Copy)]
enum Asked {
    No,
    Yes,
    Told(TypeId),
}

/// Lets a query say what it is, for [`traced`](Self::traced).
pub trait TracedQueryDsl: QueryId + Sized {
    /// Makes the span of a query that is run often cost less; what it tells stays the same.
    ///
    /// Any query makes a span. diesel shows it as something that can be printed, so that each time its SQL has to be built and
    /// read to know which statement it is: that costs more than all else about the span. A query whose SQL follows from its
    /// type alone, by which diesel finds its prepared statement as well, says so when it is `traced`, and is printed once for
    /// each connection. Any other is printed as before.
    ///
    /// It stands at the end, before the query is run:
    ///
    /// ```
    /// # diesel::table! { rooms (id) { id -> BigInt, name -> Text } }
    /// use diesel::prelude::*;
    /// use otel_runtime::instrument::diesel::TracedQueryDsl as _;
    ///
    /// fn name(connection: &mut SqliteConnection, id: i64) -> QueryResult<String> {
    ///     rooms::table.find(id).select(rooms::name).traced().first(connection)
    /// }
    /// ```
    fn traced(self) -> Traced<Self> {
        Traced(self)
    }
}

impl<Q: QueryId> TracedQueryDsl for Q {}

/// A query that says what it is: see [`TracedQueryDsl::traced`].
#[derive(Clone, Copy, Debug)]
#[must_use = "a query does nothing until it is run"]
pub struct Traced<Q>(Q);

/// It is the same statement as without this.
impl<Q: QueryId> QueryId for Traced<Q> {
    type QueryId = Q::QueryId;

    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q: Query> Query for Traced<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Connection> RunQueryDsl<Connection> for Traced<Q> {}

impl<Q: LimitDsl> LimitDsl for Traced<Q> {
    type Output = Traced<Q::Output>;

    fn limit(self, limit: i64) -> Self::Output {
        Traced(self.0.limit(limit))
    }
}

impl<DB: Backend, Q: QueryFragment<DB> + QueryId> QueryFragment<DB> for Traced<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // By both diesel decides whether it finds the statement by its type.
        if let Asked::Yes = ASKED.get()
            && let Some(id) = Q::query_id()
            && self.0.is_safe_to_cache_prepared(pass.backend())?
        {
            ASKED.set(Asked::Told(id));
            // Which one does not matter: it ends the printing.
            return Err(Error::NotFound);
        }
        self.0.walk_ast(pass)
    }
}

/// Prints a query; one that says what it is does that instead.
pub(super) fn asked<T>(print: impl FnOnce() -> T) -> Result<T, TypeId> {
    /// Asks no more, also where the query panics: one that is asked while it runs would fail.
    struct Asking;

    impl Drop for Asking {
        fn drop(&mut self) {
            ASKED.set(Asked::No);
        }
    }

    let _asking = Asking;
    ASKED.set(Asked::Yes);
    let printed = print();
    match ASKED.get() {
        Asked::Told(id) => Err(id),
        Asked::No | Asked::Yes => Ok(printed),
    }
}
