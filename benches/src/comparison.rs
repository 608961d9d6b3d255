//! The rounds, and the tables that come out of them.

use std::error::Error;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use otel_runtime::testing::Collector;

use crate::child::{Process, Task};
use crate::contenders::{Contender, Setup};
use crate::scenario::{CHILDREN, Scenario};

type Failure = Box<dyn Error + Send + Sync>;

/// What is measured how often; by default what `docs/performance.md` shows.
#[derive(Clone, Copy, Debug)]
struct Effort {
    rounds: usize,
    spans: u32,
    cpu_rounds: usize,
    cpu_spans: u32,
}

const WHOLE: Effort = Effort {
    rounds: 15,
    spans: 20_000,
    cpu_rounds: 5,
    cpu_spans: 100_000,
};

/// To see whether everything works.
const QUICK: Effort = Effort {
    rounds: 2,
    spans: 2_000,
    cpu_rounds: 1,
    cpu_spans: 20_000,
};

/// What has been measured of one contender.
#[derive(Debug)]
struct Figure {
    contender: Contender,
    /// `off`, `null`, `http` or `grpc`.
    setup: &'static str,
    scenario: Scenario,
    median: f64,
    /// Half of the rounds lie between these two.
    low: f64,
    high: f64,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let effort = match arguments.first().map(String::as_str) {
        None => WHOLE,
        Some("--quick") => QUICK,
        Some(other) => return Err(format!("`{other}` is not known; there is `--quick`").into()),
    };
    let mut figures = Vec::new();
    off(effort, &mut figures)?;
    null(effort, &mut figures)?;
    let dropped = dropped()?;
    end_to_end(effort, "http", &mut figures, |collector| {
        Setup::Http(collector.http_endpoint())
    })?;
    end_to_end(effort, "grpc", &mut figures, |collector| {
        Setup::Grpc(collector.grpc_endpoint())
    })?;
    print_table(&figures);
    print_bounds(&figures, dropped);
    Ok(())
}

fn off(effort: Effort, figures: &mut Vec<Figure>) -> Result<(), Failure> {
    let mut processes = start(&Setup::Off, |_| true)?;
    // So little is measured that it takes more of it to be seen.
    let spans = effort.spans * 10;
    rounds(
        &mut processes,
        "off",
        Task::Time,
        Scenario::Plain,
        effort.rounds,
        spans,
        figures,
    )
}

fn null(effort: Effort, figures: &mut Vec<Figure>) -> Result<(), Failure> {
    let mut processes = start(&Setup::Null, |_| true)?;
    for (scenario, name) in Scenario::ALL {
        eprintln!("measuring: {name}");
        rounds(
            &mut processes,
            "null",
            Task::Time,
            scenario,
            effort.rounds,
            effort.spans,
            figures,
        )?;
    }
    Ok(())
}

fn end_to_end(
    effort: Effort,
    name: &'static str,
    figures: &mut Vec<Figure>,
    setup: impl Fn(&Collector) -> Setup,
) -> Result<(), Failure> {
    use Contender::{ByHand, Fastrace, Ours, Tracing};
    let mut processes = Vec::new();
    let mut collectors = Vec::new();
    for contender in [ByHand, Tracing, Fastrace, Ours] {
        // It decodes all, and need keep none.
        let collector = Collector::with_capacity(NonZeroUsize::MIN)?;
        processes.push((contender, Process::start(contender, &setup(&collector))?));
        collectors.push(collector);
    }
    let mut made = 0;
    for scenario in [Scenario::Plain, Scenario::Attributes] {
        eprintln!("measuring: CPU by {name}, {}", scenario.name());
        rounds(
            &mut processes,
            name,
            Task::Cpu,
            scenario,
            effort.cpu_rounds,
            effort.cpu_spans,
            figures,
        )?;
        made += effort.cpu_spans as usize * (effort.cpu_rounds + 1);
        for ((contender, _), collector) in processes.iter().zip(&collectors) {
            let parents = match contender {
                // Their parents are spans of theirs.
                Tracing | Fastrace => made / CHILDREN as usize,
                _ => 0,
            };
            arrived(collector, made + parents)
                .map_err(|error| format!("{}, by {name}: {error}", contender.name()))?;
        }
    }
    Ok(())
}

