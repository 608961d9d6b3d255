//! The spans of the functions that a thread is running.

use opentelemetry::trace::SpanId;

use super::Core;
use super::live::Live;
use super::scope::Source;

/// So many boxes are kept for spans that are deeper than any now.
const SPARE: usize = 32;

/// Boxes for spans, which stay where they are when a span ends: the next one at that depth is written into the same.
#[derive(Debug)]
pub(super) struct Stack {
    #[expect(clippy::vec_box, reason = "spans are large, and some come in boxes")]
    boxes: Vec<Box<Live>>,
    /// So many of them are in use, the innermost last.
    depth: usize,
    /// Of those, so many are of functions that were left before others that they had called.
    left: usize,
}

impl Stack {
    pub(super) const fn new() -> Self {
        Self {
            boxes: Vec::new(),
            depth: 0,
            left: 0,
        }
    }

    /// Where the next span will be.
    #[inline(always)]
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Makes a span in here, whose function is the innermost now.
    #[inline(always)]
    pub(super) fn push(&mut self, core: &'static Core, source: Source) -> &mut Live {
        let place = self.depth;
        if place == self.boxes.len() {
            self.grow(core, source.clone());
        }
        self.depth += 1;
        let live = &mut *self.boxes[place];
        live.reuse(core, source);
        live
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, core: &'static Core, source: Source) {
        self.boxes.push(Box::new(Live::new(core, source)));
    }

    /// Takes in a span that was made elsewhere, and hands out a box that is not needed any more.
    #[inline(always)]
    pub(super) fn put(&mut self, live: Box<Live>) -> Option<Box<Live>> {
        let place = self.depth;
        self.depth += 1;
        if let Some(spare) = self.boxes.get_mut(place) {
            return Some(std::mem::replace(spare, live));
        }
        self.boxes.push(live);
        None
    }

    #[inline(always)]
    pub(super) fn get(&mut self, place: usize) -> Option<&mut Live> {
        self.boxes.get_mut(place).map(|live| &mut **live)
    }

    /// The span of this id.
    #[inline]
    pub(super) fn find(&mut self, id: SpanId) -> Option<&mut Live> {
        let mut open = self.boxes.iter_mut().take(self.depth).rev();
        open.find(|live| live.context.span_id() == id)
            .map(|live| &mut **live)
    }

    /// Forgets a span, which has ended.
    #[inline(always)]
    pub(super) fn leave(&mut self, place: usize) {
        if place + 1 == self.depth && self.left == 0 && self.boxes.len() <= place + SPARE {
            self.depth = place;
        } else {
            self.leave_otherwise(place);
        }
    }

    #[cold]
    #[inline(never)]
    fn leave_otherwise(&mut self, place: usize) {
        if let Some(live) = self.get(place) {
            live.is_left = true;
            self.left += 1;
        }
        while let Some(top) = self.depth.checked_sub(1)
            && let Some(live) = self.get(top)
            && live.is_left
        {
            live.is_left = false;
            self.left -= 1;
            self.depth = top;
        }
        self.boxes.truncate(self.depth + SPARE);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::TraceState;

    use super::super::sited::Parent;
    use super::super::tests::core;
    use super::*;

    /// A stack with so many spans, whose ids begin with 1.
    fn stack(spans: u64) -> Stack {
        let mut stack = Stack::new();
        (1..=spans).for_each(|id| push(&mut stack, id));
        stack
    }

    fn push(stack: &mut Stack, id: u64) {
        let scope = Arc::new(InstrumentationScope::builder("stack").build());
        let parent = Parent::of(&opentelemetry::Context::new());
        let live = stack.push(core(1), Source::Tracer(scope));
        live.hang_under(&parent, SpanId::from(id), TraceState::NONE);
    }

    fn is_there(stack: &mut Stack, id: u64) -> bool {
        stack.find(SpanId::from(id)).is_some()
    }

    #[test]
    fn the_innermost_is_left_first() {
        let mut stack = stack(3);
        assert!((1..=3).all(|id| is_there(&mut stack, id)));
        stack.leave(2);
        assert_eq!(stack.depth(), 2);
        assert!(!is_there(&mut stack, 3) && is_there(&mut stack, 2));
        push(&mut stack, 4);
        assert!(is_there(&mut stack, 4));
    }

    #[test]
    fn what_is_left_too_early_keeps_its_place_until_all_in_it_are_left() {
        let mut stack = stack(4);
        stack.leave(1);
        stack.leave(2);
        assert_eq!(stack.depth(), 4);
        push(&mut stack, 5);
        stack.leave(4);
        assert_eq!(stack.depth(), 4);
        stack.leave(3);
        assert_eq!(stack.depth(), 1);
        assert!(is_there(&mut stack, 1) && !is_there(&mut stack, 2));
        stack.leave(0);
        assert_eq!((stack.depth(), stack.left), (0, 0));
    }

    #[test]
    fn few_boxes_are_kept() {
        let mut stack = stack(1_000);
        for place in (0..1_000).rev() {
            stack.leave(place);
        }
        assert_eq!(stack.boxes.len(), SPARE);
    }
}
