//! Spans around parts of an async function that await.
//!
//! A guard for the current context cannot live across an await: the future may go on elsewhere. So the function's future
//! is polled in the function's context and in those of the parts that it is in, which its slot holds.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{self, Poll, ready};

use opentelemetry::{Context, ContextGuard};
use pin_project_lite::pin_project;

use super::TaskSpan;
use super::span::{PanicWatch, Started};
use super::within::{Around, Within, attached};

thread_local! {
    /// What is attached for the polls that are going on in this thread, and for the parts that each is in, the innermost last.
    static ATTACHED: RefCell<Vec<OnTop>> = const { RefCell::new(Vec::new()) };
}

/// What was attached on top of the others.
struct OnTop {
    by: By,
    /// The address of the slot, which does not move as long as something is attached for it.
    slot: usize,
    _guard: Option<ContextGuard>,
}

#[derive(Clone, Copy, PartialEq)]
enum By {
    Poll,
    Part,
}

/// The contexts that an async function's future is polled with.
#[derive(Debug)]
pub struct Slot<'a> {
    /// The function's own span.
    span: &'a TaskSpan,
    /// Of the parts that the function is in, the innermost last.
    parts: Mutex<Vec<Context>>,
    /// While the future is polled.
    poll: Mutex<Option<PanicWatch>>,
}

/// A panic meanwhile leaves nothing half done in them.
impl UnwindSafe for Slot<'_> {}
impl RefUnwindSafe for Slot<'_> {}
impl UnwindSafe for PartSpan<'_> {}
impl RefUnwindSafe for PartSpan<'_> {}

impl<'a> Slot<'a> {
    /// Starts with the function's own span.
    #[must_use]
    pub fn new(span: &'a TaskSpan) -> Slot<'a> {
        Slot {
            span,
            parts: Mutex::new(Vec::new()),
            poll: Mutex::new(None),
        }
    }

    /// Makes the context of a part that begins the current one, in the poll that is going on and in those to come.
    fn begin(&self, context: Context) {
        self.attach(By::Part, Some(&context));
        lock(&self.parts).push(context);
    }

    /// Takes that of the innermost part off again. What the user has attached on top of it stays where it is.
    fn end(&self) {
        self.detach(By::Part);
        let part = lock(&self.parts).pop();
        drop(part);
    }

    /// At the end of a thread nothing is attached, as there is no context either.
    fn attach(&self, by: By, context: Option<&Context>) {
        let on_top = OnTop {
            by,
            slot: self.address(),
            _guard: attached(context),
        };
        let _ = ATTACHED.try_with(|all| all.borrow_mut().push(on_top));
    }

    /// Takes off what was attached last, if it was so by this; the answer is whether it was.
    fn detach(&self, by: By) -> bool {
        let is_own = |last: &mut OnTop| last.by == by && last.slot == self.address();
        let last = ATTACHED.try_with(|all| all.borrow_mut().pop_if(is_own));
        // It is dropped when it is off, as values in a context may have destructors.
        last.is_ok_and(|last| last.is_some())
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
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

impl<'a> Around for &'a Slot<'_> {
    type Attached = Attached<'a>;

    fn make_current(&self) -> Attached<'a> {
        self.attach(By::Poll, self.span.context());
        for part in &*lock(&self.parts) {
            self.attach(By::Part, Some(part));
        }
        Attached(self)
    }
}

/// The time in which the contexts of a slot are current.
#[derive(Debug)]
pub(crate) struct Attached<'a>(&'a Slot<'a>);

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        // Parts that go on have to be attached again anyway.
        while self.0.detach(By::Part) {}
        self.0.detach(By::Poll);
    }
}

/// One poll; undone when it returns or panics.
struct Polled<'a> {
    slot: &'a Slot<'a>,
    _attached: Attached<'a>,
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
}

impl<'a> PartSpan<'a> {
    pub(super) fn new(span: Started, slot: &'a Slot<'a>) -> PartSpan<'a> {
        let context = span.context().cloned();
        let is_in_slot = context.is_some();
        if let Some(context) = context {
            slot.begin(context);
        }
        PartSpan {
            slot,
            span,
            is_in_slot,
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
            self.slot.end();
        }
        self.span.end();
    }
}

/// A panic elsewhere leaves nothing half done here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
