use super::*;

#[test]
fn literals_become_placeholders() {
    let cases = [
        ("SELECT 1", "SELECT ?"),
        (
            "SELECT -1, 1.5, .5, 1e-5, 1E+5, 0xFF, 1_000",
            "SELECT -?, ?, ?, ?, ?, ?, ?",
        ),
        ("SELECT 'a', 'it''s', ''", "SELECT ?, ?, ?"),
        ("SELECT 'a\\b' , 'b\\\\' , c", "SELECT ? , ? , c"),
        // By the server's settings the string ends after the backslash, or goes on.
        ("SELECT 'a\\' , 'b'", "SELECT ?"),
        ("SELECT 'it\\'s S3CR3T'", "SELECT ?"),
        ("SELECT E'a'\r'it\\'s S3CR3T', 1", "SELECT ?, ?"),
        ("SET h2.token = S3CR3T", "SET h2.token = ?"),
        (
            "set local h2.token to \"S3CR3T\", b; SELECT a",
            "set local h2.token to ?, ?; SELECT a",
        ),
        ("SET TRANSACTION READ ONLY", "SET TRANSACTION READ ONLY"),
        (
            "ALTER ROLE a SET h2.token = S3CR3T",
            "ALTER ROLE a SET h2.token = ?",
        ),
        (
            "ALTER DATABASE a SET h2.token TO \"S\"",
            "ALTER DATABASE a SET h2.token TO ?",
        ),
        (
            "ALTER TABLE a SET (fillfactor = 70)",
            "ALTER TABLE a SET (fillfactor = ?)",
        ),
        (
            "ALTER TABLE a ALTER b SET DEFAULT c",
            "ALTER TABLE a ALTER b SET DEFAULT c",
        ),
        (
            "SELECT a LIKE '\\_%' ESCAPE '\\' AND b = 'S'",
            "SELECT a LIKE ? ESCAPE ? AND b = ?",
        ),
        ("UPDATE a SET b = c", "UPDATE a SET b = c"),
        ("UPDATE a SET b = \"c\"", "UPDATE a SET b = \"c\""),
        (
            "SELECT x'ff', N'a', E'it\\'s', U&'a', B'01'",
            "SELECT ?, ?, ?, ?, ?",
        ),
        ("SELECT E'a'\n'it\\'s S3CR3T', 1", "SELECT ?, ?"),
        ("SELECT E'a' -- b\n  'it\\'s S3CR3T', 1", "SELECT ?, ?"),
        ("SELECT E'a' FROM b", "SELECT ? FROM b"),
        ("SELECT $$it's$$, $tag$ $$ $tag$, $1", "SELECT ?, ?, $1"),
        ("SELECT'a'LIKE'b'", "SELECT?LIKE?"),
        ("SELECT true, FALSE, NULL", "SELECT ?, ?, NULL"),
        (
            "SELECT t1.a2 FROM t1 WHERE b = ?1 AND c = :name",
            "SELECT t1.a2 FROM t1 WHERE b = ?1 AND c = :name",
        ),
        ("SELECT a::text, b[1]", "SELECT a::text, b[?]"),
        (
            "SELECT \"it's\" FROM `o'clock`",
            "SELECT \"it's\" FROM `o'clock`",
        ),
        (
            "SELECT 'a' -- 'secret'\n, 2 /* 3 /* nested */ */ , b",
            "SELECT ? , ? , b",
        ),
        ("  SELECT\n\t*  FROM a ;  ", "SELECT * FROM a ;"),
        ("SELECT 'open", "SELECT ?"),
        ("SELECT /* open", "SELECT"),
        ("SELECT $a$ open", "SELECT ?"),
        ("SELECT \"open", "SELECT \"open"),
        ("WHERE a=1AND b='x'", "WHERE a=? b=?"),
        ("$", "$"),
        ("", ""),
    ];
    for (sql, expected) in cases {
        assert_eq!(without_literals(sql, Dialect::Standard), expected, "{sql}");
    }
}

