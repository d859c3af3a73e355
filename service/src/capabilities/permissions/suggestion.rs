//! From an error message to the permission set that would have prevented it.

use pml_entity::values::{DetectedOperation, PermissionSet};

use super::sets::{allowed_moves, may_move, provides};

/// An operation that was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What was tried.
    pub operation: DetectedOperation,
    /// On which file, host or variable, where the message says so.
    pub resource: Option<String>,
}

/// A set that would allow what was denied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// The set.
    pub set: PermissionSet,
    /// How sure that it is the right one: 0.50 to 0.95.
    pub confidence: f64,
}

/// Words of which a permission error has one.
const MARKS: [&str; 3] = ["PermissionError", "PermissionDenied", "NotCapable"];

/// Reads a permission error (spec of capabilities, PERM-6). `None` for any other error.
///
/// The operation is the first of read, write, net, env, run, ffi for which the text says "Requires … access"; the resource is the
/// quoted text or the word that follows, with or without "to".
pub fn detect(error: &str) -> Option<Denied> {
    if !MARKS.iter().any(|mark| error.contains(mark)) {
        return None;
    }
    DetectedOperation::ALL.iter().find_map(|&operation| {
        let phrase = format!("Requires {operation} access");
        let (_, rest) = error.split_once(&phrase)?;
        Some(Denied {
            operation,
            resource: resource(rest),
        })
    })
}

/// The resource at the start of what follows "access".
fn resource(rest: &str) -> Option<String> {
    // Directly after the word: punctuation, so nothing is named.
    let rest = rest.strip_prefix(char::is_whitespace)?.trim_start();
    let rest = match rest.strip_prefix("to") {
        Some(more) if more.starts_with(char::is_whitespace) => more.trim_start(),
        _ => rest,
    };
    let quoted = ['"', '\'', '`', '<'].into_iter().find_map(|open| {
        let close = if open == '<' { '>' } else { open };
        rest.strip_prefix(open)?
            .split_once(close)
            .map(|(inner, _)| inner)
    });
    let word = quoted.unwrap_or_else(|| {
        let word = rest.split(char::is_whitespace).next().unwrap_or_default();
        word.trim_matches(|c: char| matches!(c, '"' | '\'' | '`' | ',' | ';' | ')' | '('))
            .trim_end_matches(['.', ':'])
    });
    (!word.is_empty()).then(|| word.to_owned())
}

/// The set that would allow the operation (spec of capabilities, PERM-7 and PERM-8). `None` when no allowed step leads to one.
///
/// Processes and foreign code are in no set: for these the answer is the current set with confidence 0.50, which is no escalation,
/// and whoever asked for one is refused (K11).
pub fn suggest(
    current: PermissionSet,
    operation: DetectedOperation,
    resource: Option<&str>,
) -> Option<Suggestion> {
    let direct = match operation {
        DetectedOperation::Read => PermissionSet::Readonly,
        DetectedOperation::Write => PermissionSet::Filesystem,
        DetectedOperation::Net => PermissionSet::NetworkApi,
        DetectedOperation::Env => PermissionSet::McpStandard,
        DetectedOperation::Run | DetectedOperation::Ffi => {
            return Some(Suggestion {
                set: current,
                confidence: 0.50,
            });
        }
    };
    let set = if may_move(current, direct) {
        direct
    } else {
        allowed_moves(current)
            .iter()
            .copied()
            .find(|&set| provides(set, operation))?
    };
    Some(Suggestion {
        set,
        confidence: confidence(operation, resource),
    })
}

