//! What the conventions say of HTTP for clients and servers alike.

use std::borrow::Cow;
use std::sync::LazyLock;

#[cfg(feature = "metrics")]
use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute::{
    HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL,
};

use crate::engine::Fields;

/// By the conventions it replaces the known methods: a list with commas, of which case matters.
const VARIABLE: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";

/// The methods of RFC 9110, and the two that came later.
const STANDARD_METHODS: [&str; 10] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
];

/// The methods that may stand in span names, unless the user names others in code.
pub(super) fn known_methods() -> &'static [String] {
    static KNOWN: LazyLock<Vec<String>> =
        LazyLock::new(|| listed(std::env::var(VARIABLE).ok().as_deref()));
    &KNOWN
}

fn listed(variable: Option<&str>) -> Vec<String> {
    let listed = variable.into_iter().flat_map(|list| list.split(','));
    let methods: Vec<_> = listed
        .map(|method| method.trim().to_owned())
        .filter(|method| !method.is_empty())
        .collect();
    if methods.is_empty() {
        return STANDARD_METHODS.map(str::to_owned).into();
    }
    methods
}

/// Query parameters whose values are credentials, by the conventions' list.
const SECRET_PARAMETERS: [&str; 5] = [
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "sig",
    "X-Goog-Signature",
];

/// Of durations, in seconds; the conventions' advice.
#[cfg(feature = "metrics")]
pub(super) const BOUNDARIES: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// A request method, as it may stand in names and attributes.
#[derive(Debug)]
pub(super) enum Method {
    /// One of ours, so that it costs no allocation.
    Standard(&'static str),
    /// One the user added to the known ones.
    Known(String),
    /// Anything a client made up.
    Other(String),
}

impl Method {
    /// One of the `known`, or another.
    pub(super) fn new(method: &str, known: &[impl AsRef<str>]) -> Self {
        if !known.iter().any(|known| known.as_ref() == method) {
            return Self::Other(method.to_owned());
        }
        match STANDARD_METHODS
            .into_iter()
            .find(|standard| *standard == method)
        {
            Some(standard) => Self::Standard(standard),
            None => Self::Known(method.to_owned()),
        }
    }

    /// The method's part of the span name.
    pub(super) fn span_name(&self) -> Cow<'static, str> {
        match self {
            Self::Standard(method) => Cow::Borrowed(method),
            Self::Known(method) => Cow::Owned(method.clone()),
            Self::Other(_) => Cow::Borrowed("HTTP"),
        }
    }

    #[cfg(feature = "actix-web")]
    pub(super) fn is_head(&self) -> bool {
        matches!(self, Self::Standard("HEAD"))
    }

    /// The method as it may stand in an attribute: one of few.
    #[cfg(feature = "metrics")]
    pub(super) fn attribute(&self) -> KeyValue {
        match self {
            Self::Standard(method) => KeyValue::new(HTTP_REQUEST_METHOD, *method),
            Self::Known(method) => KeyValue::new(HTTP_REQUEST_METHOD, method.clone()),
            Self::Other(_) => KeyValue::new(HTTP_REQUEST_METHOD, "_OTHER"),
        }
    }

    /// All attributes that tell of the method.
    pub(super) fn record(&self, fields: &mut Fields<'_>) {
        match self {
            Self::Standard(method) => fields.set_static(HTTP_REQUEST_METHOD, method),
            Self::Known(method) => fields.set(HTTP_REQUEST_METHOD, method),
            Self::Other(method) => {
                fields.set_static(HTTP_REQUEST_METHOD, "_OTHER");
                fields.set(HTTP_REQUEST_METHOD_ORIGINAL, method);
            }
        }
    }
}

/// The query string, with the values of known secret parameters replaced.
pub(super) fn redacted(query: &str) -> Cow<'_, str> {
    if !SECRET_PARAMETERS
        .into_iter()
        .any(|secret| query.contains(secret))
    {
        return Cow::Borrowed(query);
    }
    let parameters = query
        .split('&')
        .map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if SECRET_PARAMETERS.contains(&name) => {
                format!("{name}=REDACTED").into()
            }
            _ => Cow::Borrowed(parameter),
        });
    parameters.collect::<Vec<_>>().join("&").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_may_replace_the_known_methods() {
        for unset in [None, Some(""), Some(" , ")] {
            assert_eq!(listed(unset), STANDARD_METHODS);
        }
        assert_eq!(
            listed(Some("GET, PROPFIND,,get")),
            ["GET", "PROPFIND", "get"]
        );
    }

    #[test]
    fn secret_parameters_lose_their_values_only() {
        let cases = [
            ("q=1", "q=1"),
            ("sig=abc", "sig=REDACTED"),
            ("a=1&sig=abc&b=2", "a=1&sig=REDACTED&b=2"),
            (
                "X-Amz-Credential=a&X-Amz-Signature=b",
                "X-Amz-Credential=REDACTED&X-Amz-Signature=REDACTED",
            ),
            ("signal=sig&sig", "signal=sig&sig"),
        ];
        for (query, expected) in cases {
            assert_eq!(redacted(query), expected);
        }
    }

    #[test]
    fn methods_are_known_by_exact_case() {
        let name = |method| Method::new(method, &["GET", "BREW"]).span_name();
        assert_eq!(name("GET"), "GET");
        assert_eq!(name("BREW"), "BREW");
        assert_eq!(name("get"), "HTTP");
        assert_eq!(name("POST"), "HTTP");
    }
}
