//! The state that says what a character means: which brackets are open, and whether a value stands before it.

use super::lexemes::{
    continues_word, has_stray_backslash, is_line_end, is_space, length_while, number_length,
    punctuator_length, regex_length, second_is_digit, starts_word, string_length,
};
use super::{Kind, Scan, Token};

/// Words after which `/` opens a regular expression.
const BEFORE_REGEX: [&str; 16] = [
    "await",
    "case",
    "default",
    "delete",
    "do",
    "else",
    "extends",
    "finally",
    "in",
    "instanceof",
    "of",
    "return",
    "throw",
    "typeof",
    "void",
    "yield",
];
/// Words whose parentheses are followed by a statement, not by an operator.
const BEFORE_CONDITION: [&str; 4] = ["for", "if", "while", "with"];
/// Words after which `{` opens an object, not a block.
const BEFORE_OBJECT: [&str; 13] = [
    "await",
    "case",
    "default",
    "delete",
    "extends",
    "in",
    "instanceof",
    "of",
    "return",
    "throw",
    "typeof",
    "void",
    "yield",
];
/// What a bracket that is still open encloses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    /// `(` after `if`, `for`, `while` or `with`.
    Condition,
    /// Any other `(`.
    Parenthesis,
    /// `[`.
    Bracket,
    /// `{` of statements or of a class.
    Block,
    /// `{` of an object literal.
    Object,
    /// `${` in a template literal.
    Template,
}

impl Open {
    /// Whether a `}` closes it.
    const fn is_brace(self) -> bool {
        matches!(self, Self::Block | Self::Object | Self::Template)
    }
}