/// In whole hundredths until the end, so that 0.70 + 0.15 + 0.05 is 0.90.
fn confidence(operation: DetectedOperation, resource: Option<&str>) -> f64 {
    let mut hundredths = 70_u32;
    if let Some(resource) = resource.filter(|text| !text.is_empty()) {
        hundredths += 15;
        hundredths += match operation {
            DetectedOperation::Net
                if ["api.", ":443", "https"]
                    .iter()
                    .any(|sign| resource.contains(sign)) =>
            {
                10
            }
            DetectedOperation::Read | DetectedOperation::Write
                if resource.starts_with('/') || resource.contains('.') =>
            {
                5
            }
            _ => 0,
        };
    }
    f64::from(hundredths.min(95)) / 100.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]

    use DetectedOperation::{Env, Ffi, Net, Read, Run, Write};
    use PermissionSet::{Filesystem, McpStandard, Minimal, NetworkApi, Readonly, Trusted};

    use super::*;

    #[test]
    fn an_error_says_what_was_denied_and_on_what() {
        for (error, operation, resource) in [
            (
                "PermissionDenied: Requires read access to \"/etc/my file\", run again with --allow-read",
                Read,
                Some("/etc/my file"),
            ),
            (
                "NotCapable: Requires net access to \"api.example.com:443\"",
                Net,
                Some("api.example.com:443"),
            ),
            (
                "PermissionError: Requires write access to /tmp/x, try again",
                Write,
                Some("/tmp/x"),
            ),
            (
                "PermissionError: Requires write access /tmp/x.",
                Write,
                Some("/tmp/x"),
            ),
            (
                "NotCapable: Requires env access to 'HOME'",
                Env,
                Some("HOME"),
            ),
            ("NotCapable: Requires env access, run again", Env, None),
            ("NotCapable: Requires env access", Env, None),
            ("NotCapable: Requires run access to <ls>", Run, Some("ls")),
            ("NotCapable: Requires ffi access to \"\"", Ffi, None),
            (
                "PermissionDenied: Requires net access to a. Requires read access to b",
                Read,
                Some("b"),
            ),
        ] {
            let denied = detect(error).unwrap();
            assert_eq!(
                (denied.operation, denied.resource.as_deref()),
                (operation, resource),
                "{error}"
            );
        }
    }

    #[test]
    fn another_error_is_no_permission_error() {
        for error in [
            "",
            "TypeError: Requires read access to \"/x\"",
            "PermissionDenied: go away",
            "PermissionDenied: Requires sys access to \"x\"",
        ] {
            assert_eq!(detect(error), None);
        }
    }

    /// AT-75.
    #[test]
    fn the_published_suggestions_hold() {
        for (operation, resource, set, confidence) in [
            (Read, "/etc/config.json", Readonly, 0.90),
            (Write, "tmp", Filesystem, 0.85),
            (Env, "API_KEY", McpStandard, 0.85),
        ] {
            let suggestion = suggest(Minimal, operation, Some(resource)).unwrap();
            assert_eq!(suggestion, Suggestion { set, confidence });
        }
    }

    /// AT-77.
    #[test]
    fn from_the_top_nothing_is_suggested() {
        for current in [McpStandard, Trusted] {
            for operation in [Read, Write, Net, Env] {
                assert_eq!(suggest(current, operation, Some("x")), None);
            }
        }
    }

    #[test]
    fn where_the_direct_step_is_not_allowed_the_least_set_that_helps_is_taken() {
        for (current, operation, set) in [
            (Minimal, Net, NetworkApi),
            (Readonly, Read, Filesystem),
            (Readonly, Net, McpStandard),
            (Readonly, Write, Filesystem),
            (Filesystem, Read, McpStandard),
            (Filesystem, Net, McpStandard),
            (NetworkApi, Read, McpStandard),
            (NetworkApi, Net, McpStandard),
        ] {
            let suggested = suggest(current, operation, None).unwrap();
            assert_eq!(
                (suggested.set, suggested.confidence),
                (set, 0.70),
                "{current} {operation}"
            );
        }
    }

    #[test]
    fn the_confidence_grows_with_what_the_resource_says() {
        for (operation, resource, confidence) in [
            (Net, "api.example.com", 0.95),
            (Net, "example.com:443", 0.95),
            (Net, "https://example.com", 0.95),
            (Net, "example.com", 0.85),
            (Read, "data", 0.85),
            (Read, "a.txt", 0.90),
            (Write, "/data", 0.90),
            (Env, "/A.B", 0.85),
            (Read, "", 0.70),
        ] {
            let suggested = suggest(Minimal, operation, Some(resource)).unwrap();
            assert_eq!(suggested.confidence, confidence, "{operation} {resource}");
        }
    }

    #[test]
    fn processes_and_foreign_code_are_never_granted() {
        for &current in PermissionSet::ALL {
            for operation in [Run, Ffi] {
                let suggestion = suggest(current, operation, Some("ls")).unwrap();
                assert_eq!(
                    suggestion,
                    Suggestion {
                        set: current,
                        confidence: 0.50
                    }
                );
            }
        }
    }
}
