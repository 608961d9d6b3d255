//! What each thread has of its own: its lane, its ids, and boxes to use again.

use std::cell::RefCell;

use opentelemetry::trace::{SpanId, TraceId};

use super::Core;
use super::attributes::Attributes;
use super::ids::Ids;
use super::lane::Writer;
use super::limits::AttributeLimits;
use super::live::Live;
use super::scope::Source;

/// So many boxes are kept for the next spans; a thread seldom has more spans at a time.
const SPARE: usize = 32;

/// A box that grew larger than this, in bytes, is not kept.
const SPARE_CAPACITY: usize = 8 * 1024;

thread_local! {
    static LOCAL: Local = const { Local::new() };
}

struct Local {
    writer: RefCell<Option<Writer>>,
    ids: RefCell<Option<Ids>>,
    // Boxed where they are used, and moved from here to there.
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    spare: RefCell<Vec<Box<Live>>>,
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    spare_lists: RefCell<Vec<Box<Attributes>>>,
}

impl Local {
    const fn new() -> Self {
        Self {
            writer: RefCell::new(None),
            ids: RefCell::new(None),
            spare: RefCell::new(Vec::new()),
            spare_lists: RefCell::new(Vec::new()),
        }
    }
}

/// A box for a span.
pub(super) fn live(core: &'static Core, source: Source) -> Box<Live> {
    let spare = LOCAL.try_with(|local| local.spare.borrow_mut().pop());
    match spare.ok().flatten() {
        Some(mut live) => {
            live.reuse(core, source);
            live
        }
        None => Box::new(Live::new(core, source)),
    }
}

/// Keeps a box for a later span, unless there are enough.
pub(super) fn give_back(live: Box<Live>) {
    if live.capacity() > SPARE_CAPACITY {
        return;
    }
    // At the end of a thread it is just dropped.
    let _ = LOCAL.try_with(|local| {
        let mut spare = local.spare.borrow_mut();
        if spare.len() < SPARE {
            spare.push(live);
        }
    });
}

/// An empty list for attributes.
#[expect(clippy::unnecessary_box_returns, reason = "the box is what is kept")]
pub(super) fn list(field: u8, limits: AttributeLimits) -> Box<Attributes> {
    let spare = LOCAL.try_with(|local| local.spare_lists.borrow_mut().pop());
    let mut list = spare.ok().flatten().unwrap_or_default();
    list.start(field, limits);
    list
}

/// Keeps a list for later, unless there are enough.
pub(super) fn give_back_list(list: Box<Attributes>) {
    if list.capacity() > SPARE_CAPACITY {
        return;
    }
    // At the end of a thread it is just dropped.
    let _ = LOCAL.try_with(|local| {
        let mut spare = local.spare_lists.borrow_mut();
        if spare.len() < SPARE {
            spare.push(list);
        }
    });
}

pub(super) fn span_id() -> SpanId {
    with_ids(Ids::span_id)
}

pub(super) fn trace_id() -> TraceId {
    with_ids(Ids::trace_id)
}

fn with_ids<T>(make: impl Fn(&mut Ids) -> T) -> T {
    LOCAL
        .try_with(|local| make(local.ids.borrow_mut().get_or_insert_with(Ids::new)))
        .unwrap_or_else(|_| make(&mut Ids::new()))
}

/// Works with this thread's end of a lane of a core; `None` at the end of a thread.
pub(super) fn with_writer<T>(
    core: &'static Core,
    work: impl FnOnce(&mut Writer) -> T,
) -> Option<T> {
    LOCAL
        .try_with(|local| {
            let mut writer = local.writer.borrow_mut();
            match &mut *writer {
                Some(writer) if writer.is_of(core) => work(writer),
                _ => work(writer.insert(core.new_writer())),
            }
        })
        .ok()
}
