//! One running program: its log, whether it lives, and how it ends.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

/// How long a program may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// How often a running program is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How much of a log is shown when its program has died.
const LAST_LINES: usize = 20;

/// A program that is stopped when this goes away.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
    /// How long the log was when this program was started; before are the lines of those that had its name earlier.
    begins: u64,
}

impl Process {
    /// Starts `command`; all it prints goes to the end of `<name>.log` in `folder`.
    ///
    /// # Errors
    ///
    /// The log cannot be created, or the program cannot be started.
    pub fn start(name: &'static str, command: &mut Command, folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(name, command, folder, |log| Ok(log.try_clone()?.into()))
    }

    /// Starts `command` like [`start`](Self::start), but what it prints to standard error is for people.
    ///
    /// # Errors
    ///
    /// The log cannot be created, or the program cannot be started.
    pub fn start_talking(
        name: &'static str,
        command: &mut Command,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        Self::start_with(name, command, folder, |_| Ok(Stdio::inherit()))
    }

    fn start_with(
        name: &'static str,
        command: &mut Command,
        folder: &Path,
        errors: impl FnOnce(&File) -> io::Result<Stdio>,
    ) -> anyhow::Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log);
        let output = output.with_context(|| format!("cannot create {}", log.display()))?;
        let begins = output.metadata()?.len();
        let errors = errors(&output)?;
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self {
            name,
            child,
            log,
            begins,
        })
    }

    /// What the program is called here.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The number that the system knows the program by.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that the program has printed so far.
    ///
    /// # Errors
    ///
    /// The log cannot be read.
    pub fn output(&self) -> io::Result<String> {
        let mut output = Vec::new();
        let mut log = File::open(&self.log)?;
        log.seek(SeekFrom::Start(self.begins))?;
        log.read_to_end(&mut output)?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    /// Makes sure that the program runs.
    ///
    /// # Errors
    ///
    /// It has ended; the message holds the last lines it printed.
    pub fn check(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!(
                "{} has ended ({status}); its last lines were:\n    {}",
                self.name,
                self.last_lines()
            );
        }
        Ok(())
    }

    /// Waits until the program prints a line with `text` in it, and gives what follows `text` on that line.
    ///
    /// # Errors
    ///
    /// The program ends before, or does not print it within `timeout`.
    pub async fn wait_for_line(&mut self, text: &str, timeout: Duration) -> anyhow::Result<String> {
        let give_up = Instant::now() + timeout;
        loop {
            if let Some(rest) = find(&self.output()?, text) {
                return Ok(rest);
            }
            self.check()?;
            if Instant::now() > give_up {
                bail!(
                    "{} did not print `{text}` within {timeout:?}; its last lines were:\n    {}",
                    self.name,
                    self.last_lines()
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the program has ended by itself.
    ///
    /// # Errors
    ///
    /// The system does not tell how it ended.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks the program to end and waits until it has; after ten seconds it is killed.
    ///
    /// # Errors
    ///
    /// The system does not tell how it ended.
    pub fn stop(mut self) -> io::Result<ExitStatus> {
        self.ask_to_end();
        self.await_end()
    }

    /// Ends the program at once, without its knowing (SIGKILL on Unix).
    ///
    /// # Errors
    ///
    /// It has ended before, or the system does not let this process do that.
    pub fn kill(&mut self) -> io::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let message = format!("{} has ended already ({status})", self.name);
            return Err(io::Error::other(message));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the program to end, without waiting for it.
    pub fn ask_to_end(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // It may have ended in between; then there is nobody to ask.
            let _ = terminate(&mut self.child);
        }
    }

    fn await_end(&mut self) -> io::Result<ExitStatus> {
        let give_up = Instant::now() + GRACE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > give_up {
                self.child.kill()?;
                return self.child.wait();
            }
            thread::sleep(LOOK);
        }
    }

    fn last_lines(&self) -> String {
        let output = self
            .output()
            .unwrap_or_else(|error| format!("(unreadable: {error})"));
        let lines: Vec<_> = output.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n    ")
    }
}

impl Drop for Process {
    /// Nothing stays behind, however the caller ended.
    fn drop(&mut self) {
        self.ask_to_end();
        let _ = self.await_end();
    }
}

/// What follows `text` on the first whole line that has it.
fn find(output: &str, text: &str) -> Option<String> {
    output
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .find_map(|line| line.split_once(text))
        .map(|(_, rest)| rest.trim().to_owned())
}

#[cfg(unix)]
fn terminate(child: &mut Child) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};

    kill_process(Pid::from_child(child), Signal::TERM).map_err(io::Error::from)
}

#[cfg(not(unix))]
fn terminate(child: &mut Child) -> io::Result<()> {
    child.kill()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, folder: &Path) -> Process {
        let mut command = Command::new("sh");
        Process::start("shell", command.arg("-c").arg(script), folder).unwrap()
    }

    #[tokio::test]
    async fn a_line_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("echo listening on port 7; exec sleep 60", folder.path());
        let rest = process
            .wait_for_line("listening on ", Duration::from_secs(30))
            .await
            .unwrap();
        assert_eq!(rest, "port 7");
        process.check().unwrap();
    }

    #[tokio::test]
    async fn a_death_is_told_with_the_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("echo no luck >&2; exit 3", folder.path());
        let error = process
            .wait_for_line("listening", Duration::from_secs(30))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "shell has ended (exit status: 3); its last lines were:\n    no luck"
        );
    }

    #[tokio::test]
    async fn a_program_is_asked_to_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell(
            "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done",
            folder.path(),
        );
        process
            .wait_for_line("ready", Duration::from_secs(30))
            .await
            .unwrap();
        assert!(process.stop().unwrap().success());
    }

    #[tokio::test]
    async fn the_lines_of_a_predecessor_stay_in_the_log_and_are_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = shell("echo first; exec sleep 60", folder.path());
        let patience = Duration::from_secs(30);
        first.wait_for_line("first", patience).await.unwrap();
        first.kill().unwrap();
        assert!(first.kill().is_err());
        let mut second = shell("echo second; exec sleep 60", folder.path());
        second.wait_for_line("second", patience).await.unwrap();
        assert_eq!(second.output().unwrap(), "second\n");
        let log = std::fs::read_to_string(folder.path().join("shell.log")).unwrap();
        assert_eq!(log, "first\nsecond\n");
    }

    #[test]
    fn half_a_line_is_not_taken() {
        assert_eq!(find("listening on 127.0.0.1:80", "listening on "), None);
        assert_eq!(
            find("listening on 127.0.0.1:8080\n", "listening on ").as_deref(),
            Some("127.0.0.1:8080")
        );
    }
}
