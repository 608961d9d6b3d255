//! TLS to a receiver: whom to trust, and who sends.

use std::fs;

use reqwest::{Certificate, ClientBuilder, Identity, Url};
use tonic::transport::{self, ClientTlsConfig, Endpoint};

use super::BuildError;
use super::answer::chain;
use super::endpoint::told;
use crate::config::{TlsFile, TlsFiles};

/// By HTTP.
pub(super) fn over_http(
    client: ClientBuilder,
    to: &Url,
    files: &TlsFiles,
) -> Result<ClientBuilder, BuildError> {
    if to.scheme() != "https" {
        // Or the client could not be built where the system trusts nobody, as in a small container.
        return Ok(client.tls_certs_only([]));
    }
    // Others in the program may want reqwest to use another one by default, which does not take these certificates.
    let client = client.tls_backend_rustls();
    let client = match &files.authorities {
        Some(file) => client.tls_certs_only(certificates(file, &read(file)?)?),
        None => client,
    };
    Ok(match sender(files)? {
        Some(Sender { identity, .. }) => client.identity(identity),
        None => client,
    })
}

/// By gRPC.
pub(super) fn over_grpc(
    endpoint: Endpoint,
    to: &Url,
    files: &TlsFiles,
) -> Result<Endpoint, BuildError> {
    if to.scheme() != "https" {
        return Ok(endpoint);
    }
    let mut config = match &files.authorities {
        Some(file) => {
            let pem = read(file)?;
            certificates(file, &pem)?;
            ClientTlsConfig::new().ca_certificate(transport::Certificate::from_pem(pem))
        }
        None => ClientTlsConfig::new().with_native_roots(),
    };
    if let Some(Sender {
        certificate, key, ..
    }) = sender(files)?
    {
        config = config.identity(transport::Identity::from_pem(certificate, key));
    }
    let endpoint = endpoint.tls_config(config);
    Ok(endpoint.map_err(|error| {
        format!(
            "TLS to `{}` cannot be set up: {}",
            told(to.as_str()),
            chain(&error)
        )
    })?)
}

fn read(file: &TlsFile) -> Result<Vec<u8>, BuildError> {
    let TlsFile { path, variable } = file;
    let content = fs::read(path);
    Ok(content.map_err(|error| {
        format!(
            "{variable} names `{}`, which cannot be read: {error}",
            path.display()
        )
    })?)
}

fn certificates(file: &TlsFile, pem: &[u8]) -> Result<Vec<Certificate>, BuildError> {
    match Certificate::from_pem_bundle(pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => {
            let TlsFile { path, variable } = file;
            Err(format!(
                "{variable} names `{}`, which holds no certificate as PEM",
                path.display()
            )
            .into())
        }
    }
}

/// Who sends, for a receiver that wants to know.
struct Sender {
    certificate: Vec<u8>,
    key: Vec<u8>,
    /// Both of them.
    identity: Identity,
}

fn sender(files: &TlsFiles) -> Result<Option<Sender>, BuildError> {
    let (of_certificate, of_key) = match (&files.certificate, &files.key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) => return Ok(None),
        (Some(alone), None) | (None, Some(alone)) => {
            let variable = alone.variable;
            return Err(format!(
                "{variable} is set alone; a receiver that wants to know who sends takes both a client certificate and its key"
            )
            .into());
        }
    };
    let (certificate, key) = (read(of_certificate)?, read(of_key)?);
    certificates(of_certificate, &certificate)?;
    let identity = Identity::from_pem(&[&key, &b"\n"[..], &certificate].concat());
    let identity = identity.map_err(|error| {
        format!(
            "{} names `{}`, which holds no private key as PEM: {}",
            of_key.variable,
            of_key.path.display(),
            chain(&error)
        )
    })?;
    Ok(Some(Sender {
        certificate,
        key,
        identity,
    }))
}
