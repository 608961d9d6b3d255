//! What each thread has of its own: its lane, its ids, and boxes to use again.

use std::cell::RefCell;

use opentelemetry::trace::{SpanId, TraceId, TraceState};

use super::Core;
use super::entries::Entries;
use super::ids::Ids;
use super::lane::Writer;
use super::limits::AttributeLimits;
use super::live::Live;
use super::open::Served;
use super::scope::{Label, Source};
use super::sited::{Kept, Parent};

/// So many boxes are kept for the next spans; a thread seldom has more spans at a time.
const SPARE: usize = 32;

/// A box that grew larger than this, in bytes, is not kept.
const SPARE_CAPACITY: usize = 8 * 1024;

thread_local! {
    static LOCAL: RefCell<Local> = const { RefCell::new(Local::new()) };
}

struct Local {
    writer: Option<Writer>,
    ids: Option<Ids>,
    // Boxed where they are used, and moved from here to there.
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    spare: Vec<Box<Live>>,
    /// Spans of functions that are running, the innermost last; `None` for one that was left before those in it.
    open: Vec<Option<Box<Live>>>,
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    spare_lists: Vec<Box<Entries>>,
}

impl Local {
    const fn new() -> Self {
        Self {
            writer: None,
            ids: None,
            spare: Vec::new(),
            open: Vec::new(),
            spare_lists: Vec::new(),
        }
    }

    #[inline]
    fn ids(&mut self) -> &mut Ids {
        self.ids.get_or_insert_with(Ids::new)
    }

    #[inline]
    fn writer(&mut self, core: &'static Core) -> &mut Writer {
        if !matches!(&self.writer, Some(writer) if writer.is_of(core)) {
            self.writer = None;
        }
        self.writer.get_or_insert_with(|| core.new_writer())
    }

    /// A box for a span.
    #[inline(always)]
    fn live(&mut self, core: &'static Core, source: Source) -> Box<Live> {
        match self.spare.pop() {
            Some(mut live) => {
                live.reuse(core, source);
                live
            }
            None => new_live(core, source),
        }
    }

    /// Keeps a box for a later span, unless there are enough.
    #[inline(always)]
    fn keep(&mut self, live: Box<Live>) {
        if self.spare.len() < SPARE && live.gathered.capacity() <= SPARE_CAPACITY {
            self.spare.push(live);
        }
    }

    /// Takes the span of a function that is left.
    #[inline(always)]
    fn take_open(&mut self, place: usize) -> Option<Box<Live>> {
        if place + 1 == self.open.len() {
            let live = self.open.pop().flatten();
            if let Some(None) = self.open.last() {
                self.forget_left();
            }
            return live;
        }
        self.open.get_mut(place).and_then(Option::take)
    }

    #[cold]
    fn forget_left(&mut self) {
        while let Some(None) = self.open.last() {
            self.open.pop();
        }
    }

    /// Where the span of this id is.
    #[inline]
    fn find_open(&self, id: SpanId) -> Option<usize> {
        let is_it = |live: &Option<Box<Live>>| {
            let live = live.as_deref();
            live.is_some_and(|live| live.context.span_id() == id)
        };
        self.open.iter().rposition(is_it)
    }

    /// Ends a span, unless it has ended, here or on another thread.
    #[inline(always)]
    fn end(&mut self, live: &mut Live, now: impl FnOnce(&Live) -> u64) {
        live.look_for_late();
        if std::mem::replace(&mut live.has_ended, true) {
            return;
        }
        if let Some(shared) = live.shared {
            shared.end();
        }
        let end = live.ended_elsewhere.unwrap_or_else(|| now(live));
        if live.is_taken() {
            live.push(self.writer(live.core), end);
        }
    }
}

#[cold]
#[inline(never)]
fn new_live(core: &'static Core, source: Source) -> Box<Live> {
    Box::new(Live::new(core, source))
}

/// `None` at the end of a thread. Nothing that is called in here comes back.
#[inline]
fn with<T>(work: impl FnOnce(&mut Local) -> T) -> Option<T> {
    LOCAL.try_with(|local| work(&mut local.borrow_mut())).ok()
}

/// A box for a span, and an id for it.
pub(super) fn live(core: &'static Core, source: Source) -> (Box<Live>, SpanId) {
    let found = with(|local| (local.spare.pop(), local.ids().span_id()));
    let (spare, id) = found.unwrap_or_else(|| (None, Ids::new().span_id()));
    match spare {
        Some(mut live) => {
            live.reuse(core, source);
            (live, id)
        }
        None => (new_live(core, source), id),
    }
}

