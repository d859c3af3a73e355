//! When two executions show the same pattern.

use sha2::{Digest, Sha256};

/// 16 hexadecimal digits: the beginning of a SHA-256 over intent, keywords (lower case, sorted), agents, hook types and endpoint paths, the last three
/// in their order (section 2.5). Every part is preceded by its length, so that no two tuples read alike.
pub fn pattern_hash(
    intent: Option<&str>,
    keywords: &[String],
    agents: &[String],
    hook_types: &[String],
    endpoints: &[String],
) -> String {
    let mut sorted: Vec<String> = keywords.iter().map(|word| word.to_lowercase()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let intent: Vec<String> = intent.into_iter().map(str::to_owned).collect();
    let mut hash = Sha256::new();
    for list in [&intent, &sorted, agents, hook_types, endpoints] {
        hash.update(list.len().to_be_bytes());
        for item in list {
            hash.update(item.len().to_be_bytes());
            hash.update(item.as_bytes());
        }
    }
    let digest = hash.finalize();
    digest
        .iter()
        .take(8)
        .fold(String::with_capacity(16), |mut hex, byte| {
            use std::fmt::Write as _;
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn sixteen_hexadecimal_digits_that_never_change() {
        let hash = pattern_hash(
            Some("debugging"),
            &list(&["fix"]),
            &list(&["agent-a"]),
            &list(&["Stop"]),
            &list(&["/a"]),
        );
        assert_eq!(hash.len(), 16);
        assert!(
            hash.bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        );
        assert_eq!(
            hash,
            pattern_hash(
                Some("debugging"),
                &list(&["fix"]),
                &list(&["agent-a"]),
                &list(&["Stop"]),
                &list(&["/a"])
            )
        );
    }

    #[test]
    fn keywords_have_no_order_and_no_case_and_steps_have_both() {
        let of = |words: &[&str], agents: &[&str]| {
            pattern_hash(None, &list(words), &list(agents), &[], &[])
        };
        assert_eq!(
            of(&["Fix", "login"], &["a", "b"]),
            of(&["login", "fix"], &["a", "b"])
        );
        assert_ne!(of(&["fix"], &["a", "b"]), of(&["fix"], &["b", "a"]));
        assert_ne!(of(&["fix"], &["a"]), of(&["fix"], &["A"]));
    }

    #[test]
    fn what_stands_in_another_list_is_another_pattern() {
        assert_ne!(
            pattern_hash(None, &list(&["a"]), &[], &[], &[]),
            pattern_hash(None, &[], &list(&["a"]), &[], &[])
        );
        assert_ne!(
            pattern_hash(None, &list(&["ab"]), &[], &[], &[]),
            pattern_hash(None, &list(&["a", "b"]), &[], &[], &[])
        );
        assert_ne!(
            pattern_hash(None, &[], &[], &[], &[]),
            pattern_hash(Some(""), &[], &[], &[], &[])
        );
    }
}
