//! Reads the SQL of a query back from how diesel prints it, and nothing of its bind values.

use std::fmt::{self, Write};

use diesel::connection::DebugQuery;

/// How diesel separates the SQL from the values in its `Display`.
const BINDS: &str = " -- binds: ";

/// Where a query comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Built by diesel, also by `sql_query`.
    Built,
    /// Text handed to `batch_execute`.
    Text,
}

/// Reads the SQL text of a query into `sql`; `None` when it cannot be printed.
///
/// `Display` writes all of the SQL as one piece, and then what separates it from the values: there it is stopped, so that
/// they are never even formatted. What is written otherwise is read from `Debug`.
pub(super) fn read(query: &dyn DebugQuery, sql: &mut String) -> Option<Origin> {
    sql.clear();
    let mut pieces = Pieces {
        sql,
        count: 0,
        are_as_expected: false,
    };
    // Stops with an error after the SQL.
    let end = write!(pieces, "{query}");
    match pieces.count {
        1 if end.is_ok() && !pieces.sql.contains(BINDS) => Some(Origin::Text),
        2 if pieces.are_as_expected => Some(Origin::Built),
        // It said what it is instead, or cannot be printed.
        0 if end.is_err() => None,
        _ => read_debug(query, sql),
    }
}

/// What `Display` writes.
struct Pieces<'a> {
    sql: &'a mut String,
    count: usize,
    are_as_expected: bool,
}

impl Write for Pieces<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.count += 1;
        if self.count > 1 {
            self.are_as_expected = piece == BINDS;
            return Err(fmt::Error);
        }
        self.sql.push_str(piece);
        Ok(())
    }
}

/// `Debug` gives the SQL as a quoted and escaped literal, so that its end is certain whatever the SQL contains, and the
/// values come after it. Should diesel print otherwise one day, its `Display` is taken up to the first thing that looks
/// like bind values.
fn read_debug(query: &dyn DebugQuery, sql: &mut String) -> Option<Origin> {
    sql.clear();
    let mut literal = Literal {
        part: Part::Start,
        origin: Origin::Text,
        text: sql,
    };
    // Stops with an error as soon as the literal is complete.
    let _ = write!(literal, "{query:?}");
    if matches!(literal.part, Part::End) {
        return Some(literal.origin);
    }
    sql.clear();
    write!(sql, "{query}").ok()?;
    let Some(end) = sql.find(BINDS) else {
        return Some(Origin::Text);
    };
    sql.truncate(end);
    Some(Origin::Built)
}

/// Takes the first string literal out of `Debug` output: either all of it, or the field `sql` of a struct `Query`.
struct Literal<'a> {
    part: Part,
    origin: Origin,
    text: &'a mut String,
}

enum Part {
    /// Before anything was written.
    Start,
    /// In `Query { sql: "`, of which so many bytes were seen.
    Prefix(usize),
    /// Within the quotes.
    Text,
    /// After a backslash.
    Escape,
    /// In `\u{..}`: the digits so far.
    Unicode(String),
    /// After the closing quote.
    End,
}

const PREFIX: &str = "Query { sql: \"";

impl Write for Literal<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        piece.chars().try_for_each(|c| self.take(c))
    }
}

