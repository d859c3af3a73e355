//! Patterns with `*` and `?`, as people write them for names.

use super::CapabilityError;

/// The LIKE pattern of a glob, for `LIKE $n ESCAPE '\'` (spec of capabilities, LST-2, with the correction of D32).
///
/// `*` stands for any text, `?` for one character. A backslash makes a following `*`, `?` or backslash stand for itself; before any
/// other character it is an ordinary one. `%` and `_` are ordinary characters.
///
/// # Errors
/// [`CapabilityError::InvalidPattern`] for a single backslash at the end, and for a null character.
pub fn to_like(glob: &str) -> Result<String, CapabilityError> {
    let mut like = String::with_capacity(glob.len() + 8);
    let mut rest = glob.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '*' => like.push('%'),
            '?' => like.push('_'),
            '%' | '_' => {
                like.push('\\');
                like.push(character);
            }
            '\\' => match rest.next_if(|next| matches!(next, '*' | '?' | '\\')) {
                Some('\\') => like.push_str(r"\\"),
                Some(escaped) => like.push(escaped),
                None if rest.peek().is_none() => {
                    return Err(CapabilityError::InvalidPattern(
                        "it ends in a single backslash; write two for one",
                    ));
                }
                None => like.push_str(r"\\"),
            },
            '\0' => {
                return Err(CapabilityError::InvalidPattern(
                    "it contains a null character",
                ));
            }
            ordinary => like.push(ordinary),
        }
    }
    Ok(like)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// LST-2.
    #[test]
    fn the_published_examples_hold() {
        for (glob, like) in [
            ("read_?", r"read\__"),
            ("fs:read_?_*", r"fs:read\__\_%"),
            ("100%", r"100\%"),
            ("", ""),
        ] {
            assert_eq!(to_like(glob).as_deref(), Ok(like));
        }
    }

    /// D32.
    #[test]
    fn a_backslash_makes_a_wildcard_ordinary_and_is_ordinary_itself_elsewhere() {
        for (glob, like) in [
            (r"a\*", "a*"),
            (r"a\?b*", "a?b%"),
            (r"a\\", r"a\\"),
            (r"a\\*", r"a\\%"),
            (r"a\b", r"a\\b"),
            (r"a\_", r"a\\\_"),
            ("ä*", "ä%"),
        ] {
            assert_eq!(to_like(glob).as_deref(), Ok(like), "{glob}");
        }
    }

    #[test]
    fn what_no_statement_can_take_is_refused() {
        for glob in [r"a\", r"a\\\", "a\0"] {
            assert_eq!(to_like(glob).unwrap_err().code(), "invalid_pattern");
        }
    }
}
