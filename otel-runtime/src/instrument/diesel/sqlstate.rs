//! The code of an error as PostgreSQL gives it.
//!
//! Diesel keeps the codes to itself. Where one of its kinds of errors is one code, that is it; a few more are known by
//! messages that the server has for one code only. Those it says in English, unless it is set otherwise; then the code
//! is left out.

use diesel::result::{DatabaseErrorKind, Error};

/// The whole message, and its code: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
const MESSAGES: [(&str, &str); 10] = [
    ("canceling statement due to lock timeout", "55P03"),
    ("canceling statement due to statement timeout", "57014"),
    ("canceling statement due to user request", "57014"),
    (
        "current transaction is aborted, commands ignored until end of transaction block",
        "25P02",
    ),
    ("deadlock detected", "40P01"),
    ("division by zero", "22012"),
    (
        "terminating connection due to administrator command",
        "57P01",
    ),
    (
        "terminating connection due to idle-in-transaction timeout",
        "25P03",
    ),
    (
        "terminating connection due to idle-session timeout",
        "57P05",
    ),
    ("the database system is shutting down", "57P03"),
];

/// How messages begin that go on with what was sent.
const BEGINNINGS: [(&str, &str); 7] = [
    // Of `COPY`, of whose errors diesel tells no kind.
    ("duplicate key value violates unique constraint ", "23505"),
    ("invalid input syntax for type ", "22P02"),
    ("invalid input value for enum ", "22P02"),
    ("null value in column ", "23502"),
    ("permission denied for ", "42501"),
    ("syntax error at ", "42601"),
    ("value too long for type ", "22001"),
];

/// The code of what a server has answered, if it can be told.
pub(super) fn of(error: &Error) -> Option<&'static str> {
    let Error::DatabaseError(kind, information) = error else {
        return None;
    };
    match kind {
        DatabaseErrorKind::RestrictViolation => Some("23001"),
        DatabaseErrorKind::NotNullViolation => Some("23502"),
        DatabaseErrorKind::ForeignKeyViolation => Some("23503"),
        DatabaseErrorKind::UniqueViolation => Some("23505"),
        DatabaseErrorKind::CheckViolation => Some("23514"),
        DatabaseErrorKind::ExclusionViolation => Some("23P01"),
        DatabaseErrorKind::ReadOnlyTransaction => Some("25006"),
        DatabaseErrorKind::SerializationFailure => Some("40001"),
        _ => of_message(information.message()),
    }
}

/// The same by what the server says.
pub(super) fn of_message(message: &str) -> Option<&'static str> {
    let whole = MESSAGES.iter().find(|(known, _)| message == *known);
    let begun = || {
        BEGINNINGS
            .iter()
            .find(|(known, _)| message.starts_with(known))
    };
    whole.or_else(begun).map(|(_, code)| *code)
}
