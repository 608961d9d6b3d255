//! A test binary that runs itself again: the environment is the process's, so whoever needs another one needs a process.

use std::process::Command;

/// Runs only the test `child_process`, which `variable` tells that it is the child and what to do; none of the variables of
/// OpenTelemetry is left.
pub(crate) fn command(variable: &str, value: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test's path"));
    command.args(["child_process", "--exact", "--nocapture"]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    command.env(variable, value);
    command
}
