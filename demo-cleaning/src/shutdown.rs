//! The wish that this process ends.

use std::{io, sync::Arc};

use tokio::sync::watch;

/// Tells everyone who asks that the process is to end.
#[derive(Clone, Debug)]
pub struct Shutdown {
    requested: Arc<watch::Sender<bool>>,
}

impl Shutdown {
    /// Starts without a wish; [`request`](Self::request) utters it.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a default would hide that clones belong together"
    )]
    pub fn new() -> Self {
        Self {
            requested: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Takes SIGTERM and Ctrl-C for the wish, from now on. Needs a Tokio runtime.
    ///
    /// # Errors
    ///
    /// The system does not let this process listen.
    pub fn listen() -> io::Result<Self> {
        let shutdown = Self::new();
        let listening = shutdown.clone();
        let asked = signals()?;
        tokio::spawn(async move {
            asked.await;
            log::info!("asked to stop");
            listening.request();
        });
        Ok(shutdown)
    }

    /// Utters the wish.
    pub fn request(&self) {
        self.requested.send_replace(true);
    }

    /// Completes when the process is to end.
    pub async fn requested(&self) {
        // It fails only when the sender is gone, and that is here.
        let _ = self
            .requested
            .subscribe()
            .wait_for(|requested| *requested)
            .await;
    }

    /// What `work` gives, or `None` if the process is to end before that; `work` is dropped then.
    pub async fn unless_requested<F: Future>(&self, work: F) -> Option<F::Output> {
        tokio::select! {
            given = work => Some(given),
            () = self.requested() => None,
        }
    }

    /// Whether the process is to end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.requested.borrow()
    }
}

/// Listens at once, and completes at the first signal.
#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes at the first Ctrl-C.
#[cfg(not(unix))]
fn signals() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
