//! What each thread has of its own: its lane, its ids, and boxes to use again.

use std::cell::RefCell;
use std::sync::atomic::Ordering;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{SpanId, TraceId, TraceState};

use super::Core;
use super::bare::Bare;
use super::entries::Entries;
use super::ids::Ids;
use super::lane::Writer;
use super::limits::AttributeLimits;
use super::live::Live;
use super::open::Served;
use super::scope::{Label, Source, is_same};
use super::sited::{Kept, Parent, Place};
use super::stack::Stack;

/// So many boxes are kept for the next spans; a thread seldom has more spans at a time.
const SPARE: usize = 32;

/// A list that grew larger than this, in bytes, is not kept.
pub(super) const SPARE_CAPACITY: usize = 8 * 1024;

thread_local! {
    static LOCAL: RefCell<Local> = const { RefCell::new(Local::new()) };
}

struct Local {
    writer: Option<Writer>,
    ids: Option<Ids>,
    // Boxed where they are used, and moved from here to there.
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    spare: Vec<Box<Live>>,
    stack: Stack,
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    spare_lists: Vec<Box<Entries>>,
    /// Of the tracer that was asked for last.
    tracer: Option<&'static Label>,
}

impl Local {
    const fn new() -> Self {
        Self {
            writer: None,
            ids: None,
            spare: Vec::new(),
            stack: Stack::new(),
            spare_lists: Vec::new(),
            tracer: None,
        }
    }

    #[inline]
    fn ids(&mut self) -> &mut Ids {
        self.ids.get_or_insert_with(Ids::new)
    }

    #[inline(always)]
    fn close(&mut self, place: usize) {
        if let Some(live) = self.stack.get(place) {
            end(live, &mut self.writer, Live::now);
            live.gathered.shrink();
            self.stack.leave(place);
        }
    }

    /// Keeps a box for a later span, unless there are enough.
    #[inline(always)]
    fn keep(&mut self, mut live: Box<Live>) {
        if self.spare.len() < SPARE {
            live.gathered.shrink();
            self.spare.push(live);
        }
    }
}

/// The end of this thread's lane.
#[inline(always)]
fn writer<'a>(kept: &'a mut Option<Writer>, core: &'static Core) -> &'a mut Writer {
    if !matches!(kept, Some(writer) if writer.is_of(core)) {
        *kept = None;
    }
    kept.get_or_insert_with(|| core.new_writer())
}

