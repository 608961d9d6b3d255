//! What a request tells about itself before it is handled: parent, name and attributes.

use std::borrow::Cow;

use actix_web::{
    dev::ServiceRequest,
    http::{
        self, Version,
        header::{FORWARDED, HOST, HeaderMap, USER_AGENT},
    },
};
use opentelemetry::{
    Context, KeyValue, global,
    propagation::Extractor,
    trace::{SpanBuilder, SpanKind},
};
use opentelemetry_semantic_conventions::attribute::{
    CLIENT_ADDRESS, NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION,
    SERVER_ADDRESS, SERVER_PORT, URL_PATH, URL_QUERY, URL_SCHEME, USER_AGENT_ORIGINAL,
};

use super::options::Options;
use crate::instrument::{
    address::without_brackets,
    http::{Method, redacted},
};

/// Headers by which proxies tell what the client asked of them.
const X_FORWARDED: [&str; 3] = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];

/// The caller's context, by the global propagator.
pub(super) fn parent(request: &ServiceRequest) -> Context {
    let current = Context::current();
    let headers = Headers(request.headers());
    global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&current, &headers)
    })
}

/// The span as it starts, named by the method alone: the route comes with routing.
pub(super) fn span(request: &ServiceRequest, method: &Method, options: &Options) -> SpanBuilder {
    let mut attributes = Vec::with_capacity(16);
    method.record(&mut attributes);
    attributes.push(KeyValue::new(URL_PATH, request.path().to_owned()));
    if !request.query_string().is_empty() {
        attributes.push(KeyValue::new(
            URL_QUERY,
            redacted(request.query_string()).into_owned(),
        ));
    }
    if let Some(version) = protocol_version(request.version()) {
        attributes.push(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
    }
    if let Some(agent) = request.headers().get(USER_AGENT) {
        let agent = String::from_utf8_lossy(agent.as_bytes()).into_owned();
        attributes.push(KeyValue::new(USER_AGENT_ORIGINAL, agent));
    }
    if is_forwarded(request.headers()) {
        record_forwarded(request, &mut attributes);
    } else {
        record_direct(request, &mut attributes);
    }
    if let Some(peer) = request.peer_addr() {
        attributes.push(KeyValue::new(NETWORK_PEER_ADDRESS, peer.ip().to_string()));
        attributes.push(KeyValue::new(NETWORK_PEER_PORT, i64::from(peer.port())));
    }
    options.captured_of_request(request.headers(), &mut attributes);
    SpanBuilder::from_name(method.span_name())
        .with_kind(SpanKind::Server)
        .with_attributes(attributes)
}

/// Client and server as the proxies in front tell them.
fn record_forwarded(request: &ServiceRequest, attributes: &mut Vec<KeyValue>) {
    let connection = request.connection_info();
    attributes.push(KeyValue::new(URL_SCHEME, connection.scheme().to_owned()));
    record_server(connection.host(), attributes);
    if let Some(client) = connection.realip_remote_addr() {
        let (address, _) = split_port(client);
        attributes.push(KeyValue::new(CLIENT_ADDRESS, address.to_owned()));
    }
}

/// Client and server as seen here, without the allocations of actix-web's `connection_info`.
///
/// The conventions want `client.port` only where somebody asks for it; here it is what `network.peer.port` says.
fn record_direct(request: &ServiceRequest, attributes: &mut Vec<KeyValue>) {
    let scheme = direct_scheme(request);
    attributes.push(KeyValue::new(URL_SCHEME, scheme));
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok());
    if let Some(host) = host.or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
    {
        record_server(host, attributes);
    }
    if let Some(peer) = request.peer_addr() {
        attributes.push(KeyValue::new(CLIENT_ADDRESS, peer.ip().to_string()));
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

fn record_server(host: &str, attributes: &mut Vec<KeyValue>) {
    let (address, port) = split_port(host);
    if !address.is_empty() {
        attributes.push(KeyValue::new(SERVER_ADDRESS, address.to_owned()));
        attributes.extend(port.map(|port| KeyValue::new(SERVER_PORT, i64::from(port))));
    }
}

/// Splits `host:port`.
fn split_port(host: &str) -> (&str, Option<u16>) {
    // In a request target there may be user information; a `Host` header has none, but clients send anything.
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host).trim();
    match host.rsplit_once(':') {
        Some((address, port)) if address.ends_with(']') || !address.contains(':') => {
            (without_brackets(address), port.parse().ok())
        }
        _ => (without_brackets(host), None),
    }
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
    headers.contains_key(FORWARDED)
        || X_FORWARDED
            .into_iter()
            .any(|name| headers.contains_key(name))
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
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
