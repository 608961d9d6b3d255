use super::*;

#[track_caller]
fn check(dialect: Dialect, cases: &[(&str, &str)]) {
    for (sql, expected) in cases {
        assert_eq!(summarize(sql, dialect), *expected, "{sql}");
    }
}

#[test]
fn queries() {
    check(
        Dialect::Standard,
        &[
            ("SELECT 1", "SELECT"),
            ("select * from rooms", "select rooms"),
            ("Select * From Rooms", "Select Rooms"),
            (
                "SELECT * FROM rooms r WHERE r.id = $1 ORDER BY r.id LIMIT 1",
                "SELECT rooms",
            ),
            ("SELECT DISTINCT name FROM rooms", "SELECT rooms"),
            (
                "SELECT * FROM bookings, rooms AS r, guests g",
                "SELECT bookings rooms guests",
            ),
            (
                "SELECT * FROM bookings b JOIN rooms r ON b.room_id = r.id, guests",
                "SELECT bookings rooms guests",
            ),
            (
                "SELECT * FROM a LEFT OUTER JOIN b USING (id) CROSS JOIN c",
                "SELECT a b c",
            ),
            (
                "SELECT a.* FROM (a INNER JOIN b ON (a.id = b.id))",
                "SELECT a b",
            ),
            (
                "SELECT * FROM ((a JOIN b ON a.x = b.x) JOIN c ON b.y = c.y) WHERE a.z IN ($1, $2)",
                "SELECT a b c",
            ),
            ("SELECT * FROM rooms a, rooms b", "SELECT rooms"),
            (
                "SELECT * FROM (SELECT * FROM orders o JOIN customers c ON o.c = c.id) x",
                "SELECT SELECT orders customers",
            ),
            (
                "SELECT * FROM a WHERE id IN (SELECT a_id FROM b WHERE c = $1) AND d = $2",
                "SELECT a SELECT b",
            ),
            (
                "SELECT (SELECT count(*) FROM b), c FROM a",
                "SELECT SELECT b a",
            ),
            (
                "SELECT * FROM a WHERE EXISTS (SELECT 1 FROM b)",
                "SELECT a SELECT b",
            ),
            (
                "SELECT a FROM x UNION ALL SELECT a FROM y EXCEPT SELECT a FROM z",
                "SELECT x SELECT y SELECT z",
            ),
            (
                "(SELECT a FROM x) UNION (SELECT a FROM y)",
                "SELECT x SELECT y",
            ),
            ("SELECT * FROM rooms FOR UPDATE SKIP LOCKED", "SELECT rooms"),
            (
                "SELECT extract(year FROM start), trim(both ' ' FROM name) FROM bookings",
                "SELECT bookings",
            ),
            (
                "SELECT a IS DISTINCT FROM b, a IS NOT DISTINCT FROM c FROM d",
                "SELECT d",
            ),
            (
                "SELECT * FROM generate_series(1, 3) AS g, rooms",
                "SELECT rooms",
            ),
            (
                "SELECT * FROM rooms, LATERAL (SELECT * FROM b) x, ONLY c",
                "SELECT rooms SELECT b c",
            ),
            ("SELECT now()", "SELECT"),
            ("VALUES (1, 2), (3, 4)", "VALUES"),
            ("SELECT * FROM (VALUES (1, 2)) AS v (a, b)", "SELECT"),
        ],
    );
}

#[test]
fn names() {
    check(
        Dialect::Standard,
        &[
            ("SELECT * FROM \"rooms\"", "SELECT rooms"),
            (
                "SELECT * FROM \"public\".\"rooms\" AS \"r\"",
                "SELECT public.rooms",
            ),
            (
                "SELECT * FROM db . public . rooms",
                "SELECT db.public.rooms",
            ),
            ("SELECT `a`.`b` FROM `a` INNER JOIN `c`", "SELECT a c"),
            ("SELECT * FROM \"odd\"\"name\"", "SELECT odd\"name"),
            // Otherwise they were two names.
            (
                "SELECT * FROM \"song list\", public.\"odd \"\" name\", artists",
                "SELECT \"song list\" public.\"odd \"\" name\" artists",
            ),
            ("SELECT * FROM \"select\"", "SELECT select"),
            (
                "SELECT \"from\" FROM \"where\" WHERE \"join\" = 1",
                "SELECT where",
            ),
            ("SELECT * FROM zimmer_größe", "SELECT zimmer_größe"),
        ],
    );
    check(
        Dialect::Sqlite,
        &[(
            "SELECT * FROM [main].[odd name], [rooms]",
            "SELECT main.[odd name] rooms",
        )],
    );
    check(
        Dialect::Mysql,
        &[("SELECT \"FROM a\" FROM `b`", "SELECT b")],
    );
}

