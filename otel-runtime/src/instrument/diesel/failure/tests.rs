use diesel::result::DatabaseErrorInformation;

use super::*;

#[test]
fn values_in_messages_are_left_out() {
    let cases = [
        (
            "UNIQUE constraint failed: rooms.name",
            "UNIQUE constraint failed: rooms.name",
        ),
        (
            "duplicate key value violates unique constraint \"rooms_name\"",
            "duplicate key value violates unique constraint ?",
        ),
        (
            "Duplicate entry 'O'Brien' for key 'name'",
            "Duplicate entry ?",
        ),
        ("near \"secret\": syntax error", "near ?: syntax error"),
        (
            "invalid input syntax for type integer: \"4\n2\"",
            "invalid input syntax for type integer: ?",
        ),
        (
            "connection failed\n\tIs the server running with user \"alice\"?",
            "connection failed",
        ),
        (
            "password authentication failed for user \"alice\"\n",
            "password authentication failed for user ?",
        ),
        (
            "Table 'rooms.nothing' doesn't exist",
            "Table ? doesn't exist",
        ),
        (
            "Can't connect to server on 'db' (111)",
            "Can't connect to server on ? (111)",
        ),
        (
            "Duplicate entry 'I don't know' for key 'name'",
            "Duplicate entry ?",
        ),
        ("unterminated 'secret", "unterminated ?"),
        (
            "COPY from stdin failed: secret\nCONTEXT:  COPY rooms, line 1",
            "COPY from stdin failed",
        ),
        ("it's open", "it?"),
        ("", ""),
    ];
    for (message, expected) in cases {
        assert_eq!(without_quoted(message), expected);
    }
}

#[test]
fn a_refused_connection_is_told_by_its_cause() {
    let cases = [
        (
            "connection to server at \"db\", port 5432 failed: FATAL:  database \"rooms\" does not exist\n",
            "FATAL:  database ? does not exist",
        ),
        (
            "connection to server on socket \"/run/.s.PGSQL.5432\" failed: No such file or directory\n\tIs the server \
             running locally?",
            "No such file or directory",
        ),
        (
            "could not translate host name \"db\" to address: Name or service not known",
            "could not translate host name ? to address: Name or service not known",
        ),
        (
            "unable to open database file",
            "unable to open database file",
        ),
    ];
    for (message, expected) in cases {
        let error = ConnectionError::BadConnection(message.to_owned());
        assert_eq!(
            Failure::of_connect(&error),
            failure("BadConnection", expected)
        );
    }
}

#[test]
fn kinds_become_types() {
    let of = |kind| {
        let information: Box<dyn DatabaseErrorInformation + Send + Sync> =
            Box::new("no".to_owned());
        Failure::of_query(&Error::DatabaseError(kind, information)).expect("a failure")
    };
    assert_eq!(
        of(DatabaseErrorKind::CheckViolation),
        failure("CheckViolation", "no")
    );
    assert_eq!(
        of(DatabaseErrorKind::Unknown),
        failure("DatabaseError", "no")
    );
    assert_eq!(Failure::of_query(&Error::NotFound), None);
    let bad = Error::SerializationError("secret".into());
    assert_eq!(
        Failure::of_query(&bad),
        Some(failure("SerializationError", ""))
    );
    let url = ConnectionError::InvalidConnectionUrl("mysql://u:secret@db".to_owned());
    assert_eq!(
        Failure::of_connect(&url),
        failure("InvalidConnectionUrl", "")
    );
}

fn failure(error_type: &'static str, description: &str) -> Failure {
    Failure {
        error_type: error_type.into(),
        description: description.to_owned(),
    }
}
