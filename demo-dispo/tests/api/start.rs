//! What the program says when it cannot start.

#[cfg(target_os = "linux")]
use std::{
    fs::{self, File},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};
use std::{net::TcpListener, process::Command};

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

/// Runs the program in a folder of its own; it must fail and print `message`, if there is one.
#[track_caller]
fn assert_fails(arguments: &[&str], variable: (&str, &str), message: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_demo-dispo"))
        .args(arguments)
        .env(variable.0, variable.1)
        .env_remove("DATABASE_URL")
        .env_remove("QUEUE_URL")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(message.is_empty() || told == message, "{told}");
    told
}
