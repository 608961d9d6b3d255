//! What may be a value in a statement, though it looks like a name.

use super::sql::{Dialect, Kind, Token};

/// Where in a statement values stand, as far as its words tell.
#[derive(Debug)]
pub(super) struct Values<'a> {
    dialect: Dialect,
    /// The first word of the statement.
    verb: Option<Token<'a>>,
    /// The token before, but for gaps.
    last: Option<Token<'a>>,
    /// There was a `SET` that is followed by a name.
    has_set: bool,
    /// The name of what the tokens from here on are assigned to, in `SET a = b` and `PRAGMA a = b`.
    assigned: Option<Token<'a>>,
    /// After `BETWEEN`, until the `AND` that belongs to it.
    is_between: bool,
    /// Whether values are listed in each of the brackets that are open.
    brackets: Vec<bool>,
    /// After `VALUES`, so many brackets deep.
    rows: Option<usize>,
}

impl<'a> Values<'a> {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            verb: None,
            last: None,
            has_set: false,
            assigned: None,
            is_between: false,
            brackets: Vec::new(),
            rows: None,
        }
    }

    fn is(&self, verb: &str) -> bool {
        self.verb.is_some_and(|is| is.is(verb))
    }

    fn follows(&self, word: &str) -> bool {
        self.last.is_some_and(|last| last.is(word))
    }

    /// Whether this is what a setting is set to. PostgreSQL's extensions have settings that may be anything, without quotes too.
    pub(super) fn is_set_to(&self, token: Token<'_>) -> bool {
        const KEYS: [&str; 5] = ["key", "rekey", "hexkey", "hexrekey", "textkey"];
        self.assigned.is_some_and(|name| {
            !self.is("PRAGMA") || token.kind == Kind::Quoted || KEYS.iter().any(|key| name.is(key))
        })
    }

    /// Whether a value may stand here, where a name could stand as well.
    pub(super) fn may_be_next(&self) -> bool {
        const OPERATORS: [char; 11] = ['=', '<', '>', '!', '|', '&', '+', '-', '*', '/', '%'];
        const WORDS: [&str; 11] = [
            "LIKE", "GLOB", "MATCH", "REGEXP", "ESCAPE", "IS", "BETWEEN", "WHEN", "THEN", "ELSE",
            "DEFAULT",
        ];
        let Some(last) = self.last else {
            return false;
        };
        !last.is_symbol('.')
            && (self.brackets.last() == Some(&true)
                || OPERATORS.iter().any(|operator| last.is_symbol(*operator))
                || WORDS.iter().any(|word| last.is(word))
                || self.is_between && last.is("AND")
                || self.is("ATTACH") && last.is("KEY"))
    }

    pub(super) fn see(&mut self, token: Token<'a>) {
        if token.kind == Kind::Gap {
            return;
        }
        if token.is_symbol(';') {
            *self = Self::new(self.dialect);
            return;
        }
        self.see_setting(token);
        if token.is_symbol('(') {
            let lists = self.follows("IN") || self.rows == Some(self.brackets.len());
            self.brackets.push(lists || self.may_be_next());
        } else if token.is_symbol(')') {
            self.brackets.pop();
        } else if let Some(lists) = self.brackets.last_mut()
            && (token.is("SELECT") || token.is("WITH"))
        {
            *lists = false;
        }
        if token.is("VALUES") {
            self.rows = Some(self.brackets.len());
        } else if token.kind == Kind::Word && self.rows == Some(self.brackets.len()) {
            self.rows = None;
        }
        if token.is("BETWEEN") {
            self.is_between = true;
        } else if self.follows("AND") {
            self.is_between = false;
        }
        // `IS NOT` is as `IS`.
        if !(token.is("NOT") && self.follows("IS")) {
            self.last = Some(token);
        }
    }

    fn see_setting(&mut self, token: Token<'a>) {
        let verb = *self.verb.get_or_insert(token);
        let sets = match self.dialect {
            // Values are in quotes there.
            Dialect::Mysql | Dialect::Sqlite => false,
            Dialect::Standard | Dialect::Unknown => {
                ["SET", "ALTER", "CREATE"].iter().any(|sets| verb.is(sets))
            }
        };
        self.has_set |= sets && self.follows("SET") && !token.is_symbol('(');
        let assigns = token.is_symbol('=')
            || self.has_set && token.is("TO")
            || verb.is("PRAGMA") && token.is_symbol('(');
        if assigns && (self.has_set || verb.is("PRAGMA")) {
            self.assigned = self.assigned.or(self.last);
        } else if verb.is("CREATE") && token.is("AS") {
            self.assigned = None;
        }
    }
}
