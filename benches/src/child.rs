//! One contender in a process of its own, which does what it is told on its standard input.

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::contenders::{Contender, Functions, Setup, ours};
use crate::processors::Processors;
use crate::scenario::Scenario;

pub(crate) const COMMAND: &str = "contend";

/// So many spans are made before they are flushed, where CPU is measured.
const FLUSHED: u32 = 20_000;

type Failure = Box<dyn Error + Send + Sync>;

/// What a process is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task {
    /// The time of each span on the calling thread, in nanoseconds.
    Time,
    /// The CPU time of the whole process for each span, until it has left, in nanoseconds.
    Cpu,
    /// How many spans are dropped where nothing waits.
    Dropped,
    /// Nothing is answered that is of use: valgrind counts what goes on in [`counted`].
    Counted,
}

impl Task {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Time, "time"),
        (Self::Cpu, "cpu"),
        (Self::Dropped, "dropped"),
        (Self::Counted, "counted"),
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Cpu => "cpu",
            Self::Dropped => "dropped",
            Self::Counted => "counted",
        }
    }
}

/// The other end of [`run`].
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(contender: Contender, setup: &Setup) -> Result<Self, Failure> {
        let command = Command::new(std::env::current_exe()?);
        let mut child = contending(command, contender, setup).spawn()?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        let (Some(to), Some(from)) = (to, from) else {
            return Err("there is no pipe".into());
        };
        Ok(Self {
            child,
            to,
            from: BufReader::new(from),
        })
    }

    pub(crate) fn ask(
        &mut self,
        task: Task,
        scenario: Scenario,
        spans: u32,
    ) -> Result<f64, Failure> {
        writeln!(self.to, "{} {} {spans}", task.name(), scenario.name())?;
        self.to.flush()?;
        let mut answer = String::new();
        self.from.read_line(&mut answer)?;
        Ok(answer.trim().parse()?)
    }
}

/// Lets a command, which ends with the name of this program, be one contender.
pub(crate) fn contending(mut command: Command, contender: Contender, setup: &Setup) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    command
        .args([COMMAND, contender.name()])
        .args(arguments(setup))
        .envs(ours::environment(setup))
        // The collector is on this machine.
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// What the process has not told by now is not wanted.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn arguments(setup: &Setup) -> Vec<&str> {
    match setup {
        Setup::Off => vec!["off"],
        Setup::Null => vec!["null"],
        Setup::Http(endpoint) => vec!["http", endpoint],
        Setup::Grpc(endpoint) => vec!["grpc", endpoint],
    }
}

/// Works until the standard input ends.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut arguments = arguments.iter().map(String::as_str);
    let mut next = || arguments.next().ok_or("an argument is missing");
    let contender = Contender::named(next()?).ok_or("no such contender")?;
    let setup = match next()? {
        "off" => Setup::Off,
        "null" => Setup::Null,
        "http" => Setup::Http(next()?.to_owned()),
        "grpc" => Setup::Grpc(next()?.to_owned()),
        _ => return Err("no such setup".into()),
    };
    let processors = Processors::all()?;
    processors.enter_others()?;
    let functions = contender.start(&setup)?;
    let mut out = std::io::stdout();
    for line in std::io::stdin().lines() {
        let line = line?;
        let mut words = line.split(' ');
        let mut next = || words.next().ok_or("a word is missing");
        let task = next()?;
        let mut tasks = Task::ALL.into_iter();
        let (task, _) = tasks
            .find(|(_, name)| *name == task)
            .ok_or("no such task")?;
        let scenario = Scenario::named(next()?).ok_or("no such scenario")?;
        let spans = next()?.parse()?;
        match scenario {
            Scenario::TwoThreads => processors.enter_any()?,
            _ => processors.enter_first()?,
        }
        writeln!(out, "{}", measured(task, scenario, spans, &functions))?;
        out.flush()?;
    }
    Ok(())
}

fn measured(task: Task, scenario: Scenario, spans: u32, functions: &Functions) -> f64 {
    match task {
        Task::Time => {
            let time = scenario.run(functions, spans);
            // Nothing is left to be done while others are measured.
            (functions.flush)();
            time
        }
        Task::Cpu => {
            let begun = cpu();
            for _ in 0..spans / FLUSHED {
                scenario.run(functions, FLUSHED);
                (functions.flush)();
            }
            cpu().saturating_sub(begun).as_secs_f64() * 1e9 / f64::from(spans / FLUSHED * FLUSHED)
        }
        Task::Dropped => {
            let before = (functions.flush)().unwrap_or(0);
            scenario.run(functions, spans);
            let after = (functions.flush)().unwrap_or(u64::MAX);
            u32::try_from(after - before).map_or(f64::INFINITY, f64::from)
        }
        Task::Counted => {
            for _ in 0..2 {
                scenario.run(functions, spans);
                (functions.flush)();
            }
            counted(scenario, spans, functions)
        }
    }
}

/// Known to valgrind by its name.
#[inline(never)]
fn counted(scenario: Scenario, spans: u32, functions: &Functions) -> f64 {
    scenario.run(functions, spans)
}

/// Of all threads of this process, in the kernel and out of it.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}
