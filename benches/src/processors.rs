//! Which processors threads run on.
//!
//! Left alone, the scheduler at times puts the thread that exports onto the processor of the one that is measured, and what
//! it does there counts as the time of spans. So the measured thread has a processor of its own, and those that were started
//! before share the others. Linux alone can be told so; elsewhere, and with one processor, all run where they are put.

#[cfg(target_os = "linux")]
pub(crate) use self::linux::Processors;
#[cfg(not(target_os = "linux"))]
pub(crate) use self::unknown::Processors;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::io;
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// Those of the process. A thread runs where it is told, or else where the one runs that starts it.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Processors(CpuSet);

    impl Processors {
        pub(crate) fn all() -> io::Result<Self> {
            sched_getaffinity(None).map(Self)
        }

        /// Lets the calling thread run on all but the first.
        pub(crate) fn enter_others(&self) -> io::Result<()> {
            let mut others = self.0;
            if let Some(first) = self.first().filter(|_| self.0.count() > 1) {
                others.unset(first);
            }
            sched_setaffinity(None, &others)
        }

        /// Lets the calling thread run on the first only.
        pub(crate) fn enter_first(&self) -> io::Result<()> {
            let mut alone = CpuSet::new();
            match self.first() {
                Some(first) => alone.set(first),
                None => alone = self.0,
            }
            sched_setaffinity(None, &alone)
        }

        /// Lets the calling thread run on any.
        pub(crate) fn enter_any(&self) -> io::Result<()> {
            sched_setaffinity(None, &self.0)
        }

        fn first(&self) -> Option<usize> {
            (0..CpuSet::MAX_CPU).find(|&processor| self.0.is_set(processor))
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod unknown {
    use std::io;

    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Processors;

    impl Processors {
        pub(crate) fn all() -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) fn enter_others(&self) -> io::Result<()> {
            Ok(())
        }

        pub(crate) fn enter_first(&self) -> io::Result<()> {
            Ok(())
        }

        pub(crate) fn enter_any(&self) -> io::Result<()> {
            Ok(())
        }
    }
}
