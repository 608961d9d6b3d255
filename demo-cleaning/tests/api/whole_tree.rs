//! Compares spans, with attributes and events, with what stands in `trees`.
//!
//! `BLESS=1 cargo test --test api tree_of` writes the files, those of PostgreSQL and RabbitMQ where `TEST_POSTGRES_URL` and
//! `TEST_AMQP_URL` are set; read them before you commit them.

use std::{env, fs, path::Path};

use otel_runtime::testing::{Detail, SpanRecord, tree};

/// How the names of databases on a server begin.
const DATABASE: &str = "demo_cleaning_api_";

/// What is another one in each run.
const VARIES: [&str; 6] = [
    "client.port",
    "db.namespace",
    "messaging.message.id",
    "network.peer.port",
    "otel_runtime.messaging.queue.duration",
    "server.port",
];

/// The tree of spans, with a mark in place of what is another one in each run.
pub(crate) fn text(spans: &[SpanRecord]) -> String {
    let hosts = hosts();
    tree(spans, Detail::NAMES.with_attributes())
        .lines()
        .map(|line| without_what_varies(line, &hosts) + "\n")
        .collect()
}
/// Compares a tree with the file of this name.
#[track_caller]
pub(crate) fn check(folder: &str, name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/api/trees")
        .join(folder)
        .join(name)
        .with_extension("txt");
    if env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    // The first line that differs is what one wants to see.
    for (line, number) in found.lines().zip(1..) {
        let expected = expected.lines().nth(number - 1).unwrap_or("nothing");
        assert_eq!(line, expected, "{}:{number}", path.display());
    }
    assert_eq!(found, expected, "{}", path.display());
}

/// Each attribute has a line of its own.
fn without_what_varies(line: &str, hosts: &[String]) -> String {
    let line = &without_server(&without_database(line));
    let address = "server.address = ";
    if let Some(host) = hosts
        .iter()
        .find(|host| line.ends_with(&format!("{address}\"{host}\"")))
    {
        return line.replace(host, "127.0.0.1");
    }
    let varies = line.split_once('=').filter(|(start, _)| {
        let key = start.trim_start_matches(|c: char| !c.is_ascii_lowercase());
        VARIES.contains(&key.trim())
    });
    match varies {
        Some((start, _)) => format!("{start}= ..."),
        None => line.to_owned(),
    }
}

/// A database of one test may be named where an error is told.
fn without_database(line: &str) -> String {
    let Some((start, rest)) = line.split_once(DATABASE) else {
        return line.to_owned();
    };
    let rest = rest.trim_start_matches(|c: char| c == '_' || c.is_ascii_digit());
    format!("{start}DATABASE{rest}")
}

/// Nor is it the same server everywhere that cannot be reached.
fn without_server(line: &str) -> String {
    let server = "connection to server at ";
    match line.split_once(server) {
        Some((start, rest)) => {
            let (_, why) = rest.split_once(" failed: ").unwrap_or(("", rest));
            format!("{start}{server}... failed: {why}")
        }
        None => line.to_owned(),
    }
}

/// The hosts of the servers that the tests are pointed at, as spans tell them.
fn hosts() -> Vec<String> {
    ["TEST_POSTGRES_URL", "TEST_AMQP_URL"]
        .into_iter()
        .filter_map(|variable| host(&env::var(variable).ok()?))
        .collect()
}

fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => host.split(':').next()?,
    };
    Some(host.to_owned())
}