/// Makes a span that is kept here, which is not so at the end of a thread. `IS_CURRENT` says whether it will be current.
#[inline(always)]
pub(crate) fn keep<const IS_CURRENT: bool>(
    core: &'static Core,
    label: &'static Label,
    parent: &Parent,
    kept: &mut Kept,
) -> bool {
    let is_kept = with(|local| {
        let id = local.ids().span_id();
        let mut live = local.live(core, Source::Site(label));
        live.hang_under(parent, id, TraceState::NONE);
        kept.place = local.open.len();
        if IS_CURRENT {
            // Not from the new span, where it has just been written.
            kept.id = id;
            kept.trace_id = parent.trace_id;
            kept.flags = parent.flags;
            kept.served = Some(Served::by(&mut live));
        }
        local.open.push(Some(live));
    });
    is_kept.is_some()
}

/// Keeps a span that was made, without a trace state; it comes back at the end of a thread.
#[inline(always)]
pub(super) fn keep_made<const IS_CURRENT: bool>(
    live: Box<Live>,
    kept: &mut Kept,
) -> Option<Box<Live>> {
    let mut made = Some(live);
    with(|local| {
        if let Some(mut live) = made.take() {
            kept.place = local.open.len();
            if IS_CURRENT {
                kept.id = live.context.span_id();
                kept.trace_id = live.context.trace_id();
                kept.flags = live.context.trace_flags();
                kept.served = Some(Served::by(&mut live));
            }
            local.open.push(Some(live));
        }
    });
    made
}

/// Ends the span of a function that is left.
#[inline(always)]
pub(super) fn close(place: usize) {
    with(|local| {
        if let Some(mut live) = local.take_open(place) {
            local.end(&mut live, Live::now);
            local.keep(live);
        }
    });
}

/// Works with the span of a function that is running.
#[inline(always)]
pub(super) fn at<T>(place: usize, work: impl FnOnce(&mut Live) -> T) -> Option<T> {
    with(|local| local.open.get_mut(place)?.as_deref_mut().map(work)).flatten()
}

/// Works with the span of this id, if it is of a function that this thread runs; the answer is whether it is.
#[inline]
pub(super) fn with_open(id: SpanId, work: impl FnOnce(&mut Live)) -> bool {
    let found = with(|local| {
        let place = local.find_open(id)?;
        local.open[place].as_deref_mut().map(work)
    });
    found.flatten().is_some()
}

/// Ends that span before its function is left; the answer is whether it is of this thread.
pub(super) fn end_open(id: SpanId, end: u64) -> bool {
    let found = with(|local| {
        let place = local.find_open(id)?;
        let mut live = local.open[place].take()?;
        local.end(&mut live, |_| end);
        local.open[place] = Some(live);
        Some(())
    });
    found.flatten().is_some()
}

/// Keeps a box for a later span, unless there are enough. At the end of a thread it is just dropped.
#[inline]
pub(super) fn give_back(live: Box<Live>) {
    with(|local| local.keep(live));
}

/// Adds an ended span to those that wait in this thread's lane; the answer is whether there is one, which is not so at the
/// end of a thread.
pub(super) fn push(live: &mut Live, end: u64) -> bool {
    let core = live.core;
    with(|local| live.push(local.writer(core), end)).is_some()
}

/// The same for a span that nobody else has, whose box is kept; the box comes back at the end of a thread.
pub(super) fn push_last(live: Box<Live>, end: u64) -> Option<Box<Live>> {
    let core = live.core;
    let mut live = Some(live);
    with(|local| {
        if let Some(mut live) = live.take() {
            live.push(local.writer(core), end);
            local.keep(live);
        }
    });
    live
}

/// An empty list for attributes.
#[expect(clippy::unnecessary_box_returns, reason = "the box is what is kept")]
#[inline]
pub(super) fn list(limits: AttributeLimits) -> Box<Entries> {
    let spare = with(|local| local.spare_lists.pop()).flatten();
    let mut list = spare.unwrap_or_default();
    list.start(limits);
    list
}

/// Keeps a list for later, unless there are enough. At the end of a thread it is just dropped.
#[inline]
pub(super) fn give_back_list(list: Box<Entries>) {
    with(|local| {
        if local.spare_lists.len() < SPARE && list.capacity() <= SPARE_CAPACITY {
            local.spare_lists.push(list);
        }
    });
}

#[inline]
pub(super) fn span_id() -> SpanId {
    with(|local| local.ids().span_id()).unwrap_or_else(|| Ids::new().span_id())
}

pub(super) fn trace_id() -> TraceId {
    with(|local| local.ids().trace_id()).unwrap_or_else(|| Ids::new().trace_id())
}
