//! Where requests go.

use reqwest::Url;

use super::BuildError;
use crate::config::Signal;

/// Where requests go if nothing is said: by HTTP, and by gRPC.
pub(super) const HTTP: &str = "http://localhost:4318";
pub(super) const GRPC: &str = "http://localhost:4317";

/// By HTTP: a signal's own endpoint stands for itself; the one for all signals is the root of their paths.
pub(super) fn of_http(signal: &Signal, path: &str) -> Result<Url, BuildError> {
    let Some(endpoint) = &signal.endpoint else {
        return Ok(Url::parse(HTTP)?.join(path)?);
    };
    if !endpoint.contains("://") {
        return Err(no_url(endpoint));
    }
    let mut url = parse(endpoint)?;
    if !signal.endpoint_is_own {
        let path = format!("{}{path}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

/// By gRPC: without a scheme it depends on a variable whether there is TLS.
pub(super) fn of_grpc(signal: &Signal) -> Result<Url, BuildError> {
    let endpoint = signal.endpoint.as_deref();
    let endpoint = endpoint.unwrap_or(GRPC);
    if endpoint.contains("://") {
        return parse(endpoint);
    }
    if endpoint.contains(":/") || endpoint.starts_with('/') {
        return Err(no_url(endpoint));
    }
    let scheme = if signal.is_insecure { "http" } else { "https" };
    parse(&format!("{scheme}://{endpoint}"))
}

/// What to write instead, where that is clear.
fn no_url(endpoint: &str) -> BuildError {
    let told = told(endpoint);
    let advice = if told.starts_with("http") {
        "one begins with `http://` or `https://`".to_owned()
    } else {
        format!("write `http://{told}`")
    };
    format!("the endpoint `{told}` is no URL; {advice}").into()
}

fn parse(endpoint: &str) -> Result<Url, BuildError> {
    let url = Url::parse(endpoint);
    let url =
        url.map_err(|error| format!("the endpoint `{}` is no URL: {error}", told(endpoint)))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(format!(
            "the endpoint `{}` begins with `{other}`; it takes `http` or `https`",
            told(endpoint)
        )
        .into()),
    }
}

/// What can be told of an endpoint, also of one that is none: neither user nor password, nor keys in a query.
pub(super) fn told(endpoint: &str) -> String {
    let secret = endpoint.find(['?', '#']).unwrap_or(endpoint.len());
    let (scheme, rest) = match endpoint[..secret].split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), &endpoint[..secret]),
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    scheme + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_told() {
        assert_eq!(told("https://user:key@c:1/in?token=7#8"), "https://c:1/in");
        assert_eq!(told("user:k/e@y@c:1"), "c:1");
        assert_eq!(told("http://c:1/in"), "http://c:1/in");
    }

    fn signal(endpoint: Option<&str>, endpoint_is_own: bool) -> Signal {
        Signal {
            endpoint: endpoint.map(str::to_owned),
            endpoint_is_own,
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
        refuse(
            of_http(&signal(Some("c:4318"), false), "/v1/traces"),
            "the endpoint `c:4318` is no URL; write `http://c:4318`",
        );
        refuse(
            of_http(&signal(Some("ftp://c"), false), "/v1/traces"),
            "the endpoint `ftp://c` begins with `ftp`; it takes `http` or `https`",
        );
        refuse(
            of_http(&signal(Some("http:/c:4318"), false), "/v1/traces"),
            "the endpoint `http:/c:4318` is no URL; one begins with `http://` or `https://`",
        );
        refuse(
            of_grpc(&signal(Some("http:/c:4317"), false)),
            "the endpoint `http:/c:4317` is no URL; one begins with `http://` or `https://`",
        );
        refuse(
            of_grpc(&signal(Some("c c"), false)),
            "the endpoint `https://c c` is no URL: invalid international domain name",
        );
    }
}