impl Literal<'_> {
    fn take(&mut self, c: char) -> fmt::Result {
        match &mut self.part {
            Part::Start if c == '"' => self.part = Part::Text,
            Part::Start => {
                self.part = Part::Prefix(0);
                return self.take(c);
            }
            Part::Prefix(seen) => {
                if !PREFIX[*seen..].starts_with(c) {
                    return Err(fmt::Error);
                }
                *seen += c.len_utf8();
                if *seen == PREFIX.len() {
                    self.origin = Origin::Built;
                    self.part = Part::Text;
                }
            }
            Part::Text => match c {
                '"' => {
                    self.part = Part::End;
                    return Err(fmt::Error);
                }
                '\\' => self.part = Part::Escape,
                c => self.text.push(c),
            },
            Part::Escape => {
                self.part = Part::Text;
                match c {
                    'n' => self.text.push('\n'),
                    'r' => self.text.push('\r'),
                    't' => self.text.push('\t'),
                    '0' => self.text.push('\0'),
                    'u' => self.part = Part::Unicode(String::new()),
                    c => self.text.push(c),
                }
            }
            Part::Unicode(digits) => match c {
                '{' => {}
                '}' => {
                    let code = u32::from_str_radix(digits, 16)
                        .ok()
                        .and_then(char::from_u32);
                    self.text.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
                    self.part = Part::Text;
                }
                c => digits.push(c),
            },
            Part::End => return Err(fmt::Error),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prints like diesel's query, with values that must not be formatted.
    struct Built<'a>(&'a str);

    struct Secret;

    impl fmt::Debug for Secret {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("a bind value was formatted");
        }
    }

    impl fmt::Debug for Built<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Query")
                .field("sql", &self.0)
                .field("binds", &[Secret])
                .finish()
        }
    }

    impl fmt::Display for Built<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}{BINDS}{:?}", self.0, [Secret])
        }
    }

    impl DebugQuery for Built<'_> {}

    /// Prints like a `str`, as diesel's wrapper for `batch_execute` does.
    struct Plain<'a>(&'a str);

    impl fmt::Debug for Plain<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Debug::fmt(self.0, f)
        }
    }

    impl fmt::Display for Plain<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Display::fmt(self.0, f)
        }
    }

    impl DebugQuery for Plain<'_> {}

    /// Prints in a way that this module does not know.
    struct Unknown<'a>(&'a str);

    impl fmt::Debug for Unknown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "Query {{ text: {:?} }}", self.0)
        }
    }

    impl fmt::Display for Unknown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl DebugQuery for Unknown<'_> {}

    /// Displays its text in two pieces, or its values together with the separator.
    struct InPieces<'a>(&'a str, &'a str);

    impl fmt::Debug for InPieces<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let sql = [self.0, self.1].concat();
            let sql = sql.split(BINDS).next().unwrap_or_default();
            f.debug_struct("Query").field("sql", &sql).finish()
        }
    }

    impl fmt::Display for InPieces<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)?;
            f.write_str(self.1)
        }
    }

    impl DebugQuery for InPieces<'_> {}

    fn text(query: &dyn DebugQuery) -> Option<String> {
        let mut sql = String::new();
        read(query, &mut sql).map(|_| sql)
    }

    const TEXTS: [&str; 8] = [
        "",
        "SELECT 1",
        "SELECT `a` FROM `b` WHERE `c` = ?",
        "SELECT '\"quoted\"', 'back\\slash', '\"'",
        "SELECT 'a' -- binds: [\"b\"]",
        "SELECT ' -- binds: [1]', ?",
        "SELECT 'Query { sql: \"x\", binds: [] }'",
        "line\nbreak\ttab\rreturn\0nul \u{1b}escape \u{301}combining é 日本 '\u{200b}'",
    ];

    #[test]
    fn sql_comes_back_as_it_was_and_values_are_never_formatted() {
        for sql in TEXTS {
            for read in [read, read_debug] {
                let mut text = "of the query before".to_owned();
                assert_eq!(read(&Built(sql), &mut text), Some(Origin::Built));
                assert_eq!(text, sql);
                assert_eq!(read(&Plain(sql), &mut text), Some(Origin::Text));
                assert_eq!(text, sql);
            }
        }
    }

    #[test]
    fn what_is_displayed_in_other_pieces_is_read_from_debug() {
        let sql = |first, second| text(&InPieces(first, second));
        assert_eq!(sql("SELECT ", "?").as_deref(), Some("SELECT ?"));
        assert_eq!(
            sql("SELECT ? -- binds: [", "1]").as_deref(),
            Some("SELECT ?")
        );
        assert_eq!(
            sql("SELECT ?", " -- binds: [1]").as_deref(),
            Some("SELECT ?")
        );
    }

    #[test]
    fn an_unknown_format_is_cut_before_anything_like_values() {
        let sql = |sql| text(&Unknown(sql));
        assert_eq!(
            sql("SELECT ? -- binds: [\"x -- binds: y\"]").as_deref(),
            Some("SELECT ?")
        );
        assert_eq!(sql("SELECT 1").as_deref(), Some("SELECT 1"));
    }
}
