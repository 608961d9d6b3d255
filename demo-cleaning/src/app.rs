//! The web service: its state, its routes and what wraps them.

use std::{io, net::SocketAddr, time::Duration};

use actix_web::{
    App, Error, HttpServer,
    body::MessageBody,
    dev::{Server, ServiceRequest, ServiceResponse},
    http::ConnectionType,
    middleware::{Next, from_fn},
    web,
};
use otel_runtime::instrument::actix_web::{RequestTracing, block};

use crate::{
    config::Config,
    error::ApiError,
    routes,
    shutdown::Shutdown,
    store::{Connection, Store, StoreError},
};

/// How long requests are still taken once the process is to end, each answer asking for the connection to be closed: whoever
/// keeps connections for later learns that way that there is none, and not by a request that nobody answers.
const LEAVE_TIME: Duration = Duration::from_millis(500);

/// How long requests under way may take after that.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3);

/// What the handlers work with.
#[derive(Clone)]
pub struct AppState {
    store: Store,
}

impl AppState {
    /// Puts together what the handlers work with.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Runs `work` with a connection, away from the threads that serve requests.
    ///
    /// # Errors
    ///
    /// What `work` returns, or that the database could not be asked.
    pub async fn store<T, E>(
        &self,
        work: impl FnOnce(&mut Connection<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        E: From<StoreError> + Into<ApiError> + Send + 'static,
    {
        let store = self.store.clone();
        block(move || store.run(work)).await?.map_err(Into::into)
    }
}

/// A span for each request, but for those of the probes: asked every few seconds, they would be most of all there is.
#[must_use]
pub fn tracing() -> RequestTracing {
    RequestTracing::new().skip_paths(routes::PROBES)
}

/// Asks for the connection to be closed where the process is to end.
async fn leave(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let shutdown = request.app_data::<web::Data<Shutdown>>().cloned();
    let mut response = next.call(request).await?;
    if shutdown.is_some_and(|shutdown| shutdown.is_requested()) {
        let head = response.response_mut().head_mut();
        head.set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

/// Takes the address of the configuration; the server answers once it is awaited.
///
/// # Errors
///
/// The address cannot be had.
pub fn bind(
    config: &Config,
    state: &AppState,
    shutdown: &Shutdown,
) -> Result<(Server, SocketAddr), BindError> {
    let failed = |cause| BindError {
        host: config.host.clone(),
        port: config.port,
        cause,
    };
    let state = web::Data::new(state.clone());
    let shutdown = shutdown.clone();
    let server = HttpServer::new(move || {
        App::new()
            .wrap(tracing())
            .wrap(from_fn(leave))
            .app_data(state.clone())
            .app_data(web::Data::new(shutdown.clone()))
            .configure(routes::configure)
    })
    .disable_signals()
    .shutdown_timeout(DRAIN_TIMEOUT.as_secs())
    .bind((config.host.as_str(), config.port))
    .map_err(failed)?;
    let address = server.addrs().first().copied();
    let address = address.ok_or_else(|| failed(io::ErrorKind::AddrNotAvailable.into()))?;
    Ok((server.run(), address))
}

/// Serves requests until `shutdown` is requested; those under way are answered first.
///
/// # Errors
///
/// The address cannot be had, or the server fails.
pub async fn serve(config: &Config, state: &AppState, shutdown: &Shutdown) -> anyhow::Result<()> {
    let (mut server, address) = bind(config, state, shutdown)?;
    log::info!("listening on http://{address}");
    let handle = server.handle();
    tokio::select! {
        outcome = &mut server => outcome?,
        () = shutdown.requested() => {
            let stop = async {
                tokio::time::sleep(LEAVE_TIME).await;
                handle.stop(true).await;
            };
            let ((), outcome) = tokio::join!(stop, server);
            outcome?;
        }
    }
    Ok(())
}

/// The address cannot be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {host}:{port}: {cause}; another port is chosen with CLEANING_PORT, another address with CLEANING_HOST"
)]
pub struct BindError {
    host: String,
    port: u16,
    cause: io::Error,
}