#[test]
fn changes() {
    check(
        Dialect::Standard,
        &[
            (
                "INSERT INTO bookings (room_id, start) VALUES ($1, $2) RETURNING id",
                "INSERT bookings",
            ),
            (
                "INSERT INTO `bookings` (`room_id`) VALUES (?)",
                "INSERT bookings",
            ),
            (
                "insert or replace into bookings values (1)",
                "insert bookings",
            ),
            ("INSERT INTO a DEFAULT VALUES", "INSERT a"),
            (
                "INSERT INTO details (a, b) SELECT a, b FROM orders WHERE id = 1",
                "INSERT details SELECT orders",
            ),
            (
                "INSERT INTO a (b) VALUES (1) ON CONFLICT (b) DO UPDATE SET c = excluded.c WHERE a.d",
                "INSERT a",
            ),
            (
                "INSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE b = 2",
                "INSERT a",
            ),
            (
                "INSERT INTO a SELECT (SELECT max(b) FROM c) FROM d",
                "INSERT a SELECT SELECT c d",
            ),
            ("REPLACE INTO a VALUES (1)", "REPLACE a"),
            (
                "UPDATE bookings SET state = $1 WHERE id = $2",
                "UPDATE bookings",
            ),
            ("UPDATE OR IGNORE a SET b = 1, c = 2", "UPDATE a"),
            (
                "UPDATE ONLY a SET b = c.d FROM c JOIN e ON c.f = e.f WHERE a.g = c.g",
                "UPDATE a c e",
            ),
            ("UPDATE a JOIN b ON a.c = b.c SET a.d = b.d", "UPDATE a b"),
            ("UPDATE a SET b = (SELECT c FROM d)", "UPDATE a SELECT d"),
            ("DELETE FROM rooms WHERE id = 1", "DELETE rooms"),
            ("DELETE FROM a USING b, c WHERE a.d = b.d", "DELETE a b c"),
            ("DELETE t FROM t JOIN u ON t.id = u.id", "DELETE t u"),
            ("DELETE t FROM t JOIN u USING (id)", "DELETE t u"),
            (
                "MERGE INTO a USING (SELECT c FROM b) x ON a.c = x.c WHEN MATCHED THEN DELETE",
                "MERGE a SELECT b",
            ),
            (
                "MERGE INTO a USING b ON a.c = b.c WHEN MATCHED THEN UPDATE SET d = 1 WHEN NOT MATCHED THEN INSERT (c) VALUES (1)",
                "MERGE a b",
            ),
            ("TRUNCATE TABLE rooms", "TRUNCATE rooms"),
            ("TRUNCATE rooms", "TRUNCATE rooms"),
            (
                "TRUNCATE TABLE ONLY a, public.b *, ONLY \"c\" RESTART IDENTITY; SELECT 1",
                "TRUNCATE a public.b c SELECT",
            ),
            ("COPY rooms FROM STDIN", "COPY rooms"),
            ("COPY (SELECT * FROM rooms) TO STDOUT", "COPY SELECT rooms"),
            ("CALL app.plan(1)", "CALL app.plan"),
        ],
    );
}

#[test]
fn named_queries() {
    check(
        Dialect::Standard,
        &[
            (
                "WITH r AS (SELECT * FROM rooms) SELECT * FROM r JOIN b ON r.id = b.id",
                "SELECT rooms SELECT b",
            ),
            (
                "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t",
                "SELECT",
            ),
            (
                "WITH \"r\" AS (SELECT 1 FROM a) SELECT * FROM \"r\", b",
                "SELECT a SELECT b",
            ),
            (
                "WITH a AS (SELECT 1 FROM x), b AS MATERIALIZED (SELECT 2 FROM y) INSERT INTO z SELECT * FROM a",
                "SELECT x SELECT y INSERT z SELECT",
            ),
            (
                "WITH d AS (DELETE FROM a RETURNING *) SELECT * FROM d",
                "DELETE a SELECT",
            ),
            (
                "WITH u AS (UPDATE a SET b = 1 RETURNING *) INSERT INTO c SELECT * FROM u",
                "UPDATE a INSERT c SELECT",
            ),
            ("WITH a AS (SELECT 1) UPDATE b SET c = 1", "SELECT UPDATE b"),
            (
                "INSERT INTO t WITH c AS (SELECT * FROM a) SELECT * FROM c",
                "INSERT t SELECT a SELECT",
            ),
            (
                "INSERT INTO t (x) WITH c (x) AS NOT MATERIALIZED (SELECT * FROM a) SELECT * FROM c, d",
                "INSERT t SELECT a SELECT d",
            ),
            (
                "CREATE VIEW v AS WITH c AS (SELECT * FROM a) SELECT * FROM c",
                "CREATE VIEW v SELECT a SELECT",
            ),
            (
                "CREATE TABLE t AS WITH RECURSIVE c AS (SELECT 1 UNION SELECT 2 FROM c) SELECT * FROM c",
                "CREATE TABLE t SELECT",
            ),
            // No lists of queries.
            (
                "SELECT * FROM f(1) WITH ORDINALITY AS a (b, c), d",
                "SELECT d",
            ),
            (
                "SELECT a::timestamp with time zone FROM b FETCH FIRST 1 ROW WITH TIES",
                "SELECT b",
            ),
        ],
    );
}

