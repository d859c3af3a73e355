//! Taking out of a text what belongs to one user, before it goes into a table that all users read.
//!
//! Patterns are shared. What matching needs of a prompt is what it wants and which words it uses, not whose data it names. So a prompt,
//! an error message and a path are stored with what looks like a value replaced by a placeholder: addresses, links, paths, quoted text,
//! long tokens, numbers. It is a filter by looks, not a guarantee: a name in plain words stays. A platform whose users must not see
//! anything of each other's prompts does not extract at all; one with a single team can store them as they are
//! ([`StoredPrompt::Verbatim`]).

/// How a prompt is stored in a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoredPrompt {
    /// With placeholders for values, and at most 2,000 characters. The default.
    #[default]
    Masked,
    /// As it was, up to the same length: for a platform whose users see each other's work anyway.
    Verbatim,
}

/// Characters of a prompt that are stored.
const MAX_PROMPT: usize = 2_000;
/// Characters of an error message that are stored.
const MAX_MESSAGE: usize = 500;
/// A word of at least this length with digits in it is a token, a hash or an id.
const TOKEN_LENGTH: usize = 8;

impl StoredPrompt {
    /// The text to store, embed and take the words of.
    pub fn apply(self, prompt: &str) -> String {
        let prompt: String = prompt
            .trim()
            .chars()
            .filter(|character| *character != '\0')
            .collect();
        let stored = match self {
            Self::Masked => mask(&prompt),
            Self::Verbatim => prompt,
        };
        stored.chars().take(MAX_PROMPT).collect()
    }
}

/// What stays the same when the same error occurs again: the message with placeholders, at most 500 characters.
pub fn message_pattern(message: &str) -> String {
    mask(message.trim().trim_matches('\0'))
        .chars()
        .take(MAX_MESSAGE)
        .collect()
}

/// A path without its query and with `{id}` for the segments that name one thing: numbers, ids, long tokens.
pub fn path_pattern(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| {
        rest.find('/').map_or("/", |start| &rest[start..])
    });
    let segments: Vec<&str> = path
        .split('/')
        .map(|segment| {
            let number = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
            if number || is_token(segment) || segment.contains('@') {
                "{id}"
            } else {
                segment
            }
        })
        .collect();
    segments.join("/").chars().take(MAX_MESSAGE).collect()
}

fn mask(text: &str) -> String {
    let unquoted = mask_quotes(text);
    let mut masked = String::with_capacity(unquoted.len());
    for (number, line) in unquoted.lines().enumerate() {
        if number > 0 {
            masked.push('\n');
        }
        let mut first = true;
        for word in line.split_whitespace() {
            if !first {
                masked.push(' ');
            }
            first = false;
            mask_word(word, &mut masked);
        }
    }
    masked
}

/// Text between quotes on one line. An apostrophe within a word opens nothing.
fn mask_quotes(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut index = 0;
    while let Some(&character) = characters.get(index) {
        let closing = match character {
            '"' => Some('"'),
            '`' => Some('`'),
            '“' => Some('”'),
            '\'' if index == 0 || !characters[index - 1].is_alphanumeric() => Some('\''),
            _ => None,
        };
        let end = closing.and_then(|closing| {
            characters[index + 1..]
                .iter()
                .take_while(|character| **character != '\n')
                .position(|character| *character == closing)
        });
        match end {
            Some(length) if length > 0 => {
                masked.push_str("<text>");
                index += length + 2;
            }
            _ => {
                masked.push(character);
                index += 1;
            }
        }
    }
    masked
}

fn mask_word(word: &str, masked: &mut String) {
    if word.contains("<text>") {
        // Something quoted, perhaps with its key: what stands before and after is judged alone.
        for (number, part) in word.split("<text>").enumerate() {
            if number > 0 {
                masked.push_str("<text>");
            }
            if !part.is_empty() {
                mask_word(part, masked);
            }
        }
        return;
    }
    let start = word.len() - word.trim_start_matches(['(', '[', '{', '<']).len();
    let end = word
        .trim_end_matches([')', ']', '}', '>', ',', ';', ':', '.', '!', '?'])
        .len()
        .max(start);
    let (before, core, after) = (&word[..start], &word[start..end], &word[end..]);
    masked.push_str(before);
    let (key, value) = match core.split_once(['=', ':']) {
        Some((key, value)) if !value.starts_with("//") && !key.is_empty() && !value.is_empty() => {
            (Some(&core[..=key.len()]), value)
        }
        _ => (None, core),
    };
    match placeholder(value) {
        Some(placeholder) => {
            if let Some(key) = key.filter(|key| placeholder_free(key)) {
                masked.push_str(key);
            }
            masked.push_str(placeholder);
        }
        None => masked.push_str(core),
    }
    masked.push_str(after);
}

