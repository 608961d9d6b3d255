//! What a request tells about itself before it is handled: parent, name and attributes.

use std::borrow::Cow;

use actix_web::{
    dev::ServiceRequest,
    http::{
        self, Version,
        header::{
            FORWARDED, HOST, HeaderMap, HeaderName, USER_AGENT, X_FORWARDED_FOR, X_FORWARDED_HOST,
            X_FORWARDED_PROTO,
        },
    },
};
use opentelemetry::{Context, global, propagation::Extractor, trace::SpanKind};
use opentelemetry_semantic_conventions::attribute::{
    CLIENT_ADDRESS, NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION,
    SERVER_ADDRESS, SERVER_PORT, URL_PATH, URL_QUERY, URL_SCHEME, USER_AGENT_ORIGINAL,
};

use super::options::Options;
use crate::{
    engine::Fields,
    instrument::{
        address::{self, without_brackets},
        http::{Method, redacted},
        starting::{Operation, Starting},
    },
};

pub(super) static SERVER: Operation = Operation::new("HTTP", SpanKind::Server);

/// Headers by which proxies tell what the client asked of them.
static BY_PROXIES: [HeaderName; 4] = [
    FORWARDED,
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PROTO,
];

/// Headers that nearly every propagator asks for; others have to be parsed each time.
static BY_CALLERS: [HeaderName; 3] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
];

/// The caller's context, by the global propagator.
pub(super) fn parent(request: &ServiceRequest) -> Context {
    let headers = Headers(request.headers());
    global::get_text_map_propagator(|propagator| propagator.extract(&headers))
}

/// The span as it starts, named by the method alone.
pub(super) fn describe(
    request: &ServiceRequest,
    method: &Method,
    options: &Options,
    span: &mut Starting<'_>,
) {
    span.set_name(method.span_name());
    let mut fields = span.fields();
    method.record(&mut fields);
    fields.set(URL_PATH, request.path());
    if !request.query_string().is_empty() {
        fields.set(URL_QUERY, &redacted(request.query_string()));
    }
    if let Some(version) = protocol_version(request.version()) {
        fields.set_static(NETWORK_PROTOCOL_VERSION, version);
    }
    if let Some(agent) = request.headers().get(USER_AGENT) {
        fields.set(
            USER_AGENT_ORIGINAL,
            &String::from_utf8_lossy(agent.as_bytes()),
        );
    }
    let peer = request.peer_addr();
    let peer = peer.map(|peer| (address::text(peer.ip()), peer.port()));
    if is_forwarded(request.headers()) {
        let peer = peer.as_ref().map(|(address, _)| &**address);
        record_forwarded(request, peer, &mut fields);
    } else {
        record_direct(request, &mut fields);
        fields.set(CLIENT_ADDRESS, &peer.as_ref().map(|(address, _)| address));
    }
    if let Some((address, port)) = peer {
        fields.set(NETWORK_PEER_ADDRESS, &address);
        fields.set(NETWORK_PEER_PORT, &port);
    }
    for attribute in options.captured_of_request(request.headers()) {
        fields.add(attribute);
    }
}

/// Client and server as the proxies in front tell them.
fn record_forwarded(request: &ServiceRequest, peer: Option<&str>, fields: &mut Fields<'_>) {
    let connection = request.connection_info();
    fields.set(URL_SCHEME, connection.scheme());
    record_server(connection.host(), connection.scheme(), fields);
    let client = connection
        .realip_remote_addr()
        .map(|client| split_port(client).0);
    // A proxy that does not know it, or does not tell, may say so.
    let known = client.filter(|client| !client.eq_ignore_ascii_case("unknown"));
    fields.set(CLIENT_ADDRESS, &known.or(peer));
}

/// The server as seen here, without the allocations of actix-web's `connection_info`. The client is the peer.
///
/// The conventions want `client.port` only where somebody asks for it; here it is what `network.peer.port` says.
fn record_direct(request: &ServiceRequest, fields: &mut Fields<'_>) {
    let scheme = direct_scheme(request);
    fields.set(URL_SCHEME, &scheme);
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    if let Some(host) = host.or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
    {
        record_server(host, &scheme, fields);
    }
}

/// The scheme as the client sees it.
#[cfg(feature = "metrics")]
pub(super) fn scheme(request: &ServiceRequest) -> Cow<'static, str> {
    if is_forwarded(request.headers()) {
        request.connection_info().scheme().to_owned().into()
    } else {
        direct_scheme(request)
    }
}

fn direct_scheme(request: &ServiceRequest) -> Cow<'static, str> {
    match request.uri().scheme_str() {
        Some("http") => Cow::Borrowed("http"),
        Some("https") => Cow::Borrowed("https"),
        Some(other) => Cow::Owned(other.to_owned()),
        None if request.app_config().secure() => Cow::Borrowed("https"),
        None => Cow::Borrowed("http"),
    }
}

/// Both as the client has them: of a port that goes without saying nothing is sent.
fn record_server(host: &str, scheme: &str, fields: &mut Fields<'_>) {
    let (address, port) = split_port(host);
    if !address.is_empty() {
        fields.set(SERVER_ADDRESS, address);
        fields.set(SERVER_PORT, &port.or_else(|| default_port(scheme)));
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// Splits `host:port`.
fn split_port(host: &str) -> (&str, Option<u16>) {
    // In a request target there may be user information; a `Host` header has none, but clients send anything.
    let host = split_last(host, b'@').map_or(host, |(_, host)| host);
    let host = host.trim_ascii();
    match split_last(host, b':') {
        Some((address, port)) if address.ends_with(']') || !address.as_bytes().contains(&b':') => {
            (without_brackets(address), port.parse().ok())
        }
        _ => (without_brackets(host), None),
    }
}

/// As `rsplit_once`, which takes longer to begin than a host takes to be looked at.
fn split_last(text: &str, separator: u8) -> Option<(&str, &str)> {
    let place = text.bytes().rposition(|byte| byte == separator)?;
    Some((&text[..place], &text[place + 1..]))
}

pub(super) fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    // Of few headers each is compared sooner than one is looked up.
    headers.keys().any(|name| BY_PROXIES.contains(name))
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let value = match BY_CALLERS.iter().find(|name| *name == key) {
            Some(name) => self.0.get(name),
            None => self.0.get(key),
        };
        value?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0
            .keys()
            .map(http::header::HeaderName::as_str)
            .collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let values: Vec<_> = self
            .0
            .get_all(key)
            .filter_map(|value| value.to_str().ok())
            .collect();
        (!values.is_empty()).then_some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_split_from_its_port() {
        let cases = [
            ("example.com", ("example.com", None)),
            ("example.com:8080", ("example.com", Some(8080))),
            ("127.0.0.1:1", ("127.0.0.1", Some(1))),
            ("[::1]", ("::1", None)),
            ("[::1]:8080", ("::1", Some(8080))),
            ("[2001:db8::7%25eth0]:80", ("2001:db8::7%25eth0", Some(80))),
            ("2001:db8::7", ("2001:db8::7", None)),
            ("example.com:", ("example.com", None)),
            ("example.com:x", ("example.com", None)),
            ("example.com:65536", ("example.com", None)),
            ("user:secret@example.com:80", ("example.com", Some(80))),
            ("[]:80", ("", Some(80))),
            ("[::1", ("[::1", None)),
            (":80", ("", Some(80))),
            ("", ("", None)),
        ];
        for (host, expected) in cases {
            assert_eq!(split_port(host), expected, "{host}");
        }
    }
}
