//! Which sites make spans: all of them, none, or those that the rules leave on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

use super::Site;
use crate::sites::SpanRules;

/// Whether nothing is recorded at all; read where there is no site.
static ALL_OFF: AtomicBool = AtomicBool::new(false);

/// Whether nothing is recorded below a span that is not sampled; known as long as the global provider's sampler is.
static FOLLOWS_PARENTS: AtomicBool = AtomicBool::new(false);

static CONTROL: Mutex<Control> = Mutex::new(Control {
    rules: SpanRules::new(),
    sites: Vec::new(),
});

struct Control {
    rules: SpanRules,
    /// Every site that was called, in the order of the first calls.
    sites: Vec<&'static Site>,
}

/// Switches everything off, or back to what the rules say.
pub(crate) fn switch_off(off: bool) {
    let control = lock();
    ALL_OFF.store(off, Ordering::Relaxed);
    control.apply();
}

/// Whether nothing is recorded, so that preparing a span would be in vain.
pub(crate) fn is_off() -> bool {
    ALL_OFF.load(Ordering::Relaxed)
}

/// Says whether the sampler does as the parent of a span.
pub(crate) fn follow_parents(follow: bool) {
    FOLLOWS_PARENTS.store(follow, Ordering::Relaxed);
}

/// Whether it is known without asking anybody that no span is made under a context: telemetry is suppressed, or the span in
/// there is not sampled and the sampler does as that does.
#[inline(always)]
pub(crate) fn is_unwanted(context: &Context) -> bool {
    if context.is_telemetry_suppressed() {
        return true;
    }
    let span = context.span();
    let parent = span.span_context();
    !parent.is_sampled() && parent.is_valid() && FOLLOWS_PARENTS.load(Ordering::Relaxed)
}

/// Whether it is known that no span is made now. At the end of a thread there is no context to make it under.
#[cfg(feature = "diesel")]
pub(crate) fn is_none_wanted() -> bool {
    is_off() || super::map_current(is_unwanted) != Some(false)
}

/// Replaces the rules.
pub(crate) fn set_rules(rules: SpanRules) {
    let mut control = lock();
    control.rules = rules;
    control.apply();
}

/// Every site that was called so far.
pub(crate) fn sites() -> Vec<&'static Site> {
    lock().sites.clone()
}

/// Notes a site at its first call; the answer is whether it is on.
#[cold]
pub(super) fn register(site: &'static Site) -> bool {
    let mut control = lock();
    // Another thread may have been first.
    if !control.sites.iter().any(|known| std::ptr::eq(*known, site)) {
        control.sites.push(site);
    }
    control.decide(site)
}

impl Control {
    fn apply(&self) {
        for site in &self.sites {
            self.decide(site);
        }
    }

    fn decide(&self, site: &Site) -> bool {
        let on = !is_off() && self.rules.allow(site);
        site.switch(on);
        on
    }
}

/// A panic elsewhere leaves nothing half done here.
fn lock() -> MutexGuard<'static, Control> {
    CONTROL.lock().unwrap_or_else(PoisonError::into_inner)
}
