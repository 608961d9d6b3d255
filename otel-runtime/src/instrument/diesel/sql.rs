//! SQL cut into tokens, and SQL text with its literals replaced.
//!
//! One pass from left to right; every input has a reading, also a broken one.

use super::values::Values;

/// Which rules for quotes and comments hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// What the SQL standard says, with what PostgreSQL adds. Its settings say whether a backslash escapes.
    Standard,
    /// Names may stand in square brackets. What stands in double quotes is a string where there is no such name.
    Sqlite,
    /// Double quotes hold strings, `#` starts a comment. Its settings say whether a backslash escapes.
    Mysql,
    /// Any of them: that hides more rather than less.
    Unknown,
}

impl Dialect {
    /// Whether double quotes hold a name or a string, by what there is.
    fn has_doubtful_quotes(self) -> bool {
        matches!(self, Self::Sqlite | Self::Unknown)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space and comments.
    Gap,
    /// A keyword or an unquoted name.
    Word,
    /// A quoted name, quotes included.
    Quoted,
    /// A string or number, prefix included.
    Literal,
    /// `?`, `?1`, `$1`, `:name`, `@name`.
    Placeholder,
    /// One character of anything else.
    Symbol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
}

impl Token<'_> {
    /// Whether this is the given keyword, in any case.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    pub(super) fn is_symbol(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol && self.text.starts_with(symbol)
    }
}

/// The tokens of a text, which together are the whole text.
pub(super) fn tokens(sql: &str, dialect: Dialect) -> impl Iterator<Item = Token<'_>> {
    let mut rest = sql;
    let mut follows_escape = false;
    std::iter::from_fn(move || {
        let (kind, length) = match first(rest, dialect)? {
            // One character, where nobody knows what a backslash means elsewhere.
            (Kind::Literal, _)
                if follows_escape
                    && matches!(dialect, Dialect::Standard | Dialect::Sqlite)
                    && is_one_backslash(rest) =>
            {
                (Kind::Literal, 3)
            }
            first => first,
        };
        let (text, after) = rest.split_at(length);
        rest = after;
        let token = Token { kind, text };
        if kind != Kind::Gap {
            follows_escape = token.is("ESCAPE");
        }
        Some(token)
    })
}

fn is_one_backslash(text: &str) -> bool {
    text.strip_prefix("'\\'")
        .is_some_and(|after| !after.starts_with('\''))
}

/// The text with `?` for each literal, and without comments.
pub(super) fn without_literals(sql: &str, dialect: Dialect) -> String {
    let mut text = String::with_capacity(sql.len());
    let mut values = Values::new(dialect);
    let mut at = 0;
    for token in tokens(sql, dialect) {
        at += token.text.len();
        match token.kind {
            Kind::Gap if text.is_empty() || text.ends_with(' ') => {}
            Kind::Gap => text.push(' '),
            Kind::Literal => text.push('?'),
            Kind::Word if token.is("true") || token.is("false") => text.push('?'),
            Kind::Word | Kind::Quoted if values.is_set_to(token) => text.push('?'),
            Kind::Quoted
                if dialect.has_doubtful_quotes()
                    && token.text.starts_with('"')
                    && values.may_be_next()
                    // What has a dot behind it, or before, is a name.
                    && !sql[at..].trim_start().starts_with('.') =>
            {
                text.push('?');
            }
            Kind::Word | Kind::Quoted | Kind::Placeholder | Kind::Symbol => {
                text.push_str(token.text);
            }
        }
        values.see(token);
    }
    text.truncate(text.trim_end().len());
    text
}

/// Kind and length in bytes of the first token; the length is never zero and ends between characters.
fn first(sql: &str, dialect: Dialect) -> Option<(Kind, usize)> {
    let c = sql.chars().next()?;
    let after = &sql[c.len_utf8()..];
    let next = after.chars().next();
    let token = match c {
        c if c.is_whitespace() => (Kind::Gap, run(sql, char::is_whitespace)),
        '-' if next == Some('-') => dashes(sql, dialect),
        '#' if dialect == Dialect::Mysql => (Kind::Gap, line(sql)),
        '#' if dialect == Dialect::Unknown => doubtful_comment(sql, line(sql)),
        '/' if next == Some('*') => block_comment(sql, dialect),
        '\'' => (Kind::Literal, string(sql, '\'', dialect)),
        '"' if dialect == Dialect::Mysql => (Kind::Literal, string(sql, '"', dialect)),
        '"' if dialect == Dialect::Unknown => doubtful_name(sql),
        '"' | '`' => (Kind::Quoted, quoted(sql, c, false)),
        '[' if dialect == Dialect::Sqlite => (Kind::Quoted, brackets(sql)),
        '[' if dialect == Dialect::Unknown => doubtful_brackets(sql),
        '0'..='9' => (Kind::Literal, number(sql)),
        '.' if next.is_some_and(|next| next.is_ascii_digit()) => (Kind::Literal, number(sql)),
        '$' => dollar(sql),
        '?' => (Kind::Placeholder, 1 + run(after, |c| c.is_ascii_digit())),
        // `a::text` is a cast, `:=` an assignment.
        ':' if next == Some(':') => (Kind::Symbol, 2),
        ':' | '@' if next.is_some_and(starts_word) => (Kind::Placeholder, 1 + run(after, in_word)),
        c if starts_word(c) => word(sql, dialect),
        c => (Kind::Symbol, c.len_utf8()),
    };
    Some(token)
}

