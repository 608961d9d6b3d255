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
        ("it's open", "it?"),
        ("no \"a\" in \"secret", "no ?"),
        ("no \"a\" in 'secret", "no ?"),
        ("no \"a\" in 'b' here", "no ? here"),
        ("", ""),
    ];
    for (message, expected) in cases {
        assert_eq!(without_quoted(message), expected);
    }
}

#[test]
fn values_are_left_out_in_any_language() {
    let cases = [
        (
            "ungültige Eingabesyntax für Typ integer: »secret«",
            "ungültige Eingabesyntax für Typ integer: ?",
        ),
        (
            "Wert »secret« ist außerhalb des gültigen Bereichs für Typ integer",
            "Wert ? ist außerhalb des gültigen Bereichs für Typ integer",
        ),
        (
            "el valor «secret» está fuera de rango para el tipo integer",
            "el valor ? está fuera de rango para el tipo integer",
        ),
        (
            "la valeur «\u{a0}secret\u{a0}» est en dehors des limites pour le type integer",
            "la valeur ? est en dehors des limites pour le type integer",
        ),
        // The apostrophe is not told from a mark that begins.
        (
            "la valeur d'une clé dupliquée rompt la contrainte unique «\u{a0}secret\u{a0}»",
            "la valeur d?",
        ),
        (
            "值“secret”超出类型 integer 的范围",
            "值?超出类型 integer 的范围",
        ),
        (
            "値「secret」は型integerの範囲外です",
            "値?は型integerの範囲外です",
        ),
        ("集約の属性\"secretは認識できません", "集約の属性?"),
        (
            "nieprawidłowa składnia: „secret”",
            "nieprawidłowa składnia: ?",
        ),
        ("Wert »sec«ret« ist zu groß", "Wert ?"),
        ("Wert ›secret‹, ‚secret‘", "Wert ?"),
        ("값 『secret』 《secret》 ｢secret｣", "값 ?"),
    ];
    for (message, expected) in cases {
        assert_eq!(without_quoted(message), expected);
    }
}

#[test]
fn of_rows_that_are_copied_only_what_the_server_says_is_told() {
    let cases = [
        (
            "COPY from stdin failed: secret\nCONTEXT:  COPY rooms, line 1",
            "COPY from stdin failed",
        ),
        (
            "duplicate key value violates unique constraint \"rooms_name\"",
            "duplicate key value violates unique constraint ?",
        ),
        ("COPY FROM STDIN fehlgeschlagen: secret", ""),
        ("échec de la commande COPY à partir de stdin : secret", ""),
        ("the application's: COPY from stdin failed: secret", ""),
        ("secret", ""),
    ];
    let copy = "COPY \"rooms\" (\"id\") FROM STDIN";
    for (message, expected) in cases {
        let told = of_query(DatabaseErrorKind::Unknown, message, copy);
        assert_eq!(told, failure("DatabaseError", expected), "{message}");
    }
    let other = "COPY \"rooms\" (\"id\") TO STDOUT";
    assert_eq!(
        of_query(DatabaseErrorKind::Unknown, "no", other),
        failure("DatabaseError", "no")
    );
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
    assert_eq!(
        of_query(DatabaseErrorKind::CheckViolation, "no", ""),
        failure("CheckViolation", "no")
    );
    assert_eq!(
        of_query(DatabaseErrorKind::Unknown, "no", ""),
        failure("DatabaseError", "no")
    );
    assert_eq!(Failure::of_query(&Error::NotFound, ""), None);
    let bad = Error::SerializationError("secret".into());
    assert_eq!(
        Failure::of_query(&bad, ""),
        Some(failure("SerializationError", ""))
    );
    let url = ConnectionError::InvalidConnectionUrl("mysql://u:secret@db".to_owned());
    assert_eq!(
        Failure::of_connect(&url),
        failure("InvalidConnectionUrl", "")
    );
}

fn of_query(kind: DatabaseErrorKind, message: &str, sql: &str) -> Failure {
    let information: Box<dyn DatabaseErrorInformation + Send + Sync> = Box::new(message.to_owned());
    Failure::of_query(&Error::DatabaseError(kind, information), sql).expect("a failure")
}

fn failure(error_type: &'static str, description: &str) -> Failure {
    Failure {
        error_type: error_type.into(),
        code: None,
        description: description.to_owned(),
    }
}