#[test]
fn the_name_of_a_query_holds_where_sql_has_it_hold() {
    check(
        Dialect::Standard,
        &[
            // Within its own definition it is a table still.
            (
                "WITH rooms AS (SELECT * FROM rooms WHERE x) SELECT * FROM rooms",
                "SELECT rooms SELECT",
            ),
            (
                "WITH rooms (id) AS (SELECT id FROM rooms), b AS (SELECT * FROM rooms) SELECT * FROM rooms, b",
                "SELECT rooms SELECT",
            ),
            (
                "WITH RECURSIVE rooms AS (SELECT * FROM rooms) SELECT * FROM rooms",
                "SELECT",
            ),
            // And so it is outside the parentheses, and with the name of a schema.
            (
                "SELECT * FROM (WITH a AS (SELECT 1 FROM x) SELECT * FROM a) b JOIN a ON b.c = a.c",
                "SELECT SELECT x SELECT a",
            ),
            (
                "WITH a AS (WITH b AS (SELECT 1 FROM x) SELECT * FROM b) SELECT * FROM a, b",
                "SELECT x SELECT SELECT b",
            ),
            (
                "WITH a AS (SELECT 1 FROM x) SELECT * FROM public.a",
                "SELECT x SELECT public.a",
            ),
            (
                "WITH a AS (SELECT 1 FROM x) SELECT 1 FROM a; SELECT * FROM a",
                "SELECT x SELECT SELECT a",
            ),
            // Without quotes it is the same in any case.
            (
                "WITH Recent AS (SELECT 1 FROM x) SELECT * FROM RECENT, \"recent\"",
                "SELECT x SELECT",
            ),
            (
                "WITH \"Recent\" AS (SELECT 1 FROM x) SELECT * FROM \"Recent\", recent, \"RECENT\"",
                "SELECT x SELECT recent RECENT",
            ),
            (
                "WITH r AS (SELECT 1) SELECT * FROM \"AS\", r",
                "SELECT SELECT AS",
            ),
        ],
    );
    check(
        Dialect::Sqlite,
        &[
            (
                "WITH \"Recent\" AS (SELECT 1 FROM x) SELECT * FROM recent, [RECENT]",
                "SELECT x SELECT",
            ),
            (
                "WITH t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t",
                "SELECT",
            ),
        ],
    );
}

#[test]
fn transactions_and_settings() {
    check(
        Dialect::Standard,
        &[
            ("BEGIN", "BEGIN"),
            ("BEGIN IMMEDIATE", "BEGIN"),
            ("begin transaction isolation level serializable", "begin"),
            ("START TRANSACTION", "START"),
            ("COMMIT", "COMMIT"),
            ("ROLLBACK", "ROLLBACK"),
            ("SAVEPOINT diesel_savepoint_1", "SAVEPOINT"),
            ("RELEASE SAVEPOINT diesel_savepoint_1", "RELEASE"),
            ("ROLLBACK TO SAVEPOINT diesel_savepoint_1", "ROLLBACK"),
            ("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys"),
            ("PRAGMA table_info('rooms')", "PRAGMA table_info"),
            ("SET TIME ZONE 'UTC'", "SET"),
            ("SHOW search_path", "SHOW"),
            ("VACUUM", "VACUUM"),
            ("GRANT SELECT ON rooms TO someone", "GRANT"),
            (
                "EXPLAIN QUERY PLAN SELECT * FROM rooms",
                "EXPLAIN SELECT rooms",
            ),
            (
                "EXPLAIN (ANALYZE, BUFFERS) DELETE FROM rooms",
                "EXPLAIN DELETE rooms",
            ),
        ],
    );
}

