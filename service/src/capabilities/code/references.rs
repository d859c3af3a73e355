//! Which capabilities code calls by their id.

use pml_entity::values::CapabilityId;
use uuid::Uuid;

use super::scan::{Kind, scan};

/// What stands before the id.
const MARK: &str = "$cap:";
/// Characters of a UUID in groups.
const UUID_LENGTH: usize = 36;

/// The capabilities that code names as `$cap:<uuid>` in a string or template literal, each once, in order of first mention.
///
/// Upper and lower case are the same. Comments do not count, nor does what is no UUID in its usual five groups. The ids are those of
/// the registry (spec of capabilities, ID-3), and nothing says that they exist.
pub fn references(code: &str) -> Vec<CapabilityId> {
    let mut found = Vec::new();
    for token in scan(code).tokens {
        if matches!(token.kind, Kind::String | Kind::Template) {
            for id in in_literal(token.text) {
                if !found.contains(&id) {
                    found.push(id);
                }
            }
        }
    }
    found
}

fn in_literal(text: &str) -> impl Iterator<Item = CapabilityId> {
    text.match_indices('$').filter_map(|(index, _)| {
        let candidate = &text[index..];
        let mark = candidate.get(..MARK.len())?;
        if !mark.eq_ignore_ascii_case(MARK) {
            return None;
        }
        let rest = &candidate[MARK.len()..];
        let id = rest.get(..UUID_LENGTH)?;
        let goes_on = rest[UUID_LENGTH..]
            .starts_with(|c: char| c == '-' || c == '_' || c.is_ascii_alphanumeric());
        if goes_on {
            return None;
        }
        // Of the spellings that have 36 characters, only the one in groups parses.
        Uuid::try_parse(id).ok().map(CapabilityId::new)
    })
}

/// Whether the text names a capability by id rather than a tool.
pub(in super::super) fn is_reference(text: &str) -> bool {
    text.get(..MARK.len())
        .is_some_and(|mark| mark.eq_ignore_ascii_case(MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f";
    const SECOND: &str = "0b8f6d9a-1111-4c57-9d0a-0a1b2c3d4e5f";

    fn found(code: &str) -> Vec<String> {
        references(code).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_capability_is_found_in_every_kind_of_literal_and_once() {
        let upper = FIRST.to_uppercase();
        let code = format!(
            "await mcp[\"$cap:{SECOND}\"](); mcp['$CAP:{upper}'](x); mcp[`$cap:{FIRST}`](`${{mcp[\"$cap:{SECOND}\"]}}`)"
        );
        assert_eq!(found(&code), [SECOND, FIRST]);
    }

    #[test]
    fn comments_code_and_other_texts_name_nothing() {
        for code in [
            format!("// \"$cap:{FIRST}\""),
            format!("/* '$cap:{FIRST}' */ 1"),
            format!("$cap: {FIRST}"),
            format!("'cap:{FIRST}'"),
            format!("'$cap:{FIRST}0'"),
            format!("'$cap:{FIRST}-a'"),
            format!("'$cap:{}'", FIRST.replace('-', "")),
            "'$cap:not-a-uuid-but-thirty-six-characters'".to_owned(),
            "'$cap:äöüäöüäöüäöüäöüäöüäöü'".to_owned(),
            "'$cap:'".to_owned(),
            String::new(),
        ] {
            assert_eq!(found(&code), [""; 0], "{code}");
        }
    }
}