#[test]
fn dialects_differ_in_quotes_and_comments() {
    let cases = [
        (
            "SELECT \"a\", 'it''s', `b` # 1",
            "SELECT ?, ?, `b`",
            Dialect::Mysql,
        ),
        (
            "SELECT _utf8'a', \"a\\tb\", 2",
            "SELECT ?, ?, ?",
            Dialect::Mysql,
        ),
        (
            "SELECT [a 1] FROM [b]",
            "SELECT [a 1] FROM [b]",
            Dialect::Sqlite,
        ),
        (
            "SELECT a LIKE b ESCAPE '\\'S3CR3T'",
            "SELECT a LIKE b ESCAPE ?",
            Dialect::Mysql,
        ),
        ("SELECT a[1] # 2", "SELECT a[?] # ?", Dialect::Standard),
        ("SELECT 'it\\'s S3CR3T'", "SELECT ?", Dialect::Unknown),
    ];
    for (sql, expected, dialect) in cases {
        assert_eq!(without_literals(sql, dialect), expected, "{sql}");
    }
}

#[test]
fn where_a_string_begins_or_ends_in_doubt_all_is_hidden() {
    use Dialect::{Mysql, Sqlite, Standard, Unknown};
    let cases = [
        // By the server's settings the string ends after the backslash, or goes on.
        ("VALUES ('C:\\', 'S3CR3T')", "VALUES (?", Mysql),
        ("VALUES ('it\\'s S3CR3T', 1)", "VALUES (?", Mysql),
        ("VALUES (\"C:\\\", \"S3CR3T\")", "VALUES (?", Mysql),
        (
            "VALUES ('a\\\\', \"b\\n\", 'c''d')",
            "VALUES (?, ?, ?)",
            Mysql,
        ),
        (
            "INSERT INTO t (a, b) VALUES (\"x\\\"y S3CR3T\", 1)",
            "INSERT INTO t (a, b) VALUES (?",
            Unknown,
        ),
        (
            "SELECT a LIKE b ESCAPE '\\'S3CR3T'",
            "SELECT a LIKE b ESCAPE ?",
            Unknown,
        ),
        // A comment, or an operator.
        (
            "SELECT a # it's\nFROM t WHERE b='S3CR3T'",
            "SELECT a ?",
            Unknown,
        ),
        (
            "SELECT a # of b S3CR3T\nFROM t WHERE b='S3CR3T'",
            "SELECT a FROM t WHERE b=?",
            Unknown,
        ),
        // A comment, or two signs.
        ("SELECT 1--'a\nb', 'S3CR3T'", "SELECT ?--?, ?", Mysql),
        ("SELECT 1--'a\nb', 'S3CR3T'", "SELECT ??", Unknown),
        ("SELECT 1--S3CR3T\n, b", "SELECT ? , b", Unknown),
        ("SELECT 1 -- S3CR3T\n, b", "SELECT ? , b", Mysql),
        // Where the line ends.
        ("SELECT 1 -- a\r'b\nS3CR3T'", "SELECT ? ?", Standard),
        ("SELECT 1 -- a\r'b\nS3CR3T'", "SELECT ? ?", Unknown),
        ("SELECT 1 -- a'\r'b\nc", "SELECT ? c", Mysql),
        // One comment within another, or not.
        ("SELECT /* /* */ 'a */ S3CR3T'", "SELECT ?", Mysql),
        ("SELECT /* /* */ 'a */ S3CR3T'", "SELECT ?", Sqlite),
        ("SELECT /* /* */ 'a */ S3CR3T'", "SELECT", Unknown),
        ("SELECT /* a */ b", "SELECT b", Unknown),
        // A comment that is run.
        ("SELECT /*! '*/', 'S3CR3T' */", "SELECT ?", Mysql),
        ("SELECT /*!40101 a */ b", "SELECT b", Mysql),
        // A name, or code.
        ("SELECT [it's] FROM t WHERE b='S3CR3T'", "SELECT ?", Unknown),
        (
            "SELECT a[1], ARRAY['b', $1] FROM t",
            "SELECT a[?], ARRAY[?, $1] FROM t",
            Unknown,
        ),
    ];
    for (sql, expected, dialect) in cases {
        assert_eq!(without_literals(sql, dialect), expected, "{sql}");
    }
}