/// Fails unless so many spans have arrived, all decoded.
fn arrived(collector: &Collector, made: usize) -> Result<(), Failure> {
    // What was flushed may still be on its way into the store.
    let end = Instant::now() + Duration::from_secs(2);
    while received(collector) < made && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    let arrived = received(collector);
    if arrived != made {
        return Err(format!("{arrived} of {made} spans arrived").into());
    }
    if collector.requests().refused > 0 {
        return Err("the sink could not decode a request".into());
    }
    Ok(())
}

fn received(collector: &Collector) -> usize {
    collector.spans().len() + usize::try_from(collector.dropped()).unwrap_or(usize::MAX)
}

/// How many of a million spans are dropped.
fn dropped() -> Result<f64, Failure> {
    let mut process = Process::start(Contender::Ours, &Setup::Null)?;
    process.ask(Task::Dropped, Scenario::Plain, 1_000_000)
}

fn start(
    setup: &Setup,
    wanted: impl Fn(Contender) -> bool,
) -> Result<Vec<(Contender, Process)>, Failure> {
    let contenders = Contender::ALL.into_iter().map(|(contender, _)| contender);
    contenders
        .filter(|contender| wanted(*contender))
        .map(|contender| Ok((contender, Process::start(contender, setup)?)))
        .collect()
}

fn rounds(
    processes: &mut [(Contender, Process)],
    setup: &'static str,
    task: Task,
    scenario: Scenario,
    rounds: usize,
    spans: u32,
    figures: &mut Vec<Figure>,
) -> Result<(), Failure> {
    let mut all = vec![Vec::new(); processes.len()];
    // The first round only warms up.
    for round in 0..=rounds {
        for ((_, process), found) in processes.iter_mut().zip(&mut all) {
            let figure = process.ask(task, scenario, spans)?;
            if round > 0 {
                found.push(figure);
            }
        }
    }
    for ((contender, _), mut found) in processes.iter().zip(all) {
        found.sort_by(f64::total_cmp);
        figures.push(Figure {
            contender: *contender,
            setup,
            scenario,
            median: found[found.len() / 2],
            low: found[found.len() / 4],
            high: found[found.len() * 3 / 4],
        });
    }
    Ok(())
}

fn find<'a>(
    figures: &'a [Figure],
    contender: Contender,
    setup: &str,
    scenario: Scenario,
) -> Option<&'a Figure> {
    figures.iter().find(|figure| {
        figure.contender == contender && figure.setup == setup && figure.scenario == scenario
    })
}

fn print_table(figures: &[Figure]) {
    use Scenario::{
        Async, Attributes, Leaf, LeafAttributes, Plain, Tree, TwoThreads, Unsampled,
        UnsampledAttributes,
    };
    let columns = [
        ("off", Plain, "off"),
        ("null", Unsampled, "unsampled parent"),
        (
            "null",
            UnsampledAttributes,
            "the same, 4 attributes + 1 event",
        ),
        ("null", Plain, "sampled"),
        ("null", Attributes, "4 attributes + 1 event"),
        ("null", Leaf, "leaf"),
        ("null", LeafAttributes, "leaf, 4 attributes + 1 event"),
        ("null", Tree, "tree of 101"),
        ("null", Async, "async, 3 pending polls"),
        ("null", TwoThreads, "two threads"),
        ("http", Plain, "CPU to OTLP/HTTP"),
        ("http", Attributes, "the same, with attributes"),
        ("grpc", Plain, "CPU to OTLP/gRPC"),
        ("grpc", Attributes, "the same, with attributes"),
    ];
    println!("Nanoseconds per span: the median, and between which two half of the rounds lie.\n");
    let titles: Vec<_> = columns.iter().map(|(_, _, title)| *title).collect();
    println!("| | {} |", titles.join(" | "));
    println!("|---|{}", "---|".repeat(columns.len()));
    for (contender, name) in Contender::ALL {
        let cells =
            columns.map(
                |(setup, scenario, _)| match find(figures, contender, setup, scenario) {
                    Some(figure) if figure.median < 20.0 => {
                        format!(
                            "{:.1} ({:.1}-{:.1})",
                            figure.median, figure.low, figure.high
                        )
                    }
                    Some(figure) => format!(
                        "{:.0} ({:.0}-{:.0})",
                        figure.median, figure.low, figure.high
                    ),
                    None => String::new(),
                },
            );
        println!("| {name} | {} |", cells.join(" | "));
    }
}

