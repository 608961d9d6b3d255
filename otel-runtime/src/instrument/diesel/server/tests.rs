use super::*;

#[track_caller]
fn check(
    url: &str,
    system: &str,
    namespace: Option<&str>,
    address: Option<&str>,
    port: Option<u16>,
) {
    let server = Server::from_url(url);
    let told = (
        server.namespace.as_deref(),
        server.address.as_deref(),
        server.port,
    );
    assert_eq!(server.system, system, "{url}");
    assert_eq!(told, (namespace, address, port), "{url}");
}

#[test]
fn postgresql_urls() {
    let pg = "postgresql";
    check(
        "postgres://localhost/rooms",
        pg,
        Some("rooms"),
        Some("localhost"),
        None,
    );
    check(
        "postgresql://u:p@db.example:5433/rooms",
        pg,
        Some("rooms"),
        Some("db.example"),
        Some(5433),
    );
    check(
        "postgres://u:p%40ss@db/a%20b?sslmode=off",
        pg,
        Some("a b"),
        Some("db"),
        None,
    );
    check(
        "postgres://[::1]:5432/rooms",
        pg,
        Some("rooms"),
        Some("::1"),
        Some(5432),
    );
    check(
        "postgres://[::1]/rooms",
        pg,
        Some("rooms"),
        Some("::1"),
        None,
    );
    check(
        "postgres://%2Fvar%2Frun/rooms",
        pg,
        Some("rooms"),
        Some("/var/run"),
        None,
    );
    check(
        "postgres:///rooms?host=db&port=1&user=u&password=p",
        pg,
        Some("rooms"),
        Some("db"),
        Some(1),
    );
    check(
        "postgres://u:p@a:1,b:2/rooms",
        pg,
        Some("rooms"),
        None,
        None,
    );
    check("postgres://u:p@db", pg, None, Some("db"), None);
    check("postgres://", pg, None, None, None);
    // Where the environment or a socket says where the server is.
    check("postgres:///rooms?port=5433", pg, Some("rooms"), None, None);
    check(
        "postgres:///rooms?port=5433&host=db",
        pg,
        Some("rooms"),
        Some("db"),
        Some(5433),
    );
}

#[test]
fn odd_urls_never_tell_user_or_password() {
    let pg = "postgresql";
    check(
        "postgres://user:pa@ss@db/rooms",
        pg,
        Some("rooms"),
        Some("db"),
        None,
    );
    check("postgres://user:pa/ss@db/rooms", pg, None, None, None);
    check("postgres://user:pa?ss@db/rooms", pg, None, None, None);
    check("postgres://user:pa#ss@db/rooms", pg, None, None, None);
    check("postgres://us@er:pa/ss@db/rooms", pg, None, None, None);
    check("postgres://user:secret", pg, None, None, None);
    check("postgres://user:secret/rooms", pg, None, None, None);
    check("postgres://db:99999/rooms", pg, None, None, None);
    check(
        "postgres:user:secret@db/rooms",
        "sqlite",
        Some("rooms"),
        None,
        None,
    );
    check("postgres:user:secret@db", "sqlite", None, None, None);
    check("oracle://user:secret@db", "other_sql", None, None, None);
    check(
        "postgres://user:se cret$@db$/rooms",
        pg,
        Some("rooms"),
        None,
        None,
    );
    check("postgres://db/rooms%00%ff", pg, None, Some("db"), None);
}

#[test]
fn mysql_urls() {
    check(
        "mysql://root:secret@127.0.0.1:3306/rooms",
        "mysql",
        Some("rooms"),
        Some("127.0.0.1"),
        Some(3306),
    );
    check(
        "mysql://root@localhost/rooms?ssl_mode=x",
        "mysql",
        Some("rooms"),
        Some("localhost"),
        None,
    );
}

#[test]
fn libpq_key_values() {
    let pg = "postgresql";
    check(
        "host=db port=5433 user=u password=p dbname=rooms",
        pg,
        Some("rooms"),
        Some("db"),
        Some(5433),
    );
    check(
        "host = db password = 'a b\\' dbname=x' dbname = rooms",
        pg,
        Some("rooms"),
        Some("db"),
        None,
    );
    check(
        "dbname=rooms password=se=cr@et",
        pg,
        Some("rooms"),
        None,
        None,
    );
    check(
        "hostaddr=10.0.0.1 sslmode=off",
        pg,
        None,
        Some("10.0.0.1"),
        None,
    );
    check("password=se cret=x host=db", pg, None, None, None);
    check("host=h user=u password=my SECRET", pg, None, None, None);
    check("host=h password=X sslmode", pg, None, None, None);
    for first in [
        "load_balance_hosts",
        "requirepeer",
        "min_protocol_version",
        "scram_client_key",
    ] {
        let parameters = format!("{first}=x host=db password=secret dbname=rooms");
        check(&parameters, pg, Some("rooms"), Some("db"), None);
    }
    check("user=u password='open host=db", pg, None, None, None);
    check("port=5433 dbname=rooms", pg, Some("rooms"), None, None);
    check(
        "port=5433 host=db dbname=rooms",
        pg,
        Some("rooms"),
        Some("db"),
        Some(5433),
    );
    check("host=a,b port=5433", pg, None, None, None);
    check("dbname=postgres://u:p@db/rooms", pg, None, None, None);
}

#[test]
fn sqlite_files() {
    check(":memory:", "sqlite", Some(":memory:"), None, None);
    check(
        "file::memory:?cache=shared",
        "sqlite",
        Some(":memory:"),
        None,
        None,
    );
    check(
        "/var/lib/dispo/dispo.db",
        "sqlite",
        Some("dispo.db"),
        None,
        None,
    );
    check("dispo.db", "sqlite", Some("dispo.db"), None, None);
    check("C:\\data\\dispo.db", "sqlite", Some("dispo.db"), None, None);
    check(
        "file:data/dis%20po.db?mode=ro#x",
        "sqlite",
        Some("dis po.db"),
        None,
        None,
    );
    check(
        "sqlite://data/dispo.db",
        "sqlite",
        Some("dispo.db"),
        None,
        None,
    );
    // As far as anybody can tell, these may have a password in them.
    for odd in ["a=b.db", "Host=h password=X", "server=h;pwd=X", "mysql:u:X"] {
        check(odd, "sqlite", None, None, None);
    }
    check("file:", "sqlite", None, None, None);
}

#[test]
fn an_empty_url_tells_nothing() {
    for empty in ["", " "] {
        check(empty, "other_sql", None, None, None);
    }
}

#[cfg(feature = "r2d2")]
#[test]
fn a_pool_is_called_by_where_its_connections_go() {
    for (url, name) in [
        ("postgres://u:p@db:5433/rooms", "db:5433/rooms"),
        ("postgres://db/rooms", "db/rooms"),
        ("mysql://[::1]:3306/rooms", "[::1]:3306/rooms"),
        ("postgres://db:5433", "db:5433"),
        ("port=5433 dbname=rooms", "rooms"),
        ("/var/lib/rooms.db", "rooms.db"),
        ("redis://db", "other_sql"),
    ] {
        assert_eq!(Server::from_url(url).pool_name(), name, "{url}");
    }
}
