//! The beginnings of statements.

use super::{
    Expect, Frame, Scan, Tables, With,
    words::{DEFINITIONS, LIKENESS, MANNER, NAMED, PLAIN},
};
use crate::instrument::diesel::sql::{Dialect, Token};

impl<'a> Scan<'a> {
    /// Takes the beginning of a statement; `false` when this is none, then nothing was taken.
    pub(super) fn statement(&mut self, token: Token<'a>) -> bool {
        // In parentheses there are queries; and statements, where `WITH` names their result.
        let before = self.behind(2);
        let named = before.is_some_and(|token| token.is("AS") || token.is("MATERIALIZED"));
        let any = self.outer.is_empty() || named || self.frame.with.is_some();

        let frame = Frame::new(Expect::Nothing);
        if token.is("SELECT") {
            self.at += 1;
            self.step(token.text);
            self.frame = Frame {
                tables: Tables::Ahead,
                ..frame
            };
        } else if token.is("WITH") {
            self.at += 1;
            // SQLite does not ask for the word.
            let is_recursive = self.is(0, "RECURSIVE") || self.dialect == Dialect::Sqlite;
            self.skip(&["RECURSIVE"]);
            self.frame = Frame {
                with: Some(With {
                    is_recursive,
                    name: None,
                }),
                ..Frame::new(Expect::QueryName)
            };
        } else if token.is("VALUES") {
            self.at += 1;
            if self.outer.is_empty() {
                self.step(token.text);
            }
            self.frame = frame;
        } else if !any {
            return false;
        } else if token.is("INSERT") || token.is("REPLACE") {
            self.at += 1;
            self.skip(&MANNER);
            self.skip(&["INTO"]);
            self.frame = frame;
            self.step_on_name(token.text);
        } else if token.is("UPDATE") {
            self.at += 1;
            self.skip(&MANNER);
            self.frame = Frame {
                tables: Tables::Open,
                ..frame
            };
            self.step_on_name(token.text);
        } else if token.is("DELETE") {
            self.at += 1;
            self.step(token.text);
            self.frame = Frame {
                tables: Tables::Ahead,
                using: true,
                ..frame
            };
        } else if token.is("MERGE") {
            self.at += 1;
            self.skip(&["INTO", "ONLY"]);
            self.frame = Frame {
                tables: Tables::Open,
                using: true,
                ..frame
            };
            self.step_on_name(token.text);
        } else {
            return self.other_statement(token);
        }
        true
    }

    fn other_statement(&mut self, token: Token<'a>) -> bool {
        if token.is("EXPLAIN") {
            self.at += 1;
            self.step(token.text);
            self.skip_parentheses();
            self.skip(&["ANALYZE", "VERBOSE", "QUERY", "PLAN"]);
            self.frame.expect = Expect::Statement;
        } else if token.is("TRUNCATE") {
            self.at += 1;
            self.skip(&["TABLE", "ONLY"]);
            self.step_on_name(token.text);
            self.further_names();
            self.skip_statement();
        } else if one_of(token, &NAMED).is_some() {
            self.at += 1;
            self.step_on_name(token.text);
            // `COPY (SELECT ..)` goes on with its query.
            if !self.is_symbol(0, '(') {
                self.skip_statement();
            }
        } else if one_of(token, &PLAIN).is_some() {
            self.step(token.text);
            self.skip_statement();
        } else if let Some(verb) = one_of(token, &["CREATE", "ALTER", "DROP"]) {
            self.definition(token, verb);
        } else {
            return false;
        }
        true
    }

    /// `CREATE [what it is like] TABLE [IF NOT EXISTS] name`, and the like.
    fn definition(&mut self, token: Token<'a>, verb: &'static str) {
        self.at += 1;
        self.skip(&LIKENESS);
        let what = self.peek(0);
        let kind = what.and_then(|what| Some((what, one_of(what, &DEFINITIONS)?)));
        let Some((what, kind)) = kind else {
            self.step(token.text);
            self.skip_statement();
            return;
        };
        self.at += 1;
        self.skip(&["CONCURRENTLY", "IF", "NOT", "EXISTS", "ONLY"]);
        let operation = format!("{} {}", token.text, what.text);
        if self.is(0, "ON") {
            // An index that the database is to name.
            self.step(operation);
        } else {
            self.step_on_name(operation);
        }
        match (verb, kind) {
            // `CREATE TABLE name AS SELECT ..` goes on with its query.
            ("CREATE", "TABLE" | "VIEW") => self.frame = Frame::new(Expect::Nothing),
            // The body is made of statements of its own.
            ("CREATE", "TRIGGER" | "FUNCTION" | "PROCEDURE") => self.at = self.tokens.len(),
            ("DROP", _) => {
                self.further_names();
                self.skip_statement();
            }
            _ => self.skip_statement(),
        }
    }

    /// Takes the names after the first one: `a, ONLY b, c *`, `f (int), g (text)`.
    fn further_names(&mut self) {
        loop {
            if self.is_symbol(0, '*') {
                self.at += 1;
            }
            self.skip_parentheses();
            if !self.is_symbol(0, ',') {
                return;
            }
            self.at += 1;
            self.skip(&["ONLY"]);
            let Some(name) = self.name() else {
                return;
            };
            self.target(name);
        }
    }

    /// Steps over parentheses, if there are any, in which there are no others.
    fn skip_parentheses(&mut self) {
        if self.is_symbol(0, '(') {
            let end = self.tokens[self.at..]
                .iter()
                .position(|token| token.is_symbol(')'));
            self.at = end.map_or(self.tokens.len(), |end| self.at + end + 1);
        }
    }
}

fn one_of(token: Token<'_>, words: &[&'static str]) -> Option<&'static str> {
    words.iter().find(|word| token.is(word)).copied()
}
