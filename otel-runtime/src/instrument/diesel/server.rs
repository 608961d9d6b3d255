//! What a connection URL tells about the database, never about the user.
//!
//! A URL that is not formed as it should be may have a password where a host or a name belongs. Whatever looks like
//! that is left out.

use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute::{
    DB_NAMESPACE, DB_SYSTEM_NAME, SERVER_ADDRESS, SERVER_PORT,
};

use super::sql::Dialect;
use crate::instrument::address::without_brackets;

/// Where queries go.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(super) struct Server {
    /// A value of `db.system.name`.
    pub(super) system: &'static str,
    pub(super) namespace: Option<String>,
    pub(super) address: Option<String>,
    pub(super) port: Option<u16>,
}

impl Server {
    /// A database of which nothing is known.
    pub(super) const UNKNOWN: Self = Self::of("other_sql");

    const fn of(system: &'static str) -> Self {
        Self {
            system,
            namespace: None,
            address: None,
            port: None,
        }
    }

    /// Reads what diesel's three backends accept.
    pub(super) fn from_url(url: &str) -> Self {
        if let Some(rest) = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
        {
            return Self::of("postgresql").with_authority(rest);
        }
        if let Some(rest) = url.strip_prefix("mysql://") {
            return Self::of("mysql").with_authority(rest);
        }
        if let Some(server) = Self::from_key_values(url) {
            return server;
        }
        let uri = url
            .strip_prefix("sqlite://")
            .or_else(|| url.strip_prefix("file:"));
        // An empty one is PostgreSQL's, where the environment says all, or SQLite's, of a database without a name.
        if uri.is_none() && (url.contains("://") || url.trim().is_empty()) {
            return Self::UNKNOWN;
        }
        Self {
            namespace: sqlite_file(url, uri),
            ..Self::of("sqlite")
        }
    }

    pub(super) fn dialect(&self) -> Dialect {
        match self.system {
            "mysql" => Dialect::Mysql,
            "sqlite" => Dialect::Sqlite,
            "postgresql" => Dialect::Standard,
            _ => Dialect::Unknown,
        }
    }

    pub(super) fn attributes(&self) -> Vec<KeyValue> {
        let mut attributes = vec![KeyValue::new(DB_SYSTEM_NAME, self.system)];
        let namespace = self.namespace.clone();
        attributes.extend(namespace.map(|namespace| KeyValue::new(DB_NAMESPACE, namespace)));
        let address = self.address.clone();
        attributes.extend(address.map(|address| KeyValue::new(SERVER_ADDRESS, address)));
        attributes.extend(
            self.port
                .map(|port| KeyValue::new(SERVER_PORT, i64::from(port))),
        );
        attributes
    }

    /// What the conventions call a pool of connections that has no name: `address:port/namespace`, of which that is left
    /// out which is not known.
    #[cfg(feature = "r2d2")]
    pub(super) fn pool_name(&self) -> String {
        let mut name = self.address.clone().unwrap_or_default();
        if name.contains(':') {
            // Or nobody could tell an IPv6 address from the port.
            name = format!("[{name}]");
        }
        if let Some(port) = self.port {
            name = format!("{name}:{port}");
        }
        if let Some(namespace) = &self.namespace {
            let slash = if name.is_empty() { "" } else { "/" };
            name = format!("{name}{slash}{namespace}");
        }
        if name.is_empty() {
            name.push_str(self.system);
        }
        name
    }

    /// Reads `[user[:password]@][host[:port]][/database][?key=value&..]`.
    fn with_authority(self, rest: &str) -> Self {
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if rest.contains('@') {
            // The user information goes on here: an unescaped `/`, `?` or `#` in the password.
            return self;
        }
        let host_and_port = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let (host, port) = match host_and_port.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (host_and_port, ""),
        };
        if !(port.is_empty() || port.parse::<u16>().is_ok()) {
            return self;
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut server = Self {
            namespace: path
                .strip_prefix('/')
                .and_then(decoded)
                .filter(|name| is_plain(name)),
            address: decoded(host).as_deref().and_then(address),
            ..self
        };
        server.port = port.parse().ok();
        for (key, value) in query
            .split('&')
            .filter_map(|parameter| parameter.split_once('='))
        {
            server.set(key, decoded(value));
        }
        server.with_port_of_address()
    }

