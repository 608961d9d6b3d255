//! What stands in for TLS where the feature `tls` is off.

use reqwest::{ClientBuilder, Url};
use tonic::transport::Endpoint;

use super::BuildError;
use super::endpoint::told;
use crate::config::TlsFiles;

/// Refuses a receiver that takes nothing else.
pub(super) fn over_http(
    client: ClientBuilder,
    to: &Url,
    _: &TlsFiles,
) -> Result<ClientBuilder, BuildError> {
    check(to).map(|()| client)
}

/// Refuses a receiver that takes nothing else.
pub(super) fn over_grpc(
    endpoint: Endpoint,
    to: &Url,
    _: &TlsFiles,
) -> Result<Endpoint, BuildError> {
    check(to).map(|()| endpoint)
}

fn check(to: &Url) -> Result<(), BuildError> {
    if to.scheme() == "https" {
        let told = told(to.as_str());
        Err(format!("the endpoint `{told}` asks for TLS, but otel-runtime was built without its feature `tls`; add that, or send to a collector over `http` (gRPC without a scheme: OTEL_EXPORTER_OTLP_INSECURE=true)").into())
    } else {
        Ok(())
    }
}