fn starts_word(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn in_word(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphanumeric()
}

/// Length of the longest start of the text whose characters all satisfy `holds`.
fn run(text: &str, holds: impl Fn(char) -> bool) -> usize {
    text.find(|c| !holds(c)).unwrap_or(text.len())
}

fn line(sql: &str) -> usize {
    sql.find('\n').unwrap_or(sql.len())
}

/// Two dashes, which in MySQL begin a comment only where a gap follows. In PostgreSQL either line break ends it.
fn dashes(sql: &str, dialect: Dialect) -> (Kind, usize) {
    let after = sql[2..].chars().next();
    let has_gap = after.is_none_or(|c| c.is_whitespace() || c.is_control());
    let length = line(sql);
    match dialect {
        Dialect::Standard => (Kind::Gap, run(sql, |c| !is_line_break(c))),
        Dialect::Mysql if !has_gap => (Kind::Symbol, 1),
        Dialect::Unknown if !has_gap || sql[..length].contains('\r') => {
            doubtful_comment(sql, length)
        }
        Dialect::Sqlite | Dialect::Mysql | Dialect::Unknown => (Kind::Gap, length),
    }
}

/// What is a comment of this length, or none at all. It is left out as one, unless what comes after it would depend on which it
/// is: then all of that may be in a string or not.
fn doubtful_comment(sql: &str, length: usize) -> (Kind, usize) {
    if opens_something(&sql[..length]) {
        (Kind::Literal, sql.len())
    } else {
        (Kind::Gap, length)
    }
}

/// Whether there may be the beginning of a string, of a name in quotes or of a comment in it.
fn opens_something(text: &str) -> bool {
    text.contains(['\'', '"', '`', '$', '[']) || text.contains("/*")
}

/// A comment, and what MySQL runs though it looks like one.
fn block_comment(sql: &str, dialect: Dialect) -> (Kind, usize) {
    let flat = sql[2..].find("*/").map_or(sql.len(), |end| 2 + end + 2);
    let is_run = ["/*!", "/*M!"].iter().any(|start| sql.starts_with(start));
    match dialect {
        Dialect::Mysql | Dialect::Unknown if is_run => {
            let inner = &sql[2..flat];
            if opens_something(inner) || inner.contains('#') || inner.contains("--") {
                (Kind::Literal, sql.len())
            } else {
                (Kind::Gap, flat)
            }
        }
        Dialect::Standard => (Kind::Gap, nested_comment(sql)),
        Dialect::Unknown if nested_comment(sql) != flat => (Kind::Gap, sql.len()),
        _ => (Kind::Gap, flat),
    }
}

/// Length of a comment as PostgreSQL has it, with others in it.
fn nested_comment(sql: &str) -> usize {
    let bytes = sql.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => (depth, at) = (depth + 1, at + 2),
            (b'*', Some(b'/')) => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    sql.len()
}

/// Length of something in quotes; a doubled quote stands for itself, and an open end reaches to the end of the text.
fn quoted(sql: &str, quote: char, backslash: bool) -> usize {
    let mut characters = sql.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if backslash && c == '\\' {
            characters.next();
        } else if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + quote.len_utf8();
        }
    }
    sql.len()
}

/// Length of a plain string. Where it would end elsewhere if a backslash escaped, and nobody knows whether one does, what is
/// left of the text may be in a string or not, and is taken for one.
fn string(sql: &str, quote: char, dialect: Dialect) -> usize {
    let plain = quoted(sql, quote, false);
    if dialect == Dialect::Sqlite || plain == quoted(sql, quote, true) {
        plain
    } else {
        sql.len()
    }
}

