//! OTLP as lines of JSON on standard output, for a collector that reads what a container prints.
//! <https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/>

use std::io::{self, Write as _};

use super::answer::{Answer, Failure, failure};
use super::http::Encoding;
use super::{BuildError, Service, json};

/// Prints each request as one line.
#[derive(Debug)]
pub(super) struct Stdout {
    encoding: Encoding,
}

impl Stdout {
    pub(super) fn new(service: Service) -> Result<Self, BuildError> {
        Ok(Self {
            encoding: json::encoding(service)?,
        })
    }

    /// At once, since others print too.
    pub(super) fn print(&self, request: Vec<u8>) -> Result<Answer, Failure> {
        // What is exported is the same as what is sent.
        let mut line = (self.encoding.request)(request).map_err(Failure::Final)?;
        line.push(b'\n');
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(&line)
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::Final(failure(&error)))?;
        Ok(Answer::default())
    }
}
