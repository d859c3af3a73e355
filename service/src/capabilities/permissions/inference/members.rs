//! Reads `.a?.b["c"]`: which part of a value code takes.

use super::super::super::code::scan::{Kind, Token};

/// A step from a value to a part of it.
#[derive(Clone, Copy)]
pub(super) enum Member<'a> {
    /// `.name` or `["name"]`.
    Named(&'a str),
    /// `[…]` of anything else.
    Computed,
}

/// The members that are taken one after another: `.a?.b["c"]`.
pub(super) struct Members<'t, 'a> {
    pub(super) tokens: &'t [Token<'a>],
    /// The token after those read so far.
    pub(super) at: usize,
}

impl<'a> Members<'_, 'a> {
    fn peek(&self, ahead: usize) -> Option<&Token<'a>> {
        self.tokens.get(self.at + ahead)
    }

    fn peek_is(&self, ahead: usize, punctuator: &str) -> bool {
        self.peek(ahead).is_some_and(|token| token.is(punctuator))
    }

    /// The next one, if there is one.
    pub(super) fn next(&mut self) -> Option<Member<'a>> {
        // The `!` of TypeScript, which says that a value is there.
        if self.peek_is(0, "!") {
            self.at += 1;
        }
        let optional = self.peek_is(0, "?.");
        if optional || self.peek_is(0, ".") {
            self.at += 1;
            if let Some(name) = self.peek(0).filter(|token| token.kind == Kind::Word) {
                let name = name.text;
                self.at += 1;
                return Some(Member::Named(name));
            }
            if !optional {
                return None;
            }
        }
        if !self.peek_is(0, "[") {
            return None;
        }
        let name = self
            .peek(1)
            .and_then(Token::string_content)
            .filter(|name| !name.contains('\\') && self.peek_is(2, "]"));
        self.at += 3;
        Some(name.map_or(Member::Computed, Member::Named))
    }
}