/// Length of a name in square brackets.
fn brackets(sql: &str) -> usize {
    sql.find(']').map_or(sql.len(), |end| end + 1)
}

/// A name, or a string in which a backslash escapes or does not; where they end elsewhere, as [`string`].
fn doubtful_name(sql: &str) -> (Kind, usize) {
    let plain = quoted(sql, '"', false);
    if plain == quoted(sql, '"', true) {
        (Kind::Quoted, plain)
    } else {
        (Kind::Literal, sql.len())
    }
}

/// What stands in brackets is a name, which may hold anything, or code. If a string or a comment would go on behind them, what
/// is left of the text may be in one or not.
fn doubtful_brackets(sql: &str) -> (Kind, usize) {
    let mut characters = sql.chars().peekable();
    let mut open = None;
    while let Some(c) = characters.next() {
        let next = characters.peek().copied();
        match (open, c, next) {
            (Some(quote), ..) if c == quote => open = None,
            (None, ']', _) => return (Kind::Symbol, 1),
            (Some(_), ']' | '\\', _)
            | (None, '#', _)
            | (None, '-', Some('-'))
            | (None, '/', Some('*')) => break,
            (None, '$', Some(next)) if !next.is_ascii_digit() => break,
            (None, '\'' | '"' | '`', _) => open = Some(c),
            _ => {}
        }
    }
    (Kind::Literal, sql.len())
}

/// `1`, `1.5`, `.5`, `1e-5`, `0xff`, `1_000`.
fn number(sql: &str) -> usize {
    let mut length = run(sql, |c| c == '.' || in_word(c));
    let exponent =
        !sql.starts_with("0x") && !sql.starts_with("0X") && sql[..length].ends_with(['e', 'E']);
    if exponent && sql[length..].starts_with(['+', '-']) {
        length += 1 + run(&sql[length + 1..], |c| c.is_ascii_digit());
    }
    length
}

/// `$1`, or a string between two `$tag$`.
fn dollar(sql: &str) -> (Kind, usize) {
    let digits = run(&sql[1..], |c| c.is_ascii_digit());
    if digits > 0 {
        return (Kind::Placeholder, 1 + digits);
    }
    let tag_length = 1 + run(&sql[1..], |c| c == '_' || c.is_alphanumeric());
    if !sql[tag_length..].starts_with('$') {
        // SQLite has parameters of the form `$name`.
        let kind = if tag_length > 1 {
            Kind::Placeholder
        } else {
            Kind::Symbol
        };
        return (kind, tag_length);
    }
    let tag = &sql[..=tag_length];
    let end = sql[tag.len()..]
        .find(tag)
        .map_or(sql.len(), |end| tag.len() + end + tag.len());
    (Kind::Literal, end)
}

/// What may stand right before the quotes of a string: bits, escapes, national characters, hexadecimal.
const PREFIXES: [&str; 4] = ["b", "e", "n", "x"];

/// A word, or a literal that has one as its prefix: `x'ff'`, `E'a\n'`, `N'a'`, `_utf8'a'`.
fn word(sql: &str, dialect: Dialect) -> (Kind, usize) {
    let length = run(sql, in_word);
    let (word, after) = sql.split_at(length);
    let unicode = word.eq_ignore_ascii_case("u") && after.starts_with("&'");
    let charset = dialect == Dialect::Mysql && word.starts_with('_');
    let prefix = charset
        || PREFIXES
            .into_iter()
            .any(|prefix| word.eq_ignore_ascii_case(prefix));
    if unicode || prefix && after.starts_with('\'') {
        let start = length + usize::from(unicode);
        let escapes = word.eq_ignore_ascii_case("e");
        let mut end = start
            + if escapes {
                quoted(&sql[start..], '\'', true)
            } else {
                string(&sql[start..], '\'', dialect)
            };
        while escapes && let Some(gap) = continues(&sql[end..]) {
            end += gap;
            end += quoted(&sql[end..], '\'', true);
        }
        return (Kind::Literal, end);
    }
    (Kind::Word, length)
}

/// As PostgreSQL has it.
fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// Length of the gap after which a string goes on, by the same rules: there is a line break in it, and then a quote.
fn continues(after: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += run(&after[at..], char::is_whitespace);
        if !after[at..].starts_with("--") {
            break;
        }
        at += run(&after[at..], |c| !is_line_break(c));
    }
    (after[..at].contains(is_line_break) && after[at..].starts_with('\'')).then_some(at)
}

#[cfg(test)]
mod tests;