#[test]
fn definitions() {
    check(
        Dialect::Standard,
        &[
            (
                "CREATE TABLE rooms (id INTEGER PRIMARY KEY, a TEXT REFERENCES b ON DELETE CASCADE)",
                "CREATE TABLE rooms",
            ),
            (
                "CREATE TEMP TABLE IF NOT EXISTS \"rooms\" (id INT)",
                "CREATE TABLE rooms",
            ),
            (
                "CREATE TABLE a AS SELECT * FROM b",
                "CREATE TABLE a SELECT b",
            ),
            (
                "CREATE OR REPLACE VIEW v AS SELECT * FROM a JOIN b ON a.c = b.c",
                "CREATE VIEW v SELECT a b",
            ),
            (
                "CREATE UNIQUE INDEX CONCURRENTLY i ON rooms (name)",
                "CREATE INDEX i",
            ),
            ("CREATE INDEX ON rooms (name)", "CREATE INDEX"),
            ("CREATE VIRTUAL TABLE t USING fts5(a)", "CREATE TABLE t"),
            (
                "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET c = 1; DELETE FROM d; END",
                "CREATE TRIGGER t",
            ),
            ("ALTER TABLE rooms ADD COLUMN a INT", "ALTER TABLE rooms"),
            ("DROP TABLE IF EXISTS rooms", "DROP TABLE rooms"),
            ("DROP TABLE a, b, \"c\".\"d\" CASCADE", "DROP TABLE a b c.d"),
            ("DROP VIEW a, b; DROP TABLE", "DROP VIEW a b DROP TABLE"),
            (
                "DROP FUNCTION f (int, text), g, h ()",
                "DROP FUNCTION f g h",
            ),
            (
                "create temp table if not exists rooms (id int)",
                "create table rooms",
            ),
            ("CREATE PUBLICATION p FOR ALL TABLES", "CREATE"),
        ],
    );
}

#[test]
fn strings_comments_and_several_statements() {
    check(
        Dialect::Standard,
        &[
            (
                "SELECT 'FROM a JOIN b' FROM c -- FROM d\nWHERE e = '; DELETE FROM f'",
                "SELECT c",
            ),
            ("/* SELECT * FROM a */ DELETE FROM b", "DELETE b"),
            ("-- only a comment", ""),
            ("SELECT $$ FROM a $$ FROM b", "SELECT b"),
            (
                "INSERT INTO a VALUES (1); INSERT INTO b VALUES (2);",
                "INSERT a INSERT b",
            ),
            (
                "INSERT INTO a VALUES (1); INSERT INTO a VALUES (2)",
                "INSERT a",
            ),
            ("BEGIN; UPDATE a SET b = 1; COMMIT", "BEGIN UPDATE a COMMIT"),
            (";;; SELECT * FROM a ;;", "SELECT a"),
            ("SELECT * FROM (a; DELETE FROM b", "SELECT a DELETE b"),
        ],
    );
}

#[test]
fn what_is_no_sql() {
    check(
        Dialect::Standard,
        &[
            ("", ""),
            ("   ", ""),
            ("garbage in", ""),
            ("42", ""),
            ("'SELECT'", ""),
            (")))(((", ""),
            ("SELECT FROM", "SELECT"),
            ("INSERT", "INSERT"),
            ("INSERT INTO", "INSERT"),
            ("UPDATE 1", "UPDATE"),
            ("CREATE", "CREATE"),
            ("WITH", ""),
            ("EXPLAIN (", "EXPLAIN"),
            ("FROM a SELECT", "SELECT"),
            ("日本 SELECT \u{0}", "SELECT"),
        ],
    );
}

#[test]
fn long_ones_are_cut_between_words() {
    let tables: Vec<_> = (0..100).map(|number| format!("table_{number}")).collect();
    let summary = summarize(
        &format!("SELECT * FROM {}", tables.join(", ")),
        Dialect::Standard,
    );
    assert!(
        summary.len() <= MAX_LENGTH && summary.len() > MAX_LENGTH - 10,
        "{summary}"
    );
    let complete: Vec<_> = summary.split(' ').skip(1).collect();
    assert_eq!(complete, tables[..complete.len()]);

    let endless = format!("SELECT * FROM {}", "x".repeat(300));
    assert_eq!(summarize(&endless, Dialect::Standard), "SELECT");
}

#[test]
fn any_mixture_of_words_is_survived() {
    // A small generator of our own, so that a failure can be repeated.
    let words = [
        "SELECT", "FROM", "a", "\"b\"", "(", ")", ",", ";", ".", "JOIN", "INSERT", "INTO", "WITH",
        "AS", "UPDATE", "SET", "DELETE", "USING", "CREATE", "TABLE", "EXPLAIN", "VALUES", "'x",
        "'", "1", "$1", "--", "\n", "/*", "*/", "é", "ONLY", "LATERAL",
    ];
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let mut sql = String::new();
        for _ in 0..12 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            sql.push_str(words[usize::try_from(state >> 33).expect("31 bits") % words.len()]);
            sql.push(' ');
        }
        for dialect in [Dialect::Standard, Dialect::Sqlite, Dialect::Mysql] {
            assert!(summarize(&sql, dialect).len() <= MAX_LENGTH, "{sql}");
        }
    }
}
