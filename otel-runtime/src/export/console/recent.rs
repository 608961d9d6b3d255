//! The last few of many.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::num::NonZeroUsize;

/// Remembers the last `capacity` different values.
#[derive(Debug)]
pub(super) struct Recent<T> {
    capacity: usize,
    order: VecDeque<T>,
    values: HashSet<T>,
}

impl<T: Copy + Eq + Hash> Recent<T> {
    pub(super) fn new(capacity: NonZeroUsize) -> Self {
        Self {
            capacity: capacity.get(),
            order: VecDeque::new(),
            values: HashSet::new(),
        }
    }

    pub(super) fn contains(&self, value: &T) -> bool {
        self.values.contains(value)
    }

    /// Forgets the oldest value where there is no room.
    pub(super) fn insert(&mut self, value: T) {
        if self.values.insert(value) {
            self.order.push_back(value);
            if self.order.len() > self.capacity
                && let Some(oldest) = self.order.pop_front()
            {
                self.values.remove(&oldest);
            }
        }
    }
}
