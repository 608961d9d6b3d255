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
    let mut scan = Scan::new(significant.take(MAX_TOKENS).collect(), dialect);
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
    /// In the list of `WITH`.
    QueryName,
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
struct Frame<'a> {
    expect: Expect,
    tables: Tables,
    /// After `WITH`, until the statement it belongs to.
    with: Option<With<'a>>,
    /// In a `DELETE` or `MERGE`, where `USING` names a table.
    using: bool,
    /// How many names of queries were known before the parentheses that are open in it.
    queries: usize,
}

/// The list of `WITH`.
#[derive(Clone, Copy, Debug)]
struct With<'a> {
    /// Whether a query may ask itself.
    is_recursive: bool,
    /// The name of the query that is defined just now, and that is a table until then.
    name: Option<Token<'a>>,
}

impl Frame<'_> {
    const fn new(expect: Expect) -> Self {
        Self {
            expect,
            tables: Tables::Closed,
            with: None,
            using: false,
            queries: 0,
        }
    }
}

struct Scan<'a> {
    dialect: Dialect,
    tokens: Vec<Token<'a>>,
    at: usize,
    /// The frames of the parentheses around, innermost last, and the frame of what stands here.
    outer: Vec<Frame<'a>>,
    frame: Frame<'a>,
    /// Names that `WITH` gives to queries; here they are no tables.
    queries: Vec<Token<'a>>,
    steps: Vec<Step<'a>>,
}

impl<'a> Scan<'a> {
    fn new(tokens: Vec<Token<'a>>, dialect: Dialect) -> Self {
        Self {
            dialect,
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
                Kind::Quoted | Kind::Word if self.frame.expect == Expect::QueryName => {
                    self.query_name(token);
                }
                Kind::Word => self.word(token),
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
                self.frame.queries = self.queries.len();
                self.outer.push(self.frame);
                self.frame = inner;
            }
            ")" => self.close(),
            ";" => {
                self.outer.clear();
                self.queries.clear();
                self.frame = Frame::new(Expect::Statement);
            }
            "," if self.frame.tables == Tables::Open => self.frame.expect = Expect::Table,
            "," if self.frame.with.is_some() => self.frame.expect = Expect::QueryName,
            _ => self.frame.expect = Expect::Nothing,
        }
        self.at += 1;
    }

    /// At the end of what stands in parentheses.
    fn close(&mut self) {
        let Some(frame) = self.outer.pop() else {
            return;
        };
        self.frame = frame;
        self.queries.truncate(frame.queries);
        // The definition of a query comes after its columns, if they are named.
        let was_defined = !self.is(1, "AS");
        if let Some(with) = self.frame.with.as_mut().filter(|_| was_defined) {
            self.queries.extend(with.name.take());
        }
    }

    fn word(&mut self, token: Token<'a>) {
        let begins = match self.frame.expect {
            Expect::Statement | Expect::TableOrQuery => true,
            // The statement after the list of `WITH`, which ends with a parenthesis.
            _ => {
                self.frame.with.is_some()
                    && self.behind(1).is_some_and(|before| before.is_symbol(')'))
            }
        };
        // `SELECT` is reserved; it begins a query also after `UNION`, or after the columns of an `INSERT`. So does the list of
        // `WITH`, which is known by how it begins.
        let begins = begins || token.is("SELECT") || token.is("WITH") && self.is_list_of_with();
        if begins && self.statement(token) {
            return;
        }
        self.frame.expect = Expect::Nothing;
        if token.is("FROM") && self.frame.tables == Tables::Ahead && !self.is_distinct_from() {
            self.frame.tables = Tables::Open;
            self.frame.expect = Expect::Table;
        } else if self.frame.tables == Tables::Open {
            self.in_tables(token);
        }
        self.at += 1;
    }

    /// `WITH name AS (..)`, `WITH name (columns) AS (..)`; not `WITH ORDINALITY AS ..`, nor `WITH TIES`
    fn is_list_of_with(&self) -> bool {
        let name = 1 + usize::from(self.is(1, "RECURSIVE"));
        let after = ["AS", "NOT", "MATERIALIZED"];
        let words = (name + 1..).take_while(|&at| after.iter().any(|word| self.is(at, word)));
        let next = name + 1 + words.count();
        self.peek(name).as_ref().is_some_and(is_name) && self.is_symbol(next, '(')
    }

    /// Takes the name that `WITH` gives to a query.
    fn query_name(&mut self, token: Token<'a>) {
        self.frame.expect = Expect::Nothing;
        self.at += 1;
        let is_defined = self.is(0, "AS") || self.is_symbol(0, '(');
        if let Some(with) = self.frame.with.as_mut().filter(|_| is_defined) {
            if with.is_recursive {
                self.queries.push(token);
            } else {
                with.name = Some(token);
            }
        }
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
        let first = self.peek(0);
        let name = self.name();
        let is_function = self.is_symbol(0, '(');
        // What has a qualifier is a table.
        let is_qualified = self.behind(2).is_some_and(|token| token.is_symbol('.'));
        let is_query = !is_qualified && first.is_some_and(|first| self.is_query(first));
        if let Some(name) = name.filter(|_| !is_function && !is_query) {
            self.target(name);
        }
    }

    /// Whether `WITH` has given this name to a query, by the rules of SQL: without quotes it is the same in any case.
    fn is_query(&self, token: Token<'_>) -> bool {
        let is = |query: &Token<'_>| {
            let (query_name, name) = (unquoted(*query), unquoted(token));
            // Other databases compare all names like this.
            let is_exact = self.dialect == Dialect::Standard;
            match (query.kind, token.kind) {
                (Kind::Quoted, Kind::Quoted) if is_exact => query_name == name,
                (Kind::Quoted, _) if is_exact => query_name == name.to_ascii_lowercase(),
                (_, Kind::Quoted) if is_exact => query_name.to_ascii_lowercase() == name,
                _ => query_name.eq_ignore_ascii_case(&name),
            }
        };
        self.queries.iter().any(is)
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

/// A name as it is told: without its quotes, unless it would be several words then.
fn name(token: Token<'_>) -> String {
    if token.text.contains(char::is_whitespace) {
        token.text.to_owned()
    } else {
        unquoted(token)
    }
}

fn unquoted(token: Token<'_>) -> String {
    if token.kind != Kind::Quoted {
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
