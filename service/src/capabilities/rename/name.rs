//! Which names and labels people may give.

use super::super::CapabilityError;

/// Longest namespace and action that a person gives, in characters (REN-2).
const MAX_NAMESPACE: usize = 20;
const MAX_ACTION: usize = 50;
/// From so many hexadecimal digits on `exec…` looks like a name that was made up.
const HEX_DIGITS: usize = 6;
/// Most tags of a capability, and the longest label in characters.
const MAX_TAGS: usize = 32;
const MAX_LABEL: usize = 64;

/// Checks a name that a person gives (REN-2).
///
/// Namespace: 1–20 characters, `[a-z][a-z0-9]*`. Action: 1–50 characters, `[a-zA-Z][a-zA-Z0-9_]*`, and nothing that looks like the name of an
/// unnamed capability: not `exec_…`, nor, in any case, `exec` with six hexadecimal digits or more behind it (so `execfacade` is refused too).
///
/// # Errors
/// [`CapabilityError::InvalidNamespace`], [`CapabilityError::InvalidAction`].
pub fn validate_name(namespace: &str, action: &str) -> Result<(), CapabilityError> {
    check_namespace(namespace)?;
    check_action(action)
}

/// The part of [`validate_name`] about the namespace.
pub(super) fn check_namespace(text: &str) -> Result<(), CapabilityError> {
    let refused = |rule: &str| Err(CapabilityError::InvalidNamespace(rule.to_owned()));
    if text.is_empty() || text.chars().count() > MAX_NAMESPACE {
        return refused("it must have 1 to 20 characters");
    }
    let mut characters = text.chars();
    if characters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && characters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    {
        return Ok(());
    }
    refused("it must be lower-case letters and digits, and begin with a letter")
}

/// The part of [`validate_name`] about the action.
pub(super) fn check_action(text: &str) -> Result<(), CapabilityError> {
    let refused = |rule: &str| Err(CapabilityError::InvalidAction(rule.to_owned()));
    if text.is_empty() || text.chars().count() > MAX_ACTION {
        return refused("it must have 1 to 50 characters");
    }
    let mut characters = text.chars();
    if !(characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_'))
    {
        return refused("it must be letters, digits and underscores, and begin with a letter");
    }
    if text.starts_with("exec_") || is_made_up(text) {
        return refused(
            "`exec_` and `exec` with hexadecimal digits are for capabilities without a name",
        );
    }
    Ok(())
}

fn is_made_up(action: &str) -> bool {
    let lower = action.to_ascii_lowercase();
    lower.strip_prefix("exec").is_some_and(|rest| {
        rest.bytes()
            .take_while(u8::is_ascii_hexdigit)
            .take(HEX_DIGITS)
            .count()
            == HEX_DIGITS
    })
}

/// Brings tags into the form they are stored in: trimmed, each once, in their order. At most 32 tags of 1–64 characters, without null characters.
///
/// # Errors
/// [`CapabilityError::InvalidTag`].
pub fn validate_tags(tags: &[String]) -> Result<Vec<String>, CapabilityError> {
    let mut stored: Vec<String> = Vec::with_capacity(tags.len().min(MAX_TAGS));
    for tag in tags {
        let tag = checked_label(tag)?;
        if tag.is_empty() {
            return Err(CapabilityError::InvalidTag("a tag must not be blank"));
        }
        if !stored.iter().any(|stored| stored == tag) {
            if stored.len() == MAX_TAGS {
                return Err(CapabilityError::InvalidTag("there may be at most 32 tags"));
            }
            stored.push(tag.to_owned());
        }
    }
    Ok(stored)
}

/// A label without the blanks around it.
pub(super) fn checked_label(text: &str) -> Result<&str, CapabilityError> {
    let text = text.trim();
    if text.contains('\0') {
        return Err(CapabilityError::InvalidTag("it contains a null character"));
    }
    if text.chars().count() > MAX_LABEL {
        return Err(CapabilityError::InvalidTag("it is over 64 characters long"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn action_is_refused(action: &str) -> bool {
        matches!(
            validate_name("fs", action),
            Err(CapabilityError::InvalidAction(_))
        )
    }

    #[test]
    fn a_namespace_is_lower_case_letters_and_digits() {
        for good in ["a", "fs", "a1b2", &"a".repeat(20)] {
            assert_eq!(validate_name(good, "read"), Ok(()), "{good}");
        }
        for bad in ["", "Fs", "1a", "a_b", "a-b", "a b", "é", &"a".repeat(21)] {
            assert!(
                matches!(
                    validate_name(bad, "read"),
                    Err(CapabilityError::InvalidNamespace(_))
                ),
                "{bad}"
            );
        }
    }

    #[test]
    fn an_action_is_letters_digits_and_underscores() {
        for good in ["a", "readJson", "read_json_2", &"a".repeat(50)] {
            assert_eq!(validate_name("fs", good), Ok(()), "{good}");
        }
        for bad in ["", "1a", "_a", "a-b", "a b", "a.b", "a:b", &"a".repeat(51)] {
            assert!(action_is_refused(bad), "{bad}");
        }
    }

    #[test]
    fn names_that_look_made_up_are_refused() {
        for bad in [
            "exec_",
            "exec_read",
            "execfacade",
            "ExecFacade",
            "execdeadbeef",
            "EXEC123456",
        ] {
            assert!(action_is_refused(bad), "{bad}");
        }
        for good in [
            "exec",
            "execute",
            "execface",
            "executor",
            "exec12345",
            "Exec_read",
        ] {
            assert_eq!(validate_name("fs", good), Ok(()), "{good}");
        }
    }

    #[test]
    fn the_error_is_worded_as_documented() {
        let text = validate_name("Fs", "read").unwrap_err().to_string();
        assert!(text.starts_with("Invalid namespace: "), "{text}");
        let text = validate_name("fs", "1").unwrap_err().to_string();
        assert!(text.starts_with("Invalid action: "), "{text}");
    }

    #[test]
    fn tags_are_trimmed_and_each_is_kept_once() {
        let tags = [" json ", "files", "json", "files "].map(str::to_owned);
        assert_eq!(validate_tags(&tags).unwrap(), ["json", "files"]);
        assert_eq!(validate_tags(&[]).unwrap(), [""; 0]);
    }

    #[test]
    fn blank_long_and_too_many_tags_are_refused() {
        for bad in ["", "  ", "a\0b", &"é".repeat(65)] {
            assert!(validate_tags(&[bad.to_owned()]).is_err(), "{bad:?}");
        }
        assert!(validate_tags(&["é".repeat(64)]).is_ok());
        let numbers = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert!(validate_tags(&numbers(32)).is_ok());
        assert!(validate_tags(&numbers(33)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_check_fail_over(namespace in any::<String>(), action in any::<String>()) {
            let _ = validate_name(&namespace, &action);
        }

        #[test]
        fn stored_tags_pass_unchanged(tags in proptest::collection::vec("[ a-c]{1,4}", 0..12)) {
            if let Ok(stored) = validate_tags(&tags) {
                prop_assert_eq!(validate_tags(&stored).unwrap(), stored);
            }
        }
    }
}