/// Goes through code once, from left to right.
pub(super) struct Scanner<'a> {
    code: &'a str,
    /// Where the next token begins, in bytes.
    at: usize,
    tokens: Vec<Token<'a>>,
    open: Vec<Open>,
    /// How many of them a `}` closes, and how many are code in a template literal.
    open_braces: usize,
    open_templates: usize,
    /// The last two significant tokens.
    last: Option<Token<'a>>,
    before_last: Option<Token<'a>>,
    /// Whether an operator may follow, so that `/` divides.
    after_operand: bool,
    well_formed: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(code: &'a str) -> Self {
        Self {
            code,
            at: 0,
            tokens: Vec::new(),
            open: Vec::new(),
            open_braces: 0,
            open_templates: 0,
            last: None,
            before_last: None,
            after_operand: false,
            well_formed: true,
        }
    }

    pub(super) fn run(mut self) -> Scan<'a> {
        while let Some(first) = self.rest().chars().next() {
            self.token(first);
        }
        Scan {
            tokens: self.tokens,
            well_formed: self.well_formed && self.open.is_empty(),
        }
    }

    fn rest(&self) -> &'a str {
        &self.code[self.at..]
    }

    fn token(&mut self, first: char) {
        let rest = self.rest();
        if is_space(first) {
            self.push(Kind::Space, length_while(rest, is_space));
        } else if rest.starts_with("//") {
            self.push(Kind::Comment, length_while(rest, |c| !is_line_end(c)));
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment.find("*/").map(|end| end + 4);
            self.push_ended(Kind::Comment, end);
        } else if matches!(first, '"' | '\'') {
            self.push_ended(Kind::String, string_length(rest, first));
            self.after_operand = true;
        } else if first == '`' {
            self.template(false);
        } else if first == '/' && !self.after_operand {
            self.push_ended(Kind::Regex, regex_length(rest));
            self.after_operand = true;
        } else if first.is_ascii_digit() || first == '.' && second_is_digit(rest) {
            self.push(Kind::Number, number_length(rest));
            self.after_operand = true;
        } else if starts_word(first) {
            self.word(first);
        } else {
            self.punctuator(first);
        }
    }

    /// Adds a token of this many bytes.
    fn push(&mut self, kind: Kind, length: usize) {
        let token = Token {
            kind,
            text: &self.rest()[..length],
            in_template: self.open_templates > 0,
        };
        self.at += length;
        self.tokens.push(token);
        if token.is_significant() {
            self.before_last = self.last.replace(token);
        }
    }

    /// Adds a token of this many bytes, or the rest as a broken one.
    fn push_ended(&mut self, kind: Kind, length: Option<usize>) {
        if let Some(length) = length {
            self.push(kind, length);
        } else {
            self.push(Kind::Broken, self.rest().len());
            self.well_formed = false;
        }
    }

    fn word(&mut self, first: char) {
        let rest = self.rest();
        let length = first.len_utf8() + length_while(&rest[first.len_utf8()..], continues_word);
        let word = &rest[..length];
        let is_member = self.last_is(".") || self.last_is("?.");
        self.well_formed &= word != "#" && !has_stray_backslash(word);
        self.push(Kind::Word, length);
        self.after_operand = is_member || !BEFORE_REGEX.contains(&word);
    }

    /// The template literal, or the part of one, that starts with the next character: a backtick, or the `}` after code inside.
    fn template(&mut self, continued: bool) {
        let rest = self.rest();
        let mut characters = rest.char_indices().skip(1);
        while let Some((index, character)) = characters.next() {
            match character {
                '\\' => {
                    characters.next();
                }
                '`' => {
                    self.push(Kind::Template, index + 1);
                    if continued {
                        self.close();
                    }
                    self.after_operand = true;
                    return;
                }
                '$' if rest[index..].starts_with("${") => {
                    self.push(Kind::Template, index + 2);
                    if !continued {
                        self.enter(Open::Template);
                    }
                    self.after_operand = false;
                    return;
                }
                _ => {}
            }
        }
        self.push_ended(Kind::Template, None);
    }

    fn punctuator(&mut self, first: char) {
        match first {
            '(' | '[' | '{' => self.opening(first),
            ')' => self.closing(&[Open::Parenthesis, Open::Condition]),
            ']' => self.closing(&[Open::Bracket]),
            '}' => self.closing_brace(),
            _ => {
                let rest = self.rest();
                let length = punctuator_length(rest);
                if first == '@' {
                    self.well_formed &=
                        rest[1..].starts_with(|c: char| c == '(' || c != '#' && starts_word(c));
                }
                self.well_formed &= !first.is_ascii_control();
                // After an operand, `++` and `--` belong to it, and so does the `!` of TypeScript.
                let postfix = matches!(&rest[..length], "++" | "--" | "!");
                self.push(Kind::Punctuator, length);
                self.after_operand &= postfix;
            }
        }
    }

    fn opening(&mut self, first: char) {
        let open = match first {
            '(' if self.opens_condition() => Open::Condition,
            '(' => Open::Parenthesis,
            '[' => Open::Bracket,
            _ if self.opens_object() => Open::Object,
            _ => Open::Block,
        };
        self.push(Kind::Punctuator, 1);
        self.enter(open);
        self.after_operand = false;
    }

    /// A `)` or `]`. Without its partner it closes nothing.
    fn closing(&mut self, partners: &[Open]) {
        let closed = match self.open.last() {
            Some(open) if partners.contains(open) => self.close(),
            _ => None,
        };
        self.well_formed &= closed.is_some();
        self.push(Kind::Punctuator, 1);
        self.after_operand = closed != Some(Open::Condition);
    }

    /// A `}`, which also closes the parentheses and brackets that were left open inside. Without its partner it closes nothing.
    fn closing_brace(&mut self) {
        self.well_formed &= self.open.last().is_some_and(|open| open.is_brace());
        if self.open_braces > 0 {
            while self.open.pop_if(|open| !open.is_brace()).is_some() {}
        }
        if self.open.last() == Some(&Open::Template) {
            self.template(true);
            return;
        }
        let closed = if self.open_braces > 0 {
            self.close()
        } else {
            None
        };
        self.push(Kind::Punctuator, 1);
        self.after_operand = closed == Some(Open::Object);
    }

    fn enter(&mut self, open: Open) {
        self.open.push(open);
        self.open_braces += usize::from(open.is_brace());
        self.open_templates += usize::from(open == Open::Template);
    }

    fn close(&mut self) -> Option<Open> {
        let open = self.open.pop()?;
        self.open_braces -= usize::from(open.is_brace());
        self.open_templates -= usize::from(open == Open::Template);
        Some(open)
    }

    fn last_is(&self, punctuator: &str) -> bool {
        self.last.is_some_and(|token| token.is(punctuator))
    }

    /// The word before, unless it names a member.
    fn last_keyword(&self) -> Option<&'a str> {
        let word = self.last.filter(|token| token.kind == Kind::Word)?;
        let is_member = self
            .before_last
            .is_some_and(|token| token.is(".") || token.is("?."));
        (!is_member).then_some(word.text)
    }

    fn opens_condition(&self) -> bool {
        self.last_keyword().is_some_and(|word| {
            BEFORE_CONDITION.contains(&word)
                || word == "await" && self.before_last.is_some_and(|token| token.text == "for")
        })
    }

    fn opens_object(&self) -> bool {
        let Some(last) = self.last else { return false };
        match last.kind {
            Kind::Word => self
                .last_keyword()
                .is_some_and(|word| BEFORE_OBJECT.contains(&word)),
            // A label or a case in statements, a value or a choice elsewhere.
            Kind::Punctuator if last.text == ":" => {
                !matches!(self.open.last(), None | Some(Open::Block))
            }
            Kind::Punctuator => {
                !matches!(last.text, ")" | "]" | "}" | "{" | ";" | "=>" | ">" | ">>")
            }
            // Only code inside a template literal begins after one.
            _ => last.kind == Kind::Template,
        }
    }
}
