//! What a statement does, in few words: `INSERT bookings`, `SELECT bookings rooms`.
//!
//! This is `db.query.summary` of the conventions: the operations and their tables in the order in which they are
//! written, in the words in which they are, and nothing that differs from one call to the next. No grammar stands behind it; it
//! knows where a statement begins, and after which words a table is named.

mod statement;
mod words;

use std::borrow::Cow;

use self::words::{AFTER_TABLES, QUERIES};
use super::sql::{Dialect, Kind, Token, tokens};

/// The conventions' limit, in bytes here.
const MAX_LENGTH: usize = 255;

/// Tokens looked at; what a longer statement (rows and rows of values) holds beyond is not told.
const MAX_TOKENS: usize = 4096;

/// Sums up SQL text, also one of several statements; empty when no statement was recognised.
pub(super) fn summarize(sql: &str, dialect: Dialect) -> String {
    let significant = tokens(sql, dialect).filter(|token| token.kind != Kind::Gap);
    let mut scan = Scan::new(significant.take(MAX_TOKENS).collect());
    scan.run();
    scan.steps.dedup();
    let mut text = String::new();
    for word in scan.steps.iter().flat_map(Step::words) {
        let separator = usize::from(!text.is_empty());
        if text.len() + separator + word.len() > MAX_LENGTH {
            break;
        }
        if separator == 1 {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// One operation and what it works on.
#[derive(Debug, PartialEq, Eq)]
struct Step<'a> {
    /// As it is written, in any case.
    operation: Cow<'a, str>,
    targets: Vec<String>,
}

impl Step<'_> {
    fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.operation).chain(self.targets.iter().map(String::as_str))
    }
}

/// What the next token may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Nothing,
    Statement,
    Table,
    /// In a parenthesis where a table may stand: a join, or a query.
    TableOrQuery,
}

/// Where the list of tables is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tables {
    Closed,
    /// `FROM` opens it.
    Ahead,
    /// A comma and `JOIN` are followed by one more.
    Open,
}

/// The state within one pair of parentheses.
#[derive(Clone, Copy, Debug)]
struct Frame {
    expect: Expect,
    tables: Tables,
    /// After `WITH`, until the statement it belongs to.
    with: bool,
    /// In a `DELETE` or `MERGE`, where `USING` names a table.
    using: bool,
}

impl Frame {
    const fn new(expect: Expect) -> Self {
        Self {
            expect,
            tables: Tables::Closed,
            with: false,
            using: false,
        }
    }
}

struct Scan<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    /// The frames of the parentheses around, innermost last, and the frame of what stands here.
    outer: Vec<Frame>,
    frame: Frame,
    /// Names that `WITH` gives to queries; they are no tables.
    queries: Vec<String>,
    steps: Vec<Step<'a>>,
}

