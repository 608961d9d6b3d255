//! Spans around parts of an async function that await.
//!
//! A guard for the current context cannot live across an await: the future may go on elsewhere. So the function's future
//! is polled with the context that its slot holds, and such a part changes what is in the slot.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{self, Poll, ready};

use opentelemetry::{Context, ContextGuard};
use pin_project_lite::pin_project;

use super::TaskSpan;
use super::span::{PanicWatch, Started};
use super::within::{Around, Within, attached};

thread_local! {
    /// What is attached for each poll that is going on in this thread, the innermost last.
    static POLLS: RefCell<Vec<Option<ContextGuard>>> = const { RefCell::new(Vec::new()) };
}

/// The context that an async function's future is polled with.
#[derive(Debug)]
pub struct Slot<'a> {
    /// The function's own span.
    span: &'a TaskSpan,
    context: Mutex<Option<Context>>,
    /// While the future is polled.
    poll: Mutex<Option<PanicWatch>>,
}

impl<'a> Slot<'a> {
    /// Starts with the function's own span.
    #[must_use]
    pub fn new(span: &'a TaskSpan) -> Slot<'a> {
        Slot {
            span,
            context: Mutex::new(span.context().cloned()),
            poll: Mutex::new(None),
        }
    }

    /// Makes a context the current one of the poll that is going on, and of those to come.
    fn replace(&self, context: Option<Context>) -> Option<Context> {
        with_polls(|polls| {
            if let Some(attached) = polls.last_mut() {
                // The old one is detached before the new one is attached.
                *attached = None;
                *attached = self::attached(context.as_ref());
            }
        });
        std::mem::replace(&mut *lock(&self.context), context)
    }
}

pin_project! {
    /// The body of an async function, polled with the context of its slot.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InSlot<'a, F> {
        #[pin]
        within: Within<F, &'a Slot<'a>>,
    }
}

impl<'a, F> InSlot<'a, F> {
    /// Ties a future to a slot.
    pub fn new(slot: &'a Slot<'a>, future: F) -> InSlot<'a, F> {
        InSlot {
            within: Within::new(future, slot),
        }
    }
}

impl<F: Future> Future for InSlot<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut within = self.project().within;
        let (future, slot) = within.as_mut().parts();
        let _polled = Polled::new(slot);
        let output = ready!(future.poll(task));
        within.clear();
        Poll::Ready(output)
    }
}

impl Around for Slot<'_> {
    type Attached = Attached;

    fn make_current(&self) -> Attached {
        let attached = attached(lock(&self.context).as_ref());
        with_polls(|polls| polls.push(attached));
        Attached(())
    }
}

/// The time in which the context of a slot is the current one.
#[derive(Debug)]
pub(crate) struct Attached(());

impl Drop for Attached {
    fn drop(&mut self) {
        drop(with_polls(Vec::pop));
    }
}

/// One poll; undone when it returns or panics.
struct Polled<'a> {
    slot: &'a Slot<'a>,
    _attached: Attached,
}

impl<'a> Polled<'a> {
    fn new(slot: &'a Slot<'a>) -> Polled<'a> {
        let attached = slot.make_current();
        *lock(&slot.poll) = Some(PanicWatch::new());
        Polled {
            slot,
            _attached: attached,
        }
    }
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        let panic = lock(&self.slot.poll).take();
        if panic.is_some_and(PanicWatch::has_begun) {
            self.slot.span.panicked();
        }
    }
}

/// The span of a part that awaits; ends when it is left, by whatever way.
#[derive(Debug)]
pub struct PartSpan<'a> {
    slot: &'a Slot<'a>,
    span: Started,
    is_in_slot: bool,
    /// What was in the slot before.
    around: Option<Context>,
}

impl<'a> PartSpan<'a> {
    pub(super) fn new(span: Started, slot: &'a Slot<'a>) -> PartSpan<'a> {
        let context = span.context().cloned();
        let is_in_slot = context.is_some();
        let around = if is_in_slot {
            slot.replace(context)
        } else {
            None
        };
        PartSpan {
            slot,
            span,
            is_in_slot,
            around,
        }
    }
}

impl Drop for PartSpan<'_> {
    fn drop(&mut self) {
        let poll = *lock(&self.slot.poll);
        match poll {
            // Left within a poll: the part is done.
            Some(panic) if panic.has_begun() => self.span.panicked(),
            Some(_) => {}
            // The whole future is dropped.
            None => self.span.cancelled(),
        }
        if self.is_in_slot {
            self.slot.replace(self.around.take());
        }
        self.span.end();
    }
}

/// `None` at the end of a thread, when there is no context either.
fn with_polls<T>(work: impl FnOnce(&mut Vec<Option<ContextGuard>>) -> T) -> Option<T> {
    POLLS.try_with(|polls| work(&mut polls.borrow_mut())).ok()
}

/// A panic elsewhere leaves nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
