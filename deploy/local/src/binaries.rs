//! Builds the programs of both services.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::process::Process;

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The program of the booking service.
    pub dispo: PathBuf,
    /// The program of the cleaning service.
    pub cleaning: PathBuf,
}

impl Binaries {
    /// Builds both programs as they are developed, see [`build_as`](Self::build_as).
    ///
    /// # Errors
    ///
    /// Cargo cannot be started, or the build fails.
    pub async fn build(folder: &Path) -> anyhow::Result<Self> {
        Self::build_as("dev", folder).await
    }

    /// Builds both programs by this profile with the cargo that runs this one. What cargo has to tell people goes to standard error, the
    /// rest to a file in `folder`.
    ///
    /// # Errors
    ///
    /// Cargo cannot be started, or the build fails.
    pub async fn build_as(profile: &str, folder: &Path) -> anyhow::Result<Self> {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args(["build", "--message-format", "json-render-diagnostics"])
            .args(["--profile", profile])
            .args([
                "--manifest-path",
                concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            ])
            .args([
                "--package",
                "demo-dispo",
                "--package",
                "demo-cleaning",
                "--bins",
            ]);
        let mut build = Process::start_talking("cargo-build", &mut cargo, folder)?;
        let status = build.ended().await?;
        if !status.success() {
            bail!("the services cannot be built (cargo: {status})");
        }
        let messages = build.output()?;
        Ok(Self {
            dispo: executable(&messages, "demo-dispo")?,
            cleaning: executable(&messages, "demo-cleaning")?,
        })
    }
}

/// Cargo prints a line of JSON for each thing it has made.
fn executable(messages: &str, name: &str) -> anyhow::Result<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .with_context(|| format!("cargo did not tell where it put {name}"))
}
