//! What a running process has used of processor and memory, as Linux tells it.

use std::{collections::HashMap, fs, path::PathBuf, time::Duration};

use anyhow::Context;

/// Linux counts in hundredths of a second, whatever its own clock is.
const TICK: Duration = Duration::from_millis(10);

/// The two clocks of one process may differ by this much because one is coarse.
const ROUNDING: Duration = Duration::from_millis(30);

/// Makes sure that processes can be measured here, by this one.
///
/// # Errors
///
/// This is not Linux, or it does not tell.
pub fn check() -> anyhow::Result<()> {
    check_process(std::process::id())
}

fn check_process(process: u32) -> anyhow::Result<()> {
    let reading = CpuTime::of(process).and(peak_memory(process));
    reading.context("processor time and memory are read from /proc, as Linux has it")?;
    Ok(())
}

/// The processor time, user and system, that a process had used at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuTime {
    /// To the nanosecond, but only of the threads that lived then.
    threads: HashMap<u32, Duration>,
    /// To a tick, of all threads that ever were.
    all: Duration,
}

impl CpuTime {
    /// Reads the clocks of the process with this id.
    ///
    /// # Errors
    ///
    /// There is no such process, or this is not Linux.
    pub fn of(process: u32) -> anyhow::Result<Self> {
        let path = PathBuf::from(format!("/proc/{process}"));
        let stat = read(&path.join("stat"))?;
        let all = ticks(&stat).context("/proc/<pid>/stat is not what Linux writes")?;
        let mut threads = HashMap::new();
        for thread in fs::read_dir(path.join("task"))? {
            let thread = thread?;
            // It may have ended since it was listed.
            let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else {
                continue;
            };
            if let (Some(id), Some(time)) = (
                thread.file_name().to_str().and_then(|id| id.parse().ok()),
                text.split_whitespace().next(),
            ) {
                threads.insert(id, Duration::from_nanos(time.parse()?));
            }
        }
        Ok(Self { threads, all })
    }

    /// What was used since `earlier`; exact, unless threads have ended in between.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Duration {
        let all = self.all.saturating_sub(earlier.all);
        let sum = |time: &Self| time.threads.values().sum::<Duration>();
        let threads = sum(self).saturating_sub(sum(earlier));
        if all.abs_diff(threads) <= ROUNDING {
            threads
        } else {
            all
        }
    }
}

/// The most memory the process with this id ever had, in bytes.
///
/// # Errors
///
/// There is no such process, or this is not Linux.
pub fn peak_memory(process: u32) -> anyhow::Result<u64> {
    let status = read(&PathBuf::from(format!("/proc/{process}/status")))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes
        .context("/proc/<pid>/status does not tell the peak of memory")?
        .parse()?;
    Ok(kilobytes * 1024)
}

fn read(path: &PathBuf) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The name of the program stands in parentheses, and may hold some itself.
fn ticks(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u32>().ok();
    Some(TICK * (next()? + next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(threads: &[(u32, u64)], all_ms: u64) -> CpuTime {
        CpuTime {
            threads: threads
                .iter()
                .map(|(id, micros)| (*id, Duration::from_micros(*micros)))
                .collect(),
            all: Duration::from_millis(all_ms),
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_can_be_measured() {
        check().unwrap();
    }

    #[test]
    fn what_cannot_be_measured_is_told_with_what_it_takes() {
        let told = format!("{:#}", check_process(u32::MAX).unwrap_err());
        assert!(
            told.starts_with(
                "processor time and memory are read from /proc, as Linux has it: \
                 cannot read /proc/4294967295/stat: "
            ),
            "{told}"
        );
    }

    #[test]
    fn threads_that_live_are_told_exactly() {
        let earlier = time(&[(1, 100), (2, 200)], 0);
        let later = time(&[(1, 1_100), (2, 200), (3, 12_345)], 10);
        assert_eq!(later.since(&earlier), Duration::from_micros(13_345));
    }

    #[test]
    fn what_a_thread_that_ended_has_used_counts() {
        let earlier = time(&[(1, 100), (2, 200)], 0);
        let later = time(&[(1, 1_100)], 90);
        assert_eq!(later.since(&earlier), Duration::from_millis(90));
    }

    #[test]
    fn the_ticks_are_found_behind_any_name() {
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 120 34 0 0";
        assert_eq!(ticks(stat), Some(Duration::from_millis(1540)));
    }
}