    /// Reads libpq's `host=localhost dbname=rooms`; `None` when it is not that.
    fn from_key_values(text: &str) -> Option<Self> {
        let mut server = Self::of("postgresql");
        let mut rest = text.trim_start();
        let mut any = false;
        while !rest.is_empty() {
            let parameter = rest.split_once('=');
            let parameter = parameter.filter(|(key, _)| is_libpq_keyword(key.trim_end()));
            let Some((key, after)) = parameter else {
                // Not libpq's, or broken in a way that leaves open what was meant: then nothing is told but the system.
                return any.then_some(Self::of("postgresql"));
            };
            let (value, after) = key_value(after.trim_start());
            server.set(key.trim_end(), Some(value));
            any = true;
            rest = after.trim_start();
        }
        any.then_some(server.with_port_of_address())
    }

    /// A port is one of an address.
    fn with_port_of_address(mut self) -> Self {
        self.port = self.port.filter(|_| self.address.is_some());
        self
    }

    /// Takes a parameter of libpq's, if it is one of those that matter here.
    fn set(&mut self, key: &str, value: Option<String>) {
        match key {
            "host" => self.address = value.as_deref().and_then(address),
            "hostaddr" if self.address.is_none() => {
                self.address = value.as_deref().and_then(address);
            }
            "port" => self.port = value.and_then(|port| port.parse().ok()),
            "dbname" => self.namespace = value.filter(|name| is_plain(name)),
            _ => {}
        }
    }
}

fn is_libpq_keyword(key: &str) -> bool {
    // All of libpq's parameter names are of this form; a file name with `=` in it rarely is.
    const KNOWN: [&str; 20] = [
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "passfile",
        "service",
        "options",
        "application_name",
        "fallback_application_name",
        "client_encoding",
        "connect_timeout",
        "target_session_attrs",
        "requirepeer",
        "replication",
        "servicefile",
        "load_balance_hosts",
        "min_protocol_version",
        "max_protocol_version",
    ];
    const FAMILIES: [&str; 9] = [
        "ssl",
        "gss",
        "krb",
        "tcp_",
        "keepalives",
        "channel_",
        "require_",
        "scram_",
        "oauth_",
    ];
    let is_name = key
        .chars()
        .all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit());
    is_name && (KNOWN.contains(&key) || FAMILIES.into_iter().any(|family| key.starts_with(family)))
}

/// A value, quoted or not, and what comes after it.
fn key_value(text: &str) -> (String, &str) {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return (value, &text[at + 1..]),
            c if !quoted && c.is_whitespace() => return (value, &text[at..]),
            c => value.push(c),
        }
    }
    (value, "")
}

/// What `server.address` says of a host, if it is one.
fn address(host: &str) -> Option<String> {
    is_host(host).then(|| without_brackets(host).to_owned())
}

/// A host name, an address, or the directory of a socket: one, not a list.
fn is_host(host: &str) -> bool {
    let allowed = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']' | '%' | '/')
    };
    !host.is_empty() && host.chars().all(allowed)
}

/// A database name that cannot be a connection string of its own.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(['@', '=', ':', '/'])
}

/// Takes `%xx` apart; `None` when that gives no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |byte: &u8| {
                    char::from(*byte)
                        .to_digit(16)
                        .and_then(|digit| u8::try_from(digit).ok())
                };
                bytes.push(digit(high)? * 16 + digit(low)?);
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).ok()
}

/// The file's name without its directories; `:memory:` as it is, nothing for the nameless temporary database.
fn sqlite_file(url: &str, uri: Option<&str>) -> Option<String> {
    let path = match uri {
        Some(uri) => decoded(uri.split(['?', '#']).next()?)?,
        None => url.to_owned(),
    };
    let name = path.rsplit(['/', '\\']).next()?;
    // With any of these it may be meant as a URL or parameters of some server, and have a password in it.
    let is_file = name == ":memory:" || !name.contains(['@', '=', ':']);
    (!name.is_empty() && is_file).then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
