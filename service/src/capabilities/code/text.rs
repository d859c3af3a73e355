//! The canonical text of code: what is left when comments and the amount of white space do not count.

use pml_entity::values::CodeHash;

use super::scan::{Kind, Token, punctuator_length, scan};

/// What lies between two tokens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    Nothing,
    Comments,
    Space,
}

/// Code without comments and with single blanks (spec of capabilities, HASH-1, with the correction of D21).
///
/// A comment becomes nothing, or one blank where two tokens would join without it. A run of ECMAScript white space becomes one blank,
/// none at either end. Strings, regular expressions and template literals, with the code inside them, stay byte for byte; so does
/// everything from a literal or a comment that does not end. Code that is in this form already stays as it is.
pub fn canonical_text(code: &str) -> String {
    let mut text = String::with_capacity(code.len());
    let mut last: Option<Token<'_>> = None;
    let mut gap = Gap::Nothing;
    for token in scan(code).tokens {
        match token.kind {
            _ if token.in_template => {}
            Kind::Space => {
                gap = Gap::Space;
                continue;
            }
            Kind::Comment => {
                gap = gap.max(Gap::Comments);
                continue;
            }
            _ => {}
        }
        let blank = last.is_some_and(|last| match gap {
            Gap::Nothing => false,
            Gap::Comments => would_join(&last, &token),
            Gap::Space => true,
        });
        if blank {
            text.push(' ');
        }
        text.push_str(token.text);
        gap = Gap::Nothing;
        last = Some(token);
    }
    text
}

/// SHA-256 of the canonical text (spec of capabilities, HASH-2). Empty code has a hash too.
pub fn text_hash(code: &str) -> CodeHash {
    CodeHash::of(&canonical_text(code))
}

/// Whether two tokens that follow each other without a blank would be read as something else.
fn would_join(left: &Token<'_>, right: &Token<'_>) -> bool {
    use Kind::{Number, Punctuator, Regex, Word};
    if left.text.ends_with('/') && right.text.starts_with(['/', '*']) {
        return true;
    }
    match (left.kind, right.kind) {
        (Word | Number | Regex, Word | Number) => true,
        (Number, Punctuator) => {
            right.text.starts_with('.')
                || left.text.ends_with(['e', 'E']) && right.text.starts_with(['+', '-'])
        }
        (Punctuator, Number) => {
            left.text.ends_with('.') || left.text == "?" && right.text.starts_with('.')
        }
        (Punctuator, Punctuator) => {
            let both = format!("{}{}", left.text, right.text);
            both.starts_with("..") || punctuator_length(&both) != left.text.len()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// AT-19, and the first rows of the vectors of section 3.
    #[test]
    fn the_published_vectors_hold() {
        let same = "3f41cbb303012f33212c92326b27f6cc604fd414e20315cb10f2be7f1f6bb83c";
        for (code, hash) in [
            ("const x = 1;", same),
            ("  const   x   =   1;  ", same),
            ("// comment\nconst x = 1;", same),
            ("/* block */ const x = 1;", same),
            (
                "const x = 2;",
                "37a6bd6ab3dc44cbff494010b42f1c7a5c350d9df5bf7ace6990bb874967f4c1",
            ),
            (
                "return 42;",
                "6a98d35093f15c84a9ccc34b0265e824ea49910551c181a250b362448204a253",
            ),
            (
                "",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
        ] {
            assert_eq!(text_hash(code).as_str(), hash, "{code}");
        }
        assert_eq!(text_hash("const x = 1;").short().as_str(), "3f41");
    }

    #[test]
    fn comments_and_the_amount_of_white_space_do_not_count() {
        for (code, canonical) in [
            ("a /* c */ b", "a b"),
            ("a/* c */b", "a b"),
            ("a/* c */=/* c */1/**/;/**/b", "a=1;b"),
            ("f(/* x */)", "f()"),
            ("a // c\n+ b // d", "a + b"),
            ("\u{feff}a\u{a0}\u{2028}\t\r\n b\u{3000}", "a b"),
            ("x +/**/+ y", "x + + y"),
            ("1/**/.toFixed()", "1 .toFixed()"),
            ("a //**/\n/ b", "a / b"),
            ("a/**/\"b\"/**/in c", "a\"b\"in c"),
            ("/* only */ // comments", ""),
            ("\u{85}", "\u{85}"),
        ] {
            assert_eq!(canonical_text(code), canonical, "{code}");
        }
    }

    #[test]
    fn literals_stay_byte_for_byte() {
        for code in [
            "f(\"https://a.example/x\")",
            "f('a  b\tc')",
            "f(`a\n  b // ${ c  /* d */ + 'e  f' }  g`)",
            "x.replace(/a  \\/\\/  b/g, '')",
            "'/*' + a + '*/'",
        ] {
            assert_eq!(canonical_text(code), code);
        }
        assert_ne!(text_hash("f('https://a')"), text_hash("f('https://b')"));
        assert_ne!(text_hash("f('a b')"), text_hash("f('a  b')"));
    }

    #[test]
    fn from_a_literal_that_does_not_end_the_rest_stays_as_it_is() {
        for (code, canonical) in [
            ("a  =  'b  // c \n  d ", "a = 'b  // c \n  d "),
            ("a  =  `b  ${ c  ", "a = `b  ${ c  "),
            ("a  /*  b  ", "a /*  b  "),
            ("a  =  /b  \n  c", "a = /b  \n  c"),
        ] {
            assert_eq!(canonical_text(code), canonical);
        }
    }

    /// Pieces that come together in every order.
    const PIECES: [&str; 46] = [
        "a",
        "return",
        "if",
        "1",
        "0x1f",
        "1e",
        ".5",
        "1.",
        "'s  t'",
        "\"u // v\"",
        "`w  x`",
        "`y ${",
        "}",
        " z`",
        "(",
        ")",
        "[",
        "]",
        "{",
        ";",
        ",",
        ":",
        "=",
        "=>",
        "+",
        "++",
        "-",
        "--",
        "/",
        "*",
        "**",
        ".",
        "?.",
        "?",
        "!",
        "<",
        ">",
        "&",
        "|",
        " ",
        "\n",
        "\u{a0}",
        "/* c */",
        "// d\n",
        "/r  e/g",
        "'",
    ];

    fn code() -> impl Strategy<Value = String> {
        let soup = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40);
        prop_oneof![
            4 => soup.prop_map(|pieces| pieces.concat()),
            1 => r#"(\PC|[a/*'"`${}()\[\] \n\\.+=0e?!<>-])*"#,
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn canonical_code_stays_as_it_is(code in code()) {
            let once = canonical_text(&code);
            prop_assert_eq!(canonical_text(&once), once);
        }

        #[test]
        fn canonical_code_consists_of_the_same_tokens(code in code()) {
            let tokens = |code: &str| -> Vec<(Kind, String)> {
                let tokens = scan(code).tokens.into_iter();
                tokens
                    .filter(|token| token.in_template || token.is_significant())
                    .map(|token| (token.kind, token.text.to_owned()))
                    .collect()
            };
            prop_assert_eq!(tokens(&canonical_text(&code)), tokens(&code));
        }
    }
}
