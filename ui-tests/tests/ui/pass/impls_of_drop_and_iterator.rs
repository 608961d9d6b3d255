#![deny(warnings)]

use std::sync::atomic::{AtomicU32, Ordering};

use otel_runtime::{span_attr, traced_span};

static DROPPED: AtomicU32 = AtomicU32::new(0);

struct Countdown<'a> {
    left: u32,
    seen: &'a mut Vec<u32>,
}

#[traced_span(leaf)]
impl Iterator for Countdown<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        self.seen.push(self.left);
        Some(self.left)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).unwrap_or(0);
        (left, Some(left))
    }
}

#[traced_span]
impl DoubleEndedIterator for Countdown<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        None
    }
}

impl Drop for Countdown<'_> {
    #[traced_span]
    #[span_attr("left" = self.left)]
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

struct Numbers(Vec<u32>);

#[traced_span]
impl<'a> IntoIterator for &'a Numbers {
    type Item = &'a u32;
    type IntoIter = std::slice::Iter<'a, u32>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[traced_span]
impl FromIterator<u32> for Numbers {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        Self(numbers.into_iter().collect())
    }
}

#[traced_span]
impl Extend<u32> for Numbers {
    fn extend<I>(&mut self, numbers: I)
    where
        I: IntoIterator<Item = u32>,
    {
        self.0.extend(numbers);
    }
}

fn main() {
    let mut seen = Vec::new();
    let mut numbers: Numbers = Countdown { left: 3, seen: &mut seen }.collect();
    assert_eq!((&seen, DROPPED.load(Ordering::Relaxed)), (&vec![2, 1, 0], 1));
    numbers.extend([9]);
    assert_eq!((&numbers).into_iter().sum::<u32>(), 12);
    assert_eq!(Countdown { left: 1, seen: &mut seen }.next_back(), None);
}
