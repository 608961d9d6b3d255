//! What is told of a statement, worked out once for each text.

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use opentelemetry_semantic_conventions::attribute::{DB_QUERY_SUMMARY, DB_QUERY_TEXT};

use super::server::Server;
use super::sql::without_literals;
use super::summary::summarize;
use crate::engine::recorder::scope::Label;
use crate::instrument::scope;

/// A connection repeats its statements, as diesel's own cache supposes too. When full, it starts anew.
const CAPACITY: usize = 256;

/// Longer texts, in bytes, are most likely made for one use.
pub(super) const MAX_CACHED_LENGTH: usize = 4096;

/// So many are prepared at most in a process, as they are never forgotten.
const MAX_PREPARED: usize = 1024;

/// How diesel asks PostgreSQL for the types of a query, after that query has been announced. A URL need not tell that it is
/// PostgreSQL; nobody else is asked like this.
const TYPE_LOOKUP: &str = "SELECT \"pg_type\".\"oid\", \"pg_type\".\"typarray\" FROM ";

/// A statement to one database; cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    /// One that is likely to come again.
    Prepared(&'static Prepared),
    Other(Arc<Described>),
}

/// What the spans of a statement have in common.
#[derive(Debug)]
pub(super) struct Described {
    /// As diesel tells it.
    sql: Box<str>,
    /// Sent while another one is announced already.
    is_nested: bool,
    pub(super) name: Cow<'static, str>,
    pub(super) attributes: Vec<KeyValue>,
}

/// The same, known to the engine as well.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) label: &'static Label,
    described: Described,
}

impl Described {
    fn new(sql: &str, server: &Server) -> Self {
        let dialect = server.dialect();
        let summary = summarize(sql, dialect);
        let name = match &*summary {
            "" => Cow::Borrowed(server.system),
            text => Cow::Owned(text.to_owned()),
        };
        let told = [
            (DB_QUERY_SUMMARY, summary),
            // The last, so that metrics have all the others.
            (DB_QUERY_TEXT, without_literals(sql, dialect)),
        ];
        let mut attributes = server.attributes();
        attributes.extend(
            told.into_iter()
                .filter(|(_, text)| !text.is_empty())
                .map(|(key, text)| KeyValue::new(key, text)),
        );
        Self {
            sql: sql.into(),
            is_nested: sql.starts_with(TYPE_LOOKUP),
            name,
            attributes,
        }
    }

    /// What metrics have of it, too.
    #[cfg(feature = "metrics")]
    pub(super) fn measured(&self) -> &[KeyValue] {
        match self.attributes.split_last() {
            Some((last, others)) if last.key.as_str() == DB_QUERY_TEXT => others,
            _ => &self.attributes,
        }
    }

    /// Whether nothing is in the text but what the program has in its source.
    fn has_no_literals(&self) -> bool {
        let text = self.attributes.iter();
        let mut text = text.filter(|attribute| attribute.key.as_str() == DB_QUERY_TEXT);
        text.next()
            .is_some_and(|text| *text.value.as_str() == *self.sql)
    }
}

/// Each by its database and its text.
type AllPrepared = HashMap<(Server, Box<str>), &'static Prepared>;

static PREPARED: LazyLock<Mutex<AllPrepared>> = LazyLock::new(Mutex::default);

/// A panic elsewhere leaves nothing half done here.
fn all_prepared() -> MutexGuard<'static, AllPrepared> {
    PREPARED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Prepared {
    fn leak(described: Described) -> &'static Self {
        let label = Label::prepare(
            scope::SCOPE.clone(),
            &described.name,
            &SpanKind::Client,
            described.attributes.iter().cloned(),
        );
        Box::leak(Box::new(Self { label, described }))
    }
}

impl Statement {
    fn new(sql: &str, server: &Server) -> Self {
        let key = (server.clone(), sql.into());
        if let Some(prepared) = all_prepared().get(&key) {
            return Self::Prepared(prepared);
        }
        // Nobody waits meanwhile.
        let described = Described::new(sql, server);
        if sql.len() > MAX_CACHED_LENGTH || !described.has_no_literals() {
            return Self::Other(Arc::new(described));
        }
        let mut all = all_prepared();
        let is_full = all.len() >= MAX_PREPARED;
        match all.entry(key) {
            // Another connection was first.
            Entry::Occupied(prepared) => Self::Prepared(prepared.get()),
            Entry::Vacant(_) if is_full => Self::Other(Arc::new(described)),
            Entry::Vacant(place) => Self::Prepared(place.insert(Prepared::leak(described))),
        }
    }

    pub(super) fn described(&self) -> &Described {
        match self {
            Self::Prepared(prepared) => &prepared.described,
            Self::Other(described) => described,
        }
    }

    /// As diesel tells it.
    pub(super) fn sql(&self) -> &str {
        &self.described().sql
    }

    /// Whether it is sent while another one is announced already.
    pub(super) fn is_nested(&self) -> bool {
        self.described().is_nested
    }
}

/// The statements of one connection.
#[derive(Debug, Default)]
pub(super) struct Statements {
    by_text: HashMap<Box<str>, Statement, BuildHasherDefault<Quick>>,
    /// Those whose type is known to stand for one text.
    by_type: HashMap<TypeId, Statement, BuildHasherDefault<Quick>>,
}

/// A hasher for few keys of the program's own, which nobody chooses so that they collide.
#[derive(Debug, Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write_u64(&mut self, part: u64) {
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0.rotate_left(23) ^ part).wrapping_mul(SPREAD);
    }

    fn write(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks();
        for part in whole {
            self.write_u64(u64::from_le_bytes(*part));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.write_u64(u64::from_le_bytes(last));
        }
    }

    /// The upper bits are the good ones; the map looks at those and at the lowest.
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

impl Statements {
    pub(super) fn get(&mut self, sql: &str, server: &Server) -> Statement {
        if let Some(statement) = self.by_text.get(sql) {
            return statement.clone();
        }
        let statement = Statement::new(sql, server);
        if sql.len() <= MAX_CACHED_LENGTH {
            if self.by_text.len() >= CAPACITY {
                self.by_text.clear();
            }
            self.by_text.insert(sql.into(), statement.clone());
        }
        statement
    }

    /// The statement of a type, if one was seen.
    pub(super) fn of_type(&self, query: TypeId) -> Option<Statement> {
        self.by_type.get(&query).cloned()
    }

    #[cfg(test)]
    pub(super) fn forget_texts(&mut self) -> usize {
        std::mem::take(&mut self.by_text).len()
    }

    /// Remembers the statement of a type; there are as many types as the program has queries.
    pub(super) fn remember(&mut self, query: TypeId, statement: &Statement) {
        self.by_type.insert(query, statement.clone());
    }
}