impl<'a> Scan<'a> {
    fn new(tokens: Vec<Token<'a>>) -> Self {
        Self {
            tokens,
            at: 0,
            outer: Vec::new(),
            frame: Frame::new(Expect::Statement),
            queries: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn run(&mut self) {
        while let Some(token) = self.peek(0) {
            match token.kind {
                Kind::Symbol => self.symbol(token),
                Kind::Quoted | Kind::Word if self.expects_table() && !self.begins_query(token) => {
                    self.table();
                }
                Kind::Word => self.word(token),
                Kind::Quoted if self.names_query() => {
                    self.queries.push(name(token));
                    self.at += 1;
                }
                _ => {
                    self.frame.expect = Expect::Nothing;
                    self.at += 1;
                }
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn behind(&self, back: usize) -> Option<Token<'a>> {
        self.at
            .checked_sub(back)
            .and_then(|at| self.tokens.get(at))
            .copied()
    }

    fn is(&self, ahead: usize, keyword: &str) -> bool {
        self.peek(ahead).is_some_and(|token| token.is(keyword))
    }

    fn is_symbol(&self, ahead: usize, symbol: char) -> bool {
        self.peek(ahead)
            .is_some_and(|token| token.is_symbol(symbol))
    }

    /// Steps over the given words, in any order and number.
    fn skip(&mut self, words: &[&str]) {
        while words.iter().any(|word| self.is(0, word)) {
            self.at += 1;
        }
    }

    fn expects_table(&self) -> bool {
        matches!(self.frame.expect, Expect::Table | Expect::TableOrQuery)
    }

    fn begins_query(&self, token: Token<'_>) -> bool {
        self.frame.expect == Expect::TableOrQuery && QUERIES.iter().any(|word| token.is(word))
    }

    fn symbol(&mut self, token: Token<'_>) {
        match token.text {
            "(" => {
                let inner = if self.expects_table() {
                    Frame {
                        tables: Tables::Open,
                        ..Frame::new(Expect::TableOrQuery)
                    }
                } else {
                    Frame::new(Expect::Statement)
                };
                self.frame.expect = Expect::Nothing;
                self.outer.push(self.frame);
                self.frame = inner;
            }
            ")" => {
                if let Some(frame) = self.outer.pop() {
                    self.frame = frame;
                }
            }
            ";" => {
                self.outer.clear();
                self.queries.clear();
                self.frame = Frame::new(Expect::Statement);
            }
            "," if self.frame.tables == Tables::Open => self.frame.expect = Expect::Table,
            _ => self.frame.expect = Expect::Nothing,
        }
        self.at += 1;
    }

    fn word(&mut self, token: Token<'a>) {
        let begins = match self.frame.expect {
            Expect::Statement | Expect::TableOrQuery => true,
            // The statement after the list of `WITH`, which ends with a parenthesis.
            _ => self.frame.with && self.behind(1).is_some_and(|before| before.is_symbol(')')),
        };
        // `SELECT` is reserved; it begins a query also after `UNION`, or after the columns of an `INSERT`.
        if (begins || token.is("SELECT")) && self.statement(token) {
            return;
        }
        self.frame.expect = Expect::Nothing;
        if token.is("FROM") && self.frame.tables == Tables::Ahead && !self.is_distinct_from() {
            self.frame.tables = Tables::Open;
            self.frame.expect = Expect::Table;
        } else if self.frame.tables == Tables::Open {
            self.in_tables(token);
        } else if self.names_query() {
            self.queries.push(name(token));
        }
        self.at += 1;
    }

    /// `WITH name AS (..)`, `WITH name (columns) AS (..)`
    fn names_query(&self) -> bool {
        self.frame.with && (self.is(1, "AS") || self.is_symbol(1, '('))
    }

    /// `a IS [NOT] DISTINCT FROM b`
    fn is_distinct_from(&self) -> bool {
        self.behind(1).is_some_and(|token| token.is("DISTINCT"))
            && self
                .behind(2)
                .is_some_and(|token| token.is("IS") || token.is("NOT"))
    }

    fn in_tables(&mut self, token: Token<'_>) {
        // `USING (id)` is about columns.
        let columns = self.is_symbol(1, '(') && !QUERIES.iter().any(|word| self.is(2, word));
        let using = self.frame.using && token.is("USING") && !columns;
        if using || token.is("JOIN") || token.is("STRAIGHT_JOIN") {
            self.frame.expect = Expect::Table;
        } else if token.is("SET") {
            self.frame.tables = Tables::Ahead;
        } else if AFTER_TABLES.iter().any(|word| token.is(word)) {
            self.frame.tables = Tables::Closed;
        }
    }

    /// Takes the name of a table, if that is what it is.
    fn table(&mut self) {
        self.skip(&["ONLY", "LATERAL"]);
        self.frame.expect = Expect::Nothing;
        if self.is_symbol(0, '(') {
            self.frame.expect = Expect::Table;
            return;
        }
        let name = self.name();
        let is_function = self.is_symbol(0, '(');
        if let Some(name) = name.filter(|name| !is_function && !self.queries.contains(name)) {
            self.target(name);
        }
    }

    /// Takes a name with its qualifiers.
    fn name(&mut self) -> Option<String> {
        let mut name = name(self.peek(0).filter(is_name)?);
        self.at += 1;
        while self.is_symbol(0, '.') {
            let Some(next) = self.peek(1).filter(is_name) else {
                break;
            };
            name.push('.');
            name.push_str(&self::name(next));
            self.at += 2;
        }
        Some(name)
    }

    fn target(&mut self, name: String) {
        if let Some(step) = self
            .steps
            .last_mut()
            .filter(|step| !step.targets.contains(&name))
        {
            step.targets.push(name);
        }
    }

    fn step(&mut self, operation: impl Into<Cow<'a, str>>) {
        self.steps.push(Step {
            operation: operation.into(),
            targets: Vec::new(),
        });
    }

    fn step_on_name(&mut self, operation: impl Into<Cow<'a, str>>) {
        self.step(operation);
        if let Some(name) = self.name() {
            self.target(name);
        }
    }

    /// Leaves the rest of the statement alone.
    fn skip_statement(&mut self) {
        let end = self.tokens[self.at..]
            .iter()
            .position(|token| token.is_symbol(';'));
        self.at = end.map_or(self.tokens.len(), |end| self.at + end);
    }
}

fn is_name(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Word | Kind::Quoted)
}

/// A name without its quotes, unless it would be several words then.
fn name(token: Token<'_>) -> String {
    if token.kind != Kind::Quoted || token.text.contains(char::is_whitespace) {
        return token.text.to_owned();
    }
    let (open, close) = match token.text.chars().next() {
        Some('[') => ('[', ']'),
        Some(quote) => (quote, quote),
        None => return String::new(),
    };
    let inner = token.text.strip_prefix(open).unwrap_or(token.text);
    let inner = inner.strip_suffix(close).unwrap_or(inner);
    inner.replace(&format!("{close}{close}"), &close.to_string())
}

#[cfg(test)]
mod tests;