#[test]
fn what_may_be_a_value_in_sqlite_is_taken_for_one() {
    let cases = [
        (
            "SELECT a FROM b WHERE c = \"S3CR3T\"",
            "SELECT a FROM b WHERE c = ?",
        ),
        (
            "SELECT a FROM b WHERE c LIKE \"S%\"",
            "SELECT a FROM b WHERE c LIKE ?",
        ),
        (
            "SELECT a WHERE c NOT IN (1, \"S\") AND \"d\" = e",
            "SELECT a WHERE c NOT IN (?, ?) AND \"d\" = e",
        ),
        (
            "INSERT INTO \"a\" (\"b\", \"c\") VALUES (1, \"S\"), (lower(\"S\"), 2) RETURNING \"b\"",
            "INSERT INTO \"a\" (\"b\", \"c\") VALUES (?, ?), (lower(?), ?) RETURNING \"b\"",
        ),
        (
            "UPDATE \"a\" SET \"b\" = \"S\" || \"c\", \"d\" = 1",
            "UPDATE \"a\" SET \"b\" = ? || ?, \"d\" = ?",
        ),
        ("PRAGMA key = \"x'2DD29CA8'\"", "PRAGMA key = ?"),
        ("PRAGMA key(\"S\")", "PRAGMA key(?)"),
        ("PRAGMA rekey = S3CR3T", "PRAGMA rekey = ?"),
        (
            "CREATE TABLE \"a\" (\"b\" INTEGER DEFAULT \"S\", PRIMARY KEY (\"b\"))",
            "CREATE TABLE \"a\" (\"b\" INTEGER DEFAULT ?, PRIMARY KEY (\"b\"))",
        ),
        ("ATTACH 'a' AS b KEY \"S\"", "ATTACH ? AS b KEY ?"),
        (
            "SELECT a WHERE b BETWEEN \"S\" AND \"T\" AND \"c\" = 1",
            "SELECT a WHERE b BETWEEN ? AND ? AND \"c\" = ?",
        ),
        (
            "SELECT a WHERE b = (\"S\") AND c LIKE (\"S\") AND d IS NOT \"S\"",
            "SELECT a WHERE b = (?) AND c LIKE (?) AND d IS NOT ?",
        ),
        (
            "SELECT CASE a WHEN \"S\" THEN \"T\" ELSE \"U\" END",
            "SELECT CASE a WHEN ? THEN ? ELSE ? END",
        ),
        (
            "SELECT a WHERE b IN (SELECT \"q\".\"b\" FROM \"q\" JOIN \"r\" ON \"r\".\"i\" = \"q\".\"i\")",
            "SELECT a WHERE b IN (SELECT \"q\".\"b\" FROM \"q\" JOIN \"r\" ON \"r\".\"i\" = \"q\".\"i\")",
        ),
        (
            "INSERT INTO a VALUES ((SELECT \"b\" FROM \"c\"), \"S\") ON CONFLICT (\"d\") DO NOTHING",
            "INSERT INTO a VALUES ((SELECT \"b\" FROM \"c\"), ?) ON CONFLICT (\"d\") DO NOTHING",
        ),
        (
            "SELECT \"a\" WHERE NOT (\"b\" = 1) AND (\"c\" = \"d\".\"e\")",
            "SELECT \"a\" WHERE NOT (\"b\" = ?) AND (\"c\" = \"d\".\"e\")",
        ),
        ("PRAGMA journal_mode = WAL", "PRAGMA journal_mode = WAL"),
        (
            "SELECT \"a\".\"b\" FROM \"a\" JOIN \"c\" ON \"a\".\"b\" = \"c\".\"b\" ORDER BY \"a\".\"b\"",
            "SELECT \"a\".\"b\" FROM \"a\" JOIN \"c\" ON \"a\".\"b\" = \"c\".\"b\" ORDER BY \"a\".\"b\"",
        ),
    ];
    for (sql, expected) in cases {
        for dialect in [Dialect::Sqlite, Dialect::Unknown] {
            assert_eq!(without_literals(sql, dialect), expected, "{sql}");
        }
    }
    let mysql = "SET @a = b, @c = (SELECT d FROM e)";
    assert_eq!(without_literals(mysql, Dialect::Mysql), mysql);
    let names = "UPDATE \"a\" SET \"b\" = \"c\" || \"d\"";
    assert_eq!(without_literals(names, Dialect::Standard), names);
}

#[test]
fn tokens_together_are_the_text() {
    let pieces = [
        "'", "\"", "`", "$", "$a$", "--", "/*", "*/", "\n", "\\", "é", "1", ".", "e", "-", "[",
        "]", ":", "?", "日",
    ];
    for first in pieces {
        for second in pieces {
            for third in pieces {
                let sql = [first, second, third, "x"].concat();
                for dialect in [
                    Dialect::Standard,
                    Dialect::Sqlite,
                    Dialect::Mysql,
                    Dialect::Unknown,
                ] {
                    let joined: String = tokens(&sql, dialect).map(|token| token.text).collect();
                    assert_eq!(joined, sql);
                    assert!(tokens(&sql, dialect).all(|token| !token.text.is_empty()));
                }
            }
        }
    }
}