/// A promise: ours against another's, at most so much.
struct Bound {
    what: &'static str,
    setup: &'static str,
    ours: (Contender, Scenario),
    other: (Contender, Scenario),
    /// Whether what the bare function takes does not count.
    without_bare: bool,
    most: f64,
}

fn bounds() -> Vec<Bound> {
    use Contender::{ByHand, Fastrace, Ours, OverOurs, Tracing};
    use Scenario::{Async, Attributes, Leaf, Plain, Tree, TwoThreads, UnsampledAttributes};
    let bound = |what, setup, ours, other, most| Bound {
        what,
        setup,
        ours,
        other,
        without_bare: false,
        most,
    };
    let of = |what, other, scenario, most| {
        bound(what, "null", (Ours, scenario), (other, scenario), most)
    };
    let cpu = |what, setup, other, scenario, most| {
        bound(what, setup, (Ours, scenario), (other, scenario), most)
    };
    vec![
        of(
            "unsampled parent, 4 attributes + 1 event",
            ByHand,
            UnsampledAttributes,
            0.06,
        ),
        of("sampled child", ByHand, Plain, 0.30),
        of("sampled child", Tracing, Plain, 0.10),
        of("sampled child", Fastrace, Plain, 1.3),
        of(
            "sampled child, 4 attributes + 1 event",
            ByHand,
            Attributes,
            0.33,
        ),
        of(
            "sampled child, 4 attributes + 1 event",
            Fastrace,
            Attributes,
            0.60,
        ),
        of("tree of 101 spans", ByHand, Tree, 0.30),
        Bound {
            without_bare: true,
            ..of("async, bare subtracted", ByHand, Async, 0.55)
        },
        of("two threads", ByHand, TwoThreads, 0.25),
        bound("leaf", "null", (Ours, Leaf), (Fastrace, Plain), 0.60),
        cpu("CPU to OTLP/HTTP", "http", ByHand, Plain, 0.25),
        cpu(
            "CPU to OTLP/HTTP, with attributes",
            "http",
            ByHand,
            Attributes,
            0.30,
        ),
        cpu("CPU to OTLP/HTTP", "http", Fastrace, Plain, 0.25),
        cpu(
            "CPU to OTLP/HTTP, with attributes",
            "http",
            Fastrace,
            Attributes,
            0.15,
        ),
        cpu("CPU to OTLP/gRPC", "grpc", ByHand, Plain, 0.30),
        cpu(
            "CPU to OTLP/gRPC, with attributes",
            "grpc",
            ByHand,
            Attributes,
            0.30,
        ),
        bound(
            "spans by hand over our provider",
            "null",
            (OverOurs, Plain),
            (ByHand, Plain),
            0.6,
        ),
        bound(
            "the same, with attributes",
            "null",
            (OverOurs, Attributes),
            (ByHand, Attributes),
            0.6,
        ),
    ]
}

fn print_bounds(figures: &[Figure], dropped: f64) {
    println!("\n| | against | ratio | at most | |");
    println!("|---|---|---|---|---|");
    for bound in bounds() {
        let take = |(contender, scenario): (Contender, Scenario)| {
            let figure = find(figures, contender, bound.setup, scenario)?.median;
            let bare = find(figures, Contender::Bare, bound.setup, scenario);
            let bare = bare.filter(|_| bound.without_bare);
            Some(figure - bare.map_or(0.0, |figure| figure.median))
        };
        let (Some(ours), Some(other)) = (take(bound.ours), take(bound.other)) else {
            continue;
        };
        let (what, against, most) = (bound.what, bound.other.0.name(), bound.most);
        let ratio = ours / other;
        println!(
            "| {what} | {against} | {ratio:.2} | {most:.2} | {} |",
            verdict(ratio <= most)
        );
    }
    let off = |contender| find(figures, contender, "off", Scenario::Plain).map(|it| it.median);
    if let (Some(ours), Some(bare)) = (off(Contender::Ours), off(Contender::Bare)) {
        let more = ours - bare;
        println!(
            "| site off | bare function | {more:+.1} ns | +1.0 ns | {} |",
            verdict(more <= 1.0)
        );
    }
    println!(
        "| dropped of a million spans | | {dropped} | 0 | {} |",
        verdict(dropped == 0.0)
    );
}

fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "does not hold" }
}
