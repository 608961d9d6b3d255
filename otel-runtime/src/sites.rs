//! The annotated functions and blocks that were called so far, and rules that switch them off.

use std::str::FromStr;

use crate::engine::{self, Site};

/// One annotated function or block.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SiteInfo {
    /// The span's name; empty where it is computed at run time.
    pub name: &'static str,
    /// The function's path: its module and its bare name, without the type of a method. A part within a function has the
    /// function's; [`span!`](crate::span) has the module's alone.
    pub path: String,
    /// The file as the compiler was given it.
    pub file: &'static str,
    /// The line, from 1; of a part within a function, that of the function's attribute.
    pub line: u32,
    /// Whether it makes spans.
    pub is_on: bool,
}

/// Lists the annotated functions and blocks that were called so far, in the order of their first calls.
///
/// ```
/// #[otel_runtime::traced_span("room.find")]
/// fn find() {}
///
/// find();
/// let sites = otel_runtime::sites();
/// assert!(sites.iter().any(|site| site.name == "room.find"));
/// ```
#[must_use]
pub fn sites() -> Vec<SiteInfo> {
    let info = |site: &'static Site| SiteInfo {
        name: site.name,
        path: path(site),
        file: site.location.file(),
        line: site.location.line(),
        is_on: site.is_switched_on(),
    };
    engine::sites().into_iter().map(info).collect()
}

/// Replaces the rules that say which annotated functions and blocks make spans, from now on and for every thread.
///
/// ```
/// # fn main() -> Result<(), otel_runtime::SpanRulesError> {
/// otel_runtime::set_span_rules("my_crate::db::*=off,booking.*=on".parse()?);
/// # Ok(())
/// # }
/// ```
///
/// A method is found by its module and bare name, or by its span's name:
///
/// ```
/// mod rooms {
///     pub struct Rooms;
///
///     #[otel_runtime::traced_span]
///     impl Rooms {
///         pub fn find(&self) {}
///     }
/// }
///
/// # fn main() -> Result<(), otel_runtime::SpanRulesError> {
/// rooms::Rooms.find();
/// for rules in ["*::rooms::find=off", "Rooms::find=off"] {
///     otel_runtime::set_span_rules(rules.parse()?);
///     assert!(otel_runtime::sites().iter().all(|site| !site.is_on));
/// }
/// # Ok(())
/// # }
/// ```
pub fn set_span_rules(rules: SpanRules) {
    engine::set_rules(rules);
}

/// Which annotated functions and blocks make spans.
///
/// Written as a comma list of `pattern=on` and `pattern=off`. A pattern is compared with the span's name and with the
/// function's path (`my_crate::module::function`, also for a method of a type in that module, and for the parts within
/// a function); a `*` in it stands for anything. The last rule that fits decides; without one a site is on. A rule that fits
/// nothing is no mistake, and nothing is said of it: [`sites`] has the names and paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanRules(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    pattern: String,
    on: bool,
}

impl SpanRules {
    /// No rules: every site is on.
    #[must_use]
    pub const fn new() -> SpanRules {
        SpanRules(Vec::new())
    }

    pub(crate) fn allow(&self, site: &Site) -> bool {
        let path = path(site);
        let last = self
            .0
            .iter()
            .rev()
            .find(|rule| fits(&rule.pattern, site.name) || fits(&rule.pattern, &path));
        last.is_none_or(|rule| rule.on)
    }
}

/// Why rules cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no rule for spans; write `pattern=on` or `pattern=off`, with commas between rules"
)]
pub struct SpanRulesError(String);

impl FromStr for SpanRules {
    type Err = SpanRulesError;

    fn from_str(text: &str) -> Result<SpanRules, SpanRulesError> {
        let rules = text
            .split(',')
            .map(str::trim)
            .filter(|rule| !rule.is_empty());
        let parse = |rule: &str| {
            let (pattern, switch) = rule.rsplit_once('=')?;
            let on = match switch.trim().to_ascii_lowercase().as_str() {
                "on" => true,
                "off" => false,
                _ => return None,
            };
            let pattern = pattern.trim().to_owned();
            (!pattern.is_empty()).then_some(Rule { pattern, on })
        };
        rules
            .map(|rule| parse(rule).ok_or_else(|| SpanRulesError(rule.to_owned())))
            .collect::<Result<_, _>>()
            .map(SpanRules)
    }
}

fn path(site: &Site) -> String {
    match site.function {
        "" => site.module.to_owned(),
        function => format!("{}::{function}", site.module),
    }
}

/// Whether a pattern fits the whole text; `*` stands for anything, also for nothing.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        // The first place is as good as any later one: what follows may only move left.
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_the_whole_text() {
        for (pattern, text, expected) in [
            ("booking.create", "booking.create", true),
            ("booking", "booking.create", false),
            ("booking.*", "booking.create", true),
            ("*.create", "booking.create", true),
            ("*", "", true),
            ("*create*", "booking.create", true),
            ("b*k*g.c*e", "booking.create", true),
            ("b*x*e", "booking.create", false),
            ("*ee", "e", false),
            ("a*a", "a", false),
            ("a*ba", "aba", true),
            ("", "", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn rules_are_read() {
        let rules: SpanRules = " my::db::*=off, booking.*=ON ,".parse().unwrap();
        let rule = |pattern: &str, on| Rule {
            pattern: pattern.to_owned(),
            on,
        };
        assert_eq!(rules.0, [rule("my::db::*", false), rule("booking.*", true)]);
        assert_eq!("".parse(), Ok(SpanRules::new()));
    }

    #[test]
    fn a_wrong_rule_is_named() {
        for wrong in ["booking", "booking=yes", "=on"] {
            let error = format!("a=on,{wrong}").parse::<SpanRules>().unwrap_err();
            assert_eq!(error, SpanRulesError(wrong.to_owned()));
        }
    }
}
