//! The span of a function that is never current.

use std::mem::ManuallyDrop;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::Failure;
use super::recorder::BareLeaf;
use super::recorder::sited::Place;
use super::span::{PanicWatch, SyncSpan, fail_live};

/// The span of a function that is not async, never current. It ends when it is dropped. What it holds is dropped by then, so
/// that nothing is left to be done after that.
#[derive(Debug)]
pub struct LeafSpan(ManuallyDrop<Running>);

#[derive(Debug)]
pub(super) enum Running {
    Off,
    /// Of the engine, and kept nowhere until there is something to keep.
    Bare {
        leaf: BareLeaf,
        panic: PanicWatch,
    },
    /// Of the engine, kept by this thread.
    Kept {
        place: Place,
        panic: PanicWatch,
    },
    /// Of another provider, or of the engine where that was asked by the API.
    Other(SyncSpan),
}

impl LeafSpan {
    #[inline(always)]
    pub(super) fn new(running: Running) -> LeafSpan {
        LeafSpan(ManuallyDrop::new(running))
    }

    #[inline]
    pub(super) fn off() -> LeafSpan {
        LeafSpan::new(Running::Off)
    }

    #[inline]
    pub(super) fn running(&self) -> &Running {
        &self.0
    }

    #[inline(never)]
    fn leave(&mut self) {
        match &*self.0 {
            Running::Off => {}
            Running::Bare { leaf, panic } => {
                if panic.has_begun() {
                    leaf.with(|live| fail_live(live, Failure::panic()));
                }
                leaf.end();
            }
            Running::Kept { place, panic } => {
                if panic.has_begun() {
                    place.with(|live| fail_live(live, Failure::panic()));
                }
                place.close_leaf();
            }
            Running::Other(_) => *self.0 = Running::Off,
        }
    }
}

impl Drop for LeafSpan {
    #[inline]
    fn drop(&mut self) {
        if !matches!(*self.0, Running::Off) {
            self.leave();
        }
    }
}

/// A panic meanwhile leaves nothing half done in a span.
impl UnwindSafe for LeafSpan {}
impl RefUnwindSafe for LeafSpan {}
