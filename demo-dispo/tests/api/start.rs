//! What the program says when it cannot start.

#[cfg(target_os = "linux")]
use std::{
    fs::{self, File},
    time::{Duration, Instant},
};
use std::{
    io::{self, BufRead as _, BufReader, Lines},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, ChildStderr, Command, Stdio},
    thread,
};

use tokio::net::TcpSocket;

use crate::database::postgres;

#[test]
fn a_wrong_value_is_told_with_its_variable() {
    assert_fails(
        &["serve"],
        ("DISPO_PORT", "high"),
        "demo-dispo: DISPO_PORT: not a port; use a number from 0 to 65535 (found `high`)\n",
    );
}

#[test]
fn a_taken_port_is_told_with_its_variable() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let told = assert_fails(&[], ("DISPO_PORT", &port), "");
    assert!(
        told.contains(&format!("cannot listen on 127.0.0.1:{port}: ")),
        "{told}"
    );
    assert!(
        told.contains("another port is chosen with DISPO_PORT"),
        "{told}"
    );
}

#[test]
fn an_unknown_role_is_told_with_those_there_are() {
    assert_fails(
        &["boss"],
        ("DISPO_PORT", ""),
        "demo-dispo: no role `boss`; use `serve` (or nothing) or `worker`\n",
    );
}

/// As it does the first time, with several processes at once. Told by whether the signal is followed, which ends a process
/// that does not listen too, but not well.
#[cfg(target_os = "linux")]
#[test]
fn a_process_that_waits_to_set_up_its_database_may_be_ended() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("dispo.db-lock");
    let held = File::create(&lock).unwrap();
    held.lock().unwrap();
    let mut waiting = Command::new(env!("CARGO_BIN_EXE_demo-dispo"))
        .env_remove("DATABASE_URL")
        .env_remove("QUEUE_URL")
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let opened = format!("/proc/{}/fd", waiting.id());
    let is_open = || {
        let files = fs::read_dir(&opened).unwrap();
        let mut targets = files.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
        targets.any(|target| target == lock)
    };
    let begin = Instant::now();
    while !is_open() {
        assert!(
            begin.elapsed() < Duration::from_secs(15),
            "it does not wait"
        );
        thread::yield_now();
    }
    let process = waiting.id().to_string();
    let told = Command::new("kill").args(["-TERM", &process]).status();
    assert!(told.unwrap().success());
    let ended = waiting.wait().unwrap();
    assert!(ended.success(), "{ended}");
    // It would wait for half a minute.
    assert!(begin.elapsed() < Duration::from_secs(25));
}

/// As where the service and its database are started at once.
#[tokio::test]
async fn a_database_server_that_comes_later_is_waited_for() {
    let Some(database) = postgres("a_database_server_that_comes_later_is_waited_for") else {
        return;
    };
    let (start, name) = database.url.rsplit_once('/').unwrap();
    let (user, server) = start.rsplit_once('@').unwrap();
    let (socket, here) = closed_port();
    let mut program = Waiting::start(&format!("{user}@{here}/{name}"));
    program.wait_for("the database is waited for: ");
    let listener = socket.listen(16).unwrap().into_std().unwrap();
    listener.set_nonblocking(false).unwrap();
    let server = server.to_owned();
    thread::spawn(move || forward(&listener, &server));
    program.wait_for("listening on http://");
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_that_waits_for_its_database_server_may_be_ended() {
    let (_socket, here) = closed_port();
    let mut program = Waiting::start(&format!("postgres://{here}/rooms"));
    program.wait_for("the database is waited for: ");
    let process = program.process.id().to_string();
    let told = Command::new("kill").args(["-TERM", &process]).status();
    assert!(told.unwrap().success());
    let ended = program.process.wait().unwrap();
    assert!(ended.success(), "{ended}");
}

/// As for whatever else waiting would not mend.
#[test]
fn a_database_that_the_server_does_not_have_is_not_waited_for() {
    let Some(database) = postgres("a_database_that_the_server_does_not_have_is_not_waited_for")
    else {
        return;
    };
    let (start, _) = database.url.rsplit_once('/').unwrap();
    let url = format!("{start}/no_such_database");
    let told = assert_fails(&[], ("DATABASE_URL", &url), "");
    assert!(
        told.contains("database \"no_such_database\" does not exist"),
        "{told}"
    );
    assert!(!told.contains("waited for"), "{told}");
}

/// A port that nobody else gets, and that refuses connections until the socket listens.
fn closed_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// Passes on to `server` whatever comes, and back.
fn forward(listener: &TcpListener, server: &str) {
    for client in listener.incoming() {
        let client = client.unwrap();
        let server = TcpStream::connect(server).unwrap();
        for (mut from, mut to) in [
            (client.try_clone().unwrap(), server.try_clone().unwrap()),
            (server, client),
        ] {
            thread::spawn(move || io::copy(&mut from, &mut to));
        }
    }
}

/// The program on a database that is not there yet, in a folder of its own.
struct Waiting {
    process: Child,
    lines: Lines<BufReader<ChildStderr>>,
    _folder: tempfile::TempDir,
}

impl Waiting {
    fn start(database: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_demo-dispo"))
            .env("DATABASE_URL", database)
            .env("DISPO_PORT", "0")
            .env_remove("QUEUE_URL")
            .env_remove("RUST_LOG")
            .current_dir(folder.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        Self {
            process,
            lines,
            _folder: folder,
        }
    }

    /// Reads what it tells, until there is this in it.
    #[track_caller]
    fn wait_for(&mut self, told: &str) {
        let found = self.lines.any(|line| line.unwrap().contains(told));
        assert!(found, "it ended before it told: {told}");
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the program in a folder of its own; it must fail and print `message`, if there is one.
#[track_caller]
fn assert_fails(arguments: &[&str], variable: (&str, &str), message: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_demo-dispo"))
        .args(arguments)
        .env_remove("DATABASE_URL")
        .env_remove("QUEUE_URL")
        .env(variable.0, variable.1)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(message.is_empty() || told == message, "{told}");
    told
}
