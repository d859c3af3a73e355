//! Splits JavaScript and TypeScript into tokens, so that nobody takes a string for code or code for a comment.
//!
//! No parser: it knows strings, template literals with code inside, regular expressions, comments and brackets, and cuts the rest into
//! words, numbers and punctuation. It accepts any text. The tokens cover the whole of it, in order and without gaps; from a literal or
//! comment that never ends, the rest is one [`Kind::Broken`] token.
//!
//! Whether `/` divides or opens a regular expression is decided by the token before it, as every tool without a parser does; for `)`
//! and `}` also by what opened them. Line ends play no part in that, so code that is joined into one line splits in the same way.

mod lexemes;
mod scanner;

pub(super) use lexemes::punctuator_length;

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// A run of ECMAScript white space and line ends.
    Space,
    /// A comment, with its marks but without the end of its line.
    Comment,
    /// A name or a keyword.
    Word,
    /// A number.
    Number,
    /// One operator or bracket, as long as possible.
    Punctuator,
    /// A string in single or double quotes.
    String,
    /// A template literal, or the part of one before, between or after the code inside it.
    Template,
    /// A regular expression with its flags.
    Regex,
    /// Everything from a literal or comment that does not end.
    Broken,
}

/// A piece of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Token<'a> {
    pub(in super::super) kind: Kind,
    /// The piece as it is written.
    pub(in super::super) text: &'a str,
    /// Whether it belongs to a template literal that began earlier: a later part of it, or code inside.
    pub(in super::super) in_template: bool,
}

impl<'a> Token<'a> {
    /// Whether it is this punctuator.
    pub(in super::super) fn is(&self, punctuator: &str) -> bool {
        self.kind == Kind::Punctuator && self.text == punctuator
    }

    /// Neither blank nor comment.
    pub(in super::super) fn is_significant(&self) -> bool {
        !matches!(self.kind, Kind::Space | Kind::Comment)
    }

    /// What stands between the quotes of a string, or of a template literal without code inside. Escapes stay as they are written.
    pub(in super::super) fn string_content(&self) -> Option<&'a str> {
        let quotes: &[char] = match self.kind {
            Kind::String => &['"', '\''],
            Kind::Template => &['`'],
            _ => return None,
        };
        self.text.strip_prefix(quotes)?.strip_suffix(quotes)
    }
}

/// Code in pieces.
#[derive(Clone, Debug)]
pub(in super::super) struct Scan<'a> {
    /// All of them, in order.
    pub(in super::super) tokens: Vec<Token<'a>>,
    /// Whether it may be a program: every literal and comment ends, every bracket has its partner, and `@`, `#` and backslashes
    /// stand where they can.
    pub(in super::super) well_formed: bool,
}

/// Splits code into tokens.
pub(in super::super) fn scan(code: &str) -> Scan<'_> {
    scanner::Scanner::new(code).run()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn significant(code: &str) -> Vec<(Kind, &str)> {
        let tokens = scan(code).tokens.into_iter();
        tokens
            .filter(Token::is_significant)
            .map(|token| (token.kind, token.text))
            .collect()
    }

    fn kinds(code: &str, kind: Kind) -> Vec<&str> {
        let found = significant(code).into_iter();
        found
            .filter(|(found, _)| *found == kind)
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn literals_hide_what_looks_like_a_comment() {
        let code = r#"a("https://x", 'it\'s // y', `/* ${"`"} */`, /[/]\/\/*/g)"#;
        assert!(
            scan(code)
                .tokens
                .iter()
                .all(|token| token.kind != Kind::Comment)
        );
        assert_eq!(
            kinds(code, Kind::String),
            [r#""https://x""#, r"'it\'s // y'", r#""`""#]
        );
        assert_eq!(kinds(code, Kind::Template), ["`/* ${", "} */`"]);
        assert_eq!(kinds(code, Kind::Regex), [r"/[/]\/\/*/g"]);
    }

    #[test]
    fn a_slash_divides_after_a_value_and_opens_a_regular_expression_elsewhere() {
        for divided in [
            "a / b / c",
            "f(x) / 2 / y",
            "list[0] / 2 / y",
            "1 / 2 / 3",
            "i++ / 2 / x",
            "a! / b / c",
            "a.return / b / c",
            "`${a}` / b / c",
            "x = {a: 1} / b / c",
            "'a' / 2 / 3",
        ] {
            assert_eq!(kinds(divided, Kind::Regex), [""; 0], "{divided}");
        }
        for matched in [
            "/re/",
            "x = /re/",
            "f(/re/)",
            "return /re/",
            "if (a) /re/.test(b)",
            "for await (a of b) /re/.test(a)",
            "{ a } /re/.test(b)",
            "() => { } /re/",
            "a ? /re/ : b",
            "!/re/",
            "`${/re/}`",
            "switch (a) { case 1: { } /re/ }",
        ] {
            assert_eq!(kinds(matched, Kind::Regex), ["/re/"], "{matched}");
        }
    }

    #[test]
    fn code_inside_template_literals_is_code_at_any_depth() {
        let code = "`a${ f(`b${ {c: '}'}.c }`) }d`";
        assert!(scan(code).well_formed);
        assert_eq!(kinds(code, Kind::Template), ["`a${", "`b${", "}`", "}d`"]);
        assert_eq!(kinds(code, Kind::String), ["'}'"]);
        let outside: Vec<&str> = scan(code)
            .tokens
            .iter()
            .filter(|token| !token.in_template)
            .map(|token| token.text)
            .collect();
        assert_eq!(outside, ["`a${"]);
    }

    #[test]
    fn operators_are_as_long_as_possible() {
        let parts: Vec<&str> = significant("a>>>=b?.c?.5:x[...y**z")
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        assert_eq!(
            parts,
            [
                "a", ">>>=", "b", "?.", "c", "?", ".5", ":", "x", "[", "...", "y", "**", "z"
            ]
        );
        assert_eq!(
            kinds("1e+5 + 0xe+1 - 1.5.toFixed() .5", Kind::Number),
            ["1e+5", "0xe", "1", "1.5", ".5"]
        );
    }

    #[test]
    fn what_cannot_be_a_program_is_not_well_formed() {
        for good in [
            "",
            "const {a, b: [c]} = d; @decorated class X { #p = 1; }",
            "f('\\\n', `a\n`) // (",
            "const r\\u00e9sum\u{e9} = 1",
        ] {
            assert!(scan(good).well_formed, "{good}");
        }
        for bad in [
            "(",
            ")",
            "[)",
            "{",
            "}",
            "`${(}`",
            "`${a`",
            "'a",
            "'a\n'",
            "`a",
            "/* a",
            "x = /a",
            "@#$",
            "a \\ b",
            "# a",
            "a \0 b",
            "this is invalid\n@#$%^&*()",
        ] {
            assert!(!scan(bad).well_formed, "{bad}");
        }
    }

    #[test]
    fn a_great_depth_or_a_great_length_is_no_problem() {
        for part in ["(", "{", "`${", ")", "}", "/", "`${(", "\\"] {
            scan(&part.repeat(100_000));
        }
        scan(&("(".repeat(100_000) + &"}".repeat(100_000)));
    }

    proptest! {
        #[test]
        fn the_tokens_are_the_whole_text(code in r#"(\PC|[a/*'"`${}()\[\] \n\\.+=0e?!<>-])*"#) {
            let joined: String = scan(&code).tokens.iter().map(|token| token.text).collect();
            prop_assert_eq!(joined, code);
        }
    }
}
