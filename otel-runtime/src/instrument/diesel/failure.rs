//! How an error of diesel's is told, with none of the values it may quote.

use std::borrow::Cow;

#[cfg(feature = "r2d2")]
use diesel::r2d2::PoolError;
use diesel::result::{ConnectionError, DatabaseErrorKind, Error};

use super::sqlstate;

/// The `error.type` of a wait that was in vain.
#[cfg(feature = "r2d2")]
pub(super) const TIMEOUT: &str = "timeout";

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// A value of `error.type`.
    pub(super) error_type: Cow<'static, str>,
    /// The server's, if it is known.
    pub(super) code: Option<&'static str>,
    /// Free of values; empty where that cannot be told.
    pub(super) description: String,
}

impl Failure {
    /// `None` for what is no failure of the query, whose text this is.
    pub(super) fn of_query(error: &Error, sql: &str) -> Option<Self> {
        let (error_type, description) = match error {
            // No row is an answer, and the caller may well have expected it.
            Error::NotFound => return None,
            Error::DatabaseError(kind, information) => {
                let error_type = match kind {
                    // The kinds have no names but those that `Debug` prints.
                    DatabaseErrorKind::UniqueViolation
                    | DatabaseErrorKind::ForeignKeyViolation
                    | DatabaseErrorKind::UnableToSendCommand
                    | DatabaseErrorKind::SerializationFailure
                    | DatabaseErrorKind::ReadOnlyTransaction
                    | DatabaseErrorKind::RestrictViolation
                    | DatabaseErrorKind::NotNullViolation
                    | DatabaseErrorKind::CheckViolation
                    | DatabaseErrorKind::ExclusionViolation
                    | DatabaseErrorKind::ClosedConnection => Cow::Owned(format!("{kind:?}")),
                    _ => "DatabaseError".into(),
                };
                return Some(Self {
                    error_type,
                    code: None,
                    description: if is_copied_from(sql) {
                        of_copy(information.message())
                    } else {
                        without_quoted(information.message())
                    },
                });
            }
            // Their texts come from conversions of values, and may quote them.
            Error::InvalidCString(_) => ("InvalidCString", ""),
            Error::QueryBuilderError(_) => ("QueryBuilderError", ""),
            Error::DeserializationError(_) => ("DeserializationError", ""),
            Error::SerializationError(_) => ("SerializationError", ""),
            Error::RollbackErrorOnCommit { .. } => ("RollbackErrorOnCommit", ""),
            Error::RollbackTransaction => ("RollbackTransaction", ""),
            Error::AlreadyInTransaction => ("AlreadyInTransaction", "already in a transaction"),
            Error::NotInTransaction => ("NotInTransaction", "not in a transaction"),
            Error::BrokenTransactionManager => {
                ("BrokenTransactionManager", "the transaction is broken")
            }
            _ => ("diesel::result::Error", ""),
        };
        Some(Self {
            error_type: error_type.into(),
            code: None,
            description: description.to_owned(),
        })
    }

    pub(super) fn of_connect(error: &ConnectionError) -> Self {
        let (error_type, description) = match error {
            ConnectionError::BadConnection(message) => {
                ("BadConnection", without_quoted(without_place(message)))
            }
            // The texts may repeat the URL.
            ConnectionError::InvalidCString(_) => ("InvalidCString", String::new()),
            ConnectionError::InvalidConnectionUrl(_) => ("InvalidConnectionUrl", String::new()),
            ConnectionError::CouldntSetupConfiguration(_) => {
                ("CouldntSetupConfiguration", String::new())
            }
            _ => ("diesel::ConnectionError", String::new()),
        };
        Self {
            error_type: error_type.into(),
            code: None,
            description,
        }
    }
}

/// The description of a wait that was in vain: that it was, and why the pool could not open a connection, if it tried to.
#[cfg(feature = "r2d2")]
pub(super) fn of_wait(error: &PoolError) -> String {
    let message = error.to_string();
    match message.split_once(": ") {
        Some((waited, cause)) => format!("{waited}: {}", without_quoted(without_place(cause))),
        None => message,
    }
}

/// What went wrong, without the place that `libpq` begins with and quotes: the attributes of the server tell it.
fn without_place(message: &str) -> &str {
    let cause = message
        .starts_with("connection to server ")
        .then(|| message.split_once(" failed: "));
    cause.flatten().map_or(message, |(_, cause)| cause)
}

/// Whether rows of the application are copied, as diesel has it.
fn is_copied_from(sql: &str) -> bool {
    sql.starts_with("COPY ") && sql.contains(" FROM STDIN")
}

/// The description of what has failed while rows were copied, if the server is known to have said it.
///
/// Diesel tells a text only, which may be an error of the application's as well. The server repeats that one too, in words of
/// its own language.
fn of_copy(message: &str) -> String {
    const GIVEN_UP: &str = "COPY from stdin failed";
    if message.starts_with(GIVEN_UP) {
        GIVEN_UP.to_owned()
    } else if sqlstate::of_message(message).is_some() {
        without_quoted(message)
    } else {
        String::new()
    }
}

/// The quotation marks of the languages that databases speak, those of one kind together: any of them may begin or end.
const MARKS: [&str; 13] = [
    "'",
    "\"",
    "`",
    "«»",
    "‹›",
    "„“”‟",
    "‚‘’‛",
    "「」",
    "『』",
    "《》",
    "〈〉",
    "｢｣",
    "＂",
];

/// The first line of a database's message, with `?` for everything from its first to its last quotation mark, or to the end
/// where one is not closed.
///
/// Databases quote values, user names and the text of the query, and not all of them escape a quotation mark within.
fn without_quoted(message: &str) -> String {
    let marks = || {
        let marks = message.match_indices(|c| MARKS.iter().any(|kind| kind.contains(c)));
        marks.filter(|&(at, _)| !is_of_negation(message, at))
    };
    let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let Some((first, _)) = marks().next() else {
        return first_line(message);
    };
    let before = first_line(&message[..first]);
    if before.len() < first {
        return before;
    }
    let are_closed = MARKS.iter().all(|kind| {
        let of_kind = marks().filter(|(_, mark)| kind.contains(mark));
        of_kind.count() % 2 == 0
    });
    let last = marks().next_back().filter(|_| are_closed);
    let after = last.map(|(last, mark)| first_line(&message[last + mark.len()..]));
    format!("{before}?{}", after.unwrap_or_default())
}

/// Whether this is the apostrophe of a word like `doesn't` or `can't`, by which MySQL says much of what is wrong.
fn is_of_negation(message: &str, at: usize) -> bool {
    message[..at].ends_with('n') && message[at..].starts_with("'t ")
}

#[cfg(test)]
mod tests;
