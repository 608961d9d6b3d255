//! What is polled within a span, and dropped within it as well.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use opentelemetry::{Context, ContextGuard};
use pin_project_lite::pin_project;

use super::has_context;

/// Knows the context that something belongs to.
pub(crate) trait Around {
    /// Lasts as long as that is the current one.
    type Attached;

    /// Makes it the current one.
    fn make_current(&self) -> Self::Attached;
}

impl Around for Context {
    type Attached = Option<ContextGuard>;

    fn make_current(&self) -> Self::Attached {
        attached(Some(self))
    }
}

impl<A: Around> Around for &A {
    type Attached = A::Attached;

    fn make_current(&self) -> Self::Attached {
        A::make_current(self)
    }
}

impl<A: Around> Around for Option<A> {
    type Attached = Option<A::Attached>;

    fn make_current(&self) -> Self::Attached {
        self.as_ref().map(A::make_current)
    }
}

/// Makes a context the current one, if there is one; not so at the end of a thread.
#[inline]
pub(super) fn attached(context: Option<&Context>) -> Option<ContextGuard> {
    context
        .filter(|_| has_context())
        .map(|context| context.clone().attach())
}

pin_project! {
    /// A future, a stream or a body, and what is around it.
    ///
    /// What is dropped with it is dropped where it was polled, as long as `A` says where that is. That it may be gone takes no room
    /// where `A` leaves some of its values unused, as a reference does.
    #[derive(Debug)]
    pub(crate) struct Within<T, A>
    where
        A: Around,
    {
        #[pin]
        both: Option<Both<T, A>>,
    }

    impl<T, A: Around> PinnedDrop for Within<T, A> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(both) = &this.both {
                // OpenTelemetry panics where the current context is being looked at, and a destructor must not.
                let attach = AssertUnwindSafe(|| both.around.make_current());
                let _attached = catch_unwind(attach);
                this.clear();
            }
        }
    }
}

pin_project! {
    /// The fields are dropped in this order.
    #[derive(Debug)]
    struct Both<T, A> {
        #[pin]
        inner: T,
        around: A,
    }
}

impl<T, A: Around> Within<T, A> {
    pub(crate) fn new(inner: T, around: A) -> Self {
        let both = Some(Both { inner, around });
        Self { both }
    }

    /// Both, to poll the one within the other.
    ///
    /// # Panics
    ///
    /// Once it was cleared.
    #[inline]
    pub(crate) fn parts(self: Pin<&mut Self>) -> (Pin<&mut T>, &mut A) {
        let both = self.project().both.as_pin_mut();
        let both = both.expect("what is ready is not polled again").project();
        (both.inner, both.around)
    }

    /// Takes both out.
    ///
    /// # Panics
    ///
    /// Once it was cleared.
    #[cfg(feature = "actix-web")]
    pub(crate) fn into_parts(mut self) -> (T, A) {
        let both = self.both.take();
        let both = both.expect("what is ready is not used again");
        (both.inner, both.around)
    }

    /// What is within, as long as it was not cleared.
    pub(crate) fn inner(&self) -> Option<&T> {
        self.both.as_ref().map(|both| &both.inner)
    }

    /// Drops both, in the context that is current.
    pub(crate) fn clear(self: Pin<&mut Self>) {
        self.project().both.set(None);
    }
}