/// Ends a span, unless it has ended, here or on another thread.
#[inline(always)]
fn end(live: &mut Live, kept: &mut Option<Writer>, now: impl FnOnce(&Live) -> u64) {
    live.look_for_late();
    if std::mem::replace(&mut live.has_ended, true) {
        return;
    }
    if let Some(shared) = live.shared {
        shared.end();
    }
    let end = live.ended_elsewhere.unwrap_or_else(|| now(live));
    if live.is_taken() {
        live.push(writer(kept, live.core), end);
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
    (reused(spare, core, source), id)
}

#[inline(always)]
fn reused(spare: Option<Box<Live>>, core: &'static Core, source: Source) -> Box<Live> {
    match spare {
        Some(mut live) => {
            live.reuse(core, source);
            live
        }
        None => new_live(core, source),
    }
}

/// A box that holds the same as a bare span.
pub(super) fn boxed(bare: &Bare) -> Box<Live> {
    let spare = with(|local| local.spare.pop()).flatten();
    let mut live = reused(spare, bare.core, Source::Site(bare.label));
    bare.copy(&mut live);
    live
}

/// An id for a bare span; `None` at the end of a thread.
#[inline(always)]
pub(super) fn bare_id() -> Option<SpanId> {
    with(|local| local.ids().span_id())
}

/// Keeps a bare span here, to which something is to be added; `None` at the end of a thread.
pub(super) fn keep_bare(bare: &Bare) -> Option<Place> {
    with(|local| {
        let place = local.stack.depth();
        bare.copy(local.stack.push(bare.core, Source::Site(bare.label)));
        Place(place)
    })
}

/// Ends a bare span, to which nothing was added; the answer is whether it could, which is not so at the end of a thread.
#[inline(always)]
pub(super) fn push_bare(bare: &Bare) -> bool {
    let pushed = with(|local| {
        let end = bare.now();
        if !bare.core.is_shut_down.load(Ordering::Relaxed) {
            bare.push(writer(&mut local.writer, bare.core), end);
        }
    });
    pushed.is_some()
}

/// Makes a span that is kept here, which is not so at the end of a thread, and will be current.
#[inline(always)]
pub(crate) fn keep(
    core: &'static Core,
    label: &'static Label,
    parent: &Parent,
    kept: &mut Kept,
) -> bool {
    let is_kept = with(|local| {
        let id = local.ids().span_id();
        kept.place = local.stack.depth();
        let live = local.stack.push(core, Source::Site(label));
        live.hang_under(parent, id, TraceState::NONE);
        // Not from the new span, where it has just been written.
        kept.id = id;
        kept.trace_id = parent.trace_id;
        kept.flags = parent.flags;
        kept.served = Some(Served::by(live));
    });
    is_kept.is_some()
}

/// Keeps a span that was made, without a trace state; it comes back at the end of a thread. It has begun if it will not be
/// current.
#[inline(always)]
pub(super) fn keep_made<const IS_CURRENT: bool>(
    live: Box<Live>,
    kept: &mut Kept,
) -> Option<Box<Live>> {
    let mut made = Some(live);
    with(|local| {
        if let Some(mut live) = made.take() {
            kept.place = local.stack.depth();
            if IS_CURRENT {
                kept.id = live.context.span_id();
                kept.trace_id = live.context.trace_id();
                kept.flags = live.context.trace_flags();
                kept.served = Some(Served::by(&mut live));
            } else {
                live.begin();
            }
            if let Some(spare) = local.stack.put(live) {
                local.keep(spare);
            }
        }
    });
    made
}

/// Ends the span of a function that is left.
#[inline(always)]
pub(super) fn close(place: usize) {
    with(|local| local.close(place));
}

/// The same for one that was never current. Apart, so that each is compiled as one.
#[inline(never)]
pub(super) fn close_leaf(place: usize) {
    with(|local| local.close(place));
}

/// Works with the span of a function that is running.
#[inline(always)]
pub(super) fn at<T>(place: usize, work: impl FnOnce(&mut Live) -> T) -> Option<T> {
    with(|local| local.stack.get(place).map(work)).flatten()
}

/// Works with the span of this id, if it is of a function that this thread runs; the answer is whether it is.
#[inline]
pub(super) fn with_open(id: SpanId, work: impl FnOnce(&mut Live)) -> bool {
    with(|local| local.stack.find(id).map(work))
        .flatten()
        .is_some()
}

/// Ends that span before its function is left; the answer is whether it is of this thread.
pub(super) fn end_open(id: SpanId, time: u64) -> bool {
    let found = with(|local| {
        let live = local.stack.find(id)?;
        end(live, &mut local.writer, |_| time);
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
    with(|local| live.push(writer(&mut local.writer, core), end)).is_some()
}

/// The same for a span that nobody else has, whose box is kept; the box comes back at the end of a thread.
pub(super) fn push_last(live: Box<Live>, end: u64) -> Option<Box<Live>> {
    let core = live.core;
    let mut live = Some(live);
    with(|local| {
        if let Some(mut live) = live.take() {
            live.push(writer(&mut local.writer, core), end);
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

/// Where the spans of a tracer come from. Who asks for one before each span asks for the same again and again.
pub(super) fn tracer(scope: InstrumentationScope) -> Source {
    let last = with(|local| local.tracer).flatten();
    if let Some(label) = last.filter(|label| is_same(label.scope, &scope)) {
        return Source::Site(label);
    }
    let source = Source::tracer(scope);
    if let Source::Site(label) = source {
        with(|local| local.tracer = Some(label));
    }
    source
}

#[inline]
pub(super) fn span_id() -> SpanId {
    with(|local| local.ids().span_id()).unwrap_or_else(|| Ids::new().span_id())
}

pub(super) fn trace_id() -> TraceId {
    with(|local| local.ids().trace_id()).unwrap_or_else(|| Ids::new().trace_id())
}
