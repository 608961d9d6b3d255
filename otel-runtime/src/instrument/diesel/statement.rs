//! The attributes of a statement, worked out once for each text.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute::{
    DB_COLLECTION_NAME, DB_OPERATION_NAME, DB_QUERY_SUMMARY, DB_QUERY_TEXT,
};

use super::{
    sql::{Dialect, without_literals},
    summary::summarize,
};

/// A connection repeats its statements, as diesel's own cache supposes too. When full, it starts anew.
const CAPACITY: usize = 256;

/// Longer texts, in bytes, are most likely made for one use.
const MAX_CACHED_LENGTH: usize = 4096;

/// What is told of one statement; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    text: Arc<str>,
    summary: Arc<str>,
    operation: Option<Cow<'static, str>>,
    collection: Option<Arc<str>>,
}

impl Statement {
    fn new(sql: &str, dialect: Dialect) -> Self {
        let summary = summarize(sql, dialect);
        Self {
            text: without_literals(sql, dialect).into(),
            summary: summary.text.into(),
            operation: summary.operation,
            collection: summary.collection.map(Arc::from),
        }
    }

    /// Empty when nothing was recognised.
    pub(super) fn summary(&self) -> &str {
        &self.summary
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = KeyValue> {
        let text =
            |key, text: &Arc<str>| (!text.is_empty()).then(|| KeyValue::new(key, Arc::clone(text)));
        [
            text(DB_QUERY_TEXT, &self.text),
            text(DB_QUERY_SUMMARY, &self.summary),
            self.operation
                .clone()
                .map(|operation| KeyValue::new(DB_OPERATION_NAME, operation)),
            self.collection
                .as_ref()
                .and_then(|collection| text(DB_COLLECTION_NAME, collection)),
        ]
        .into_iter()
        .flatten()
    }
}

/// The statements of one connection.
#[derive(Debug, Default)]
pub(super) struct Statements {
    known: HashMap<Box<str>, Statement>,
}

impl Statements {
    pub(super) fn get(&mut self, sql: &str, dialect: Dialect) -> Statement {
        if let Some(statement) = self.known.get(sql) {
            return statement.clone();
        }
        let statement = Statement::new(sql, dialect);
        if sql.len() <= MAX_CACHED_LENGTH {
            if self.known.len() >= CAPACITY {
                self.known.clear();
            }
            self.known.insert(sql.into(), statement.clone());
        }
        statement
    }
}
