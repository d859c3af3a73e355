//! How long the piece at the start of a text is, once it is known what it is.

/// Punctuators of several characters, the longer first.
const PUNCTUATORS: [&str; 33] = [
    ">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=", "=>", "==", "!=",
    "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
    "<<", ">>", "**",
];

/// White space and line ends as ECMAScript's `\s` has them.
pub(super) const fn is_space(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202f}'
                | '\u{205f}'
                | '\u{3000}'
                | '\u{feff}'
    )
}

pub(super) const fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

pub(super) fn starts_word(character: char) -> bool {
    character == '#' || continues_word(character) && !character.is_ascii_digit()
}

pub(super) fn continues_word(character: char) -> bool {
    match character {
        '_' | '$' | '\\' => true,
        _ if character.is_ascii() => character.is_ascii_alphanumeric(),
        _ => !is_space(character),
    }
}

/// Length in bytes of the punctuator at the start of the text, which must not be empty.
pub(in super::super) fn punctuator_length(text: &str) -> usize {
    let long = PUNCTUATORS.iter().find(|&&candidate| {
        let Some(rest) = text.strip_prefix(candidate) else {
            return false;
        };
        // `a?.5:1` is a choice, not a chain.
        candidate != "?." || !rest.starts_with(|c: char| c.is_ascii_digit())
    });
    long.map_or_else(
        || text.chars().next().map_or(0, char::len_utf8),
        |punctuator| punctuator.len(),
    )
}

pub(super) fn length_while(text: &str, matches: impl Fn(char) -> bool) -> usize {
    text.find(|character| !matches(character))
        .unwrap_or(text.len())
}

pub(super) fn second_is_digit(text: &str) -> bool {
    text.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
}

/// A backslash in a name can only begin `\u`.
pub(super) fn has_stray_backslash(word: &str) -> bool {
    word.split('\\').skip(1).any(|rest| !rest.starts_with('u'))
}

/// Length of the string at the start of the text; `None` where it does not end on its line.
pub(super) fn string_length(text: &str, quote: char) -> Option<usize> {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => {
                let escaped = characters.next();
                if escaped.is_some_and(|(_, character)| character == '\r') {
                    characters.next_if(|(_, character)| *character == '\n');
                }
            }
            '\n' | '\r' => return None,
            _ if character == quote => return Some(index + 1),
            _ => {}
        }
    }
    None
}

/// Length of the regular expression at the start of the text, with its flags; `None` where it does not end on its line.
pub(super) fn regex_length(text: &str) -> Option<usize> {
    let mut in_class = false;
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        if is_line_end(character) {
            return None;
        }
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '/' if !in_class => {
                let end = index + 1;
                return Some(end + length_while(&text[end..], continues_word));
            }
            _ => {}
        }
    }
    None
}

/// Length of the number at the start of the text: digits, letters and `_`, one dot, and the sign of an exponent.
pub(super) fn number_length(text: &str) -> usize {
    let has_prefix = ["0x", "0X", "0o", "0O", "0b", "0B"]
        .iter()
        .any(|prefix| text.starts_with(prefix));
    let mut dots_left = u8::from(!has_prefix);
    let mut previous = '0';
    for (index, character) in text.char_indices() {
        let belongs = match character {
            '.' if dots_left > 0 => {
                dots_left = 0;
                true
            }
            '+' | '-' => !has_prefix && matches!(previous, 'e' | 'E'),
            _ => continues_word(character),
        };
        if !belongs {
            return index;
        }
        if matches!(character, 'e' | 'E') {
            dots_left = 0;
        }
        previous = character;
    }
    text.len()
}
