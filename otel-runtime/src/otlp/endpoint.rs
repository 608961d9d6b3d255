//! Where requests go.

use reqwest::Url;

use super::BuildError;
use crate::config::{Endpoint, Signal};

/// Where requests go if nothing is said: by HTTP, and by gRPC.
pub(super) const HTTP: &str = "http://localhost:4318";
pub(super) const GRPC: &str = "http://localhost:4317";

/// By HTTP: a signal's own endpoint stands for itself; the one for all signals is the root of their paths.
pub(super) fn of_http(signal: &Signal, path: &str) -> Result<Url, BuildError> {
    let Some(endpoint) = &signal.endpoint else {
        return Ok(Url::parse(HTTP)?.join(path)?);
    };
    if !endpoint.text.contains("://") {
        return Err(endpoint.without_scheme());
    }
    let mut url = endpoint.parse(&endpoint.text)?;
    if !endpoint.is_own {
        let path = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

/// By gRPC: without a scheme it depends on a variable whether there is TLS.
pub(super) fn of_grpc(signal: &Signal) -> Result<Url, BuildError> {
    let Some(endpoint) = &signal.endpoint else {
        return Ok(Url::parse(GRPC)?);
    };
    let text = &endpoint.text;
    if text.contains("://") {
        return endpoint.parse(text);
    }
    if text.contains(":/") || text.starts_with('/') {
        return Err(endpoint.without_scheme());
    }
    let scheme = if signal.is_insecure { "http" } else { "https" };
    endpoint.parse(&format!("{scheme}://{text}"))
}

impl Endpoint {
    fn parse(&self, text: &str) -> Result<Url, BuildError> {
        let url = Url::parse(text);
        let url = url.map_err(|error| self.wrong(&format!("is no URL: {error}")))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(self.wrong(&format!(
                "begins with `{other}`; it takes `http` or `https`"
            ))),
        }
    }

    /// What to write instead, where that is clear.
    fn without_scheme(&self) -> BuildError {
        let told = told(&self.text);
        if told.starts_with("http") {
            self.wrong("is no URL; one begins with `http://` or `https://`")
        } else {
            self.wrong(&format!("is no URL; write `http://{told}`"))
        }
    }

    fn wrong(&self, what: &str) -> BuildError {
        let Self { text, variable, .. } = self;
        format!("{variable} is `{}`, which {what}", told(text)).into()
    }
}

/// What can be told of an endpoint, also of one that is none: neither user nor password, nor keys in a query.
pub(super) fn told(endpoint: &str) -> String {
    let (scheme, rest) = match endpoint.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            (format!("{scheme}://"), rest)
        }
        _ => (String::new(), endpoint),
    };
    let (public, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    if query.contains('@') {
        // It may as well be the password that goes on there.
        return scheme + "...";
    }
    scheme + public.rsplit_once('@').map_or(public, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_told() {
        assert_eq!(told("https://user:key@c:1/in?token=7#8"), "https://c:1/in");
        assert_eq!(told("user:k/e@y@c:1"), "c:1");
        assert_eq!(told("http://user:k?e#y@c:1"), "http://...");
        assert_eq!(told("user:k://ey@c:1"), "c:1");
        assert_eq!(told("http://c:1/in"), "http://c:1/in");
    }

    fn signal(endpoint: Option<&str>, is_own: bool) -> Signal {
        Signal {
            endpoint: endpoint.map(|text| Endpoint {
                text: text.to_owned(),
                variable: "THE_ENDPOINT",
                is_own,
            }),
            ..Signal::default()
        }
    }

    #[track_caller]
    fn check_http(endpoint: Option<&str>, endpoint_is_own: bool, expected: &str) {
        let url = of_http(&signal(endpoint, endpoint_is_own), "/v1/traces");
        assert_eq!(url.expect("a URL").as_str(), expected);
    }

    #[test]
    fn only_the_endpoint_of_all_signals_gets_a_path() {
        check_http(None, false, "http://localhost:4318/v1/traces");
        check_http(Some("http://c:1"), false, "http://c:1/v1/traces");
        check_http(Some("http://c:1/"), false, "http://c:1/v1/traces");
        check_http(Some("http://c:1/in/"), false, "http://c:1/in/v1/traces");
        check_http(Some("http://c:1/v1/traces"), true, "http://c:1/v1/traces");
        check_http(Some("HTTPS://c:1"), true, "https://c:1/");
    }

    #[track_caller]
    fn check_grpc(endpoint: Option<&str>, is_insecure: bool, expected: &str) {
        let signal = Signal {
            is_insecure,
            ..signal(endpoint, false)
        };
        let url = of_grpc(&signal).expect("a URL");
        assert_eq!(url.as_str(), expected);
    }

    #[test]
    fn grpc_without_a_scheme_is_secure_unless_it_is_said() {
        check_grpc(None, false, "http://localhost:4317/");
        check_grpc(Some("c:1"), false, "https://c:1/");
        check_grpc(Some("c:1"), true, "http://c:1/");
        check_grpc(Some("https://c:1"), true, "https://c:1/");
        check_grpc(Some("http://c:1"), false, "http://c:1/");
    }

    #[track_caller]
    fn refuse(url: Result<Url, BuildError>, expected: &str) {
        assert_eq!(url.expect_err("no URL").to_string(), expected);
    }

    #[test]
    fn what_is_no_url_is_refused() {
        let http = |text| of_http(&signal(Some(text), false), "/v1/traces");
        let grpc = |text| of_grpc(&signal(Some(text), false));
        let begins = "one begins with `http://` or `https://`";
        refuse(
            http("user:key@c:4318"),
            "THE_ENDPOINT is `c:4318`, which is no URL; write `http://c:4318`",
        );
        refuse(
            http("ftp://c"),
            "THE_ENDPOINT is `ftp://c`, which begins with `ftp`; it takes `http` or `https`",
        );
        for url in [http("http:/c:4317"), grpc("http:/c:4317")] {
            let expected = "THE_ENDPOINT is `http:/c:4317`, which is no URL;";
            refuse(url, &format!("{expected} {begins}"));
        }
        refuse(
            grpc("c c"),
            "THE_ENDPOINT is `c c`, which is no URL: invalid international domain name",
        );
    }
}
