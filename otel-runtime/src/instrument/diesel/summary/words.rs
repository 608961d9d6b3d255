//! The words of SQL that tell what a statement does and which tables it names.

/// Statements of which the first word says enough.
pub(super) const PLAIN: [&str; 36] = [
    "ABORT",
    "ANALYZE",
    "ATTACH",
    "BEGIN",
    "CHECKPOINT",
    "CLOSE",
    "COMMENT",
    "COMMIT",
    "DEALLOCATE",
    "DECLARE",
    "DESCRIBE",
    "DETACH",
    "DISCARD",
    "DO",
    "END",
    "EXECUTE",
    "FETCH",
    "GRANT",
    "LISTEN",
    "LOCK",
    "NOTIFY",
    "OPTIMIZE",
    "PREPARE",
    "REINDEX",
    "RELEASE",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SET",
    "SHOW",
    "START",
    "UNLISTEN",
    "UNLOCK",
    "USE",
    "VACUUM",
];

/// Statements whose first word is followed by what they work on.
pub(super) const NAMED: [&str; 3] = ["CALL", "COPY", "PRAGMA"];

/// What can be created, altered and dropped.
pub(super) const DEFINITIONS: [&str; 15] = [
    "DATABASE",
    "DOMAIN",
    "EXTENSION",
    "FUNCTION",
    "INDEX",
    "POLICY",
    "PROCEDURE",
    "ROLE",
    "SCHEMA",
    "SEQUENCE",
    "TABLE",
    "TRIGGER",
    "TYPE",
    "USER",
    "VIEW",
];

/// Words between `CREATE` and what is created.
pub(super) const LIKENESS: [&str; 14] = [
    "CONSTRAINT",
    "FULLTEXT",
    "GLOBAL",
    "LOCAL",
    "MATERIALIZED",
    "OR",
    "RECURSIVE",
    "REPLACE",
    "SPATIAL",
    "TEMP",
    "TEMPORARY",
    "UNIQUE",
    "UNLOGGED",
    "VIRTUAL",
];

/// Words between a verb that changes rows and the table.
pub(super) const MANNER: [&str; 10] = [
    "ABORT",
    "DELAYED",
    "FAIL",
    "HIGH_PRIORITY",
    "IGNORE",
    "LOW_PRIORITY",
    "ONLY",
    "OR",
    "REPLACE",
    "ROLLBACK",
];

/// Words that begin a query.
pub(super) const QUERIES: [&str; 3] = ["SELECT", "WITH", "VALUES"];

/// Words after which the tables of a statement are all named.
pub(super) const AFTER_TABLES: [&str; 13] = [
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "FOR",
    "WINDOW",
    "RETURNING",
    "UNION",
    "INTERSECT",
    "EXCEPT",
];