fn placeholder_free(key: &str) -> bool {
    placeholder(key.trim_end_matches(['=', ':'])).is_none()
}

fn placeholder(word: &str) -> Option<&'static str> {
    if word.contains("://") || word.starts_with("www.") {
        Some("<url>")
    } else if word.contains('@') && !word.starts_with('@') {
        Some("<email>")
    } else if is_path(word) {
        Some("<path>")
    } else if is_token(word) {
        Some("<token>")
    } else if word.bytes().any(|byte| byte.is_ascii_digit())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_punctuation())
    {
        Some("<number>")
    } else {
        None
    }
}

/// `/a/b`, `~/a`, `C:\a`, `a/b/c`; not `and/or`.
fn is_path(word: &str) -> bool {
    let separators = word
        .bytes()
        .filter(|byte| matches!(byte, b'/' | b'\\'))
        .count();
    (separators >= 1
        && (word.starts_with(['/', '~', '.']) || word.contains('\\') || word.contains('.')))
        || separators >= 2
}

/// A long word with digits and hardly anything but letters, digits and joints: a key, a hash, an id, a card number.
fn is_token(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let joints = word.chars().all(|character| {
        character.is_alphanumeric() || matches!(character, '-' | '_' | '+' | '/' | '=' | '.')
    });
    joints
        && ((word.len() >= TOKEN_LENGTH && digits >= 3 && digits < word.len())
            || (word.len() >= 24 && digits >= 1))
        || word.len() >= 40
        || (word.len() >= TOKEN_LENGTH && digits == word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        StoredPrompt::Masked.apply(text)
    }

    #[test]
    fn what_a_prompt_wants_stays_and_whose_data_it_names_goes() {
        assert_eq!(
            masked(
                "Fix the login of ann.lee@example.org at https://x.test/p?q=1, it's failing with error 500!"
            ),
            "Fix the login of <email> at <url>, it's failing with error <number>!"
        );
        assert_eq!(
            masked(
                "Refactor /home/ann/app/main.rs and src/lib.rs (token sk-live-9f8e7d6c5b) and/or \"Ann's notes\""
            ),
            "Refactor <path> and <path> (token <token>) and/or <text>"
        );
        assert_eq!(
            masked("password=hunter2222 id:3fa85f64-5717-4562-b3fc-2c963f66afa6"),
            "password=<token> id:<token>"
        );
        assert_eq!(
            masked("call +49 170 1234567"),
            "call <number> <number> <number>"
        );
    }

    #[test]
    fn ordinary_words_stay() {
        let text = "Don't rewrite HTTP/2 support for utf-8 in module-a; add tests for v2 and python3\nthen document it.";
        assert_eq!(masked(text), text);
    }

    #[test]
    fn a_long_prompt_is_cut_and_verbatim_keeps_values() {
        assert_eq!(masked(&"word ".repeat(1_000)).chars().count(), 2_000);
        assert_eq!(
            StoredPrompt::Verbatim.apply(" mail ann@example.org\0 "),
            "mail ann@example.org"
        );
    }

    #[test]
    fn the_same_error_has_one_pattern() {
        let first = message_pattern("timeout after 3000 ms for user 'ann' (request 8f3a2b1c9d)");
        assert_eq!(
            first,
            message_pattern("timeout after 15 ms for user 'bob' (request 11aa22bb33)")
        );
        assert_eq!(
            first,
            "timeout after <number> ms for user <text> (request <token>)"
        );
    }

    #[test]
    fn the_ids_of_a_path_are_one_placeholder() {
        assert_eq!(
            path_pattern("/api/users/42/notes?token=x"),
            "/api/users/{id}/notes"
        );
        assert_eq!(
            path_pattern("https://host/api/v1/items/3fa85f64-5717-4562-b3fc-2c963f66afa6"),
            "/api/v1/items/{id}"
        );
        assert_eq!(path_pattern("/api/rag/query"), "/api/rag/query");
    }
}
