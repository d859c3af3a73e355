//! How people point at a capability, and which one they mean.
//!
//! One resolver for every entry point, by spec of capabilities, section 9 with its recommendation.

mod resolve;
mod statements;

use std::fmt;
use std::str::FromStr;

use pml_entity::values::{CapabilityId, Fqdn, FqdnPart, InvalidFqdn};

pub use resolve::{Resolved, resolve, resolve_for_change, resolve_many};

use super::CapabilityError;

/// No reference is longer, in characters.
pub(super) const MAX_CHARS: usize = 300;
/// Length of a UUID in its usual form, the only one that is taken for one.
const UUID_CHARS: usize = 36;

/// What stands for a capability in a call: five forms of one text.
///
/// | form | example |
/// |---|---|
/// | registry id, in any case | `6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f` |
/// | full name | `local.default.fs.read_json.a7f3` |
/// | full name without the hash | `local.default.fs.read_json` |
/// | name in the caller's project, else in their organisation, else anywhere they can see | `fs:read_json` |
/// | action, if only one namespace there has it | `read_json` |
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// The entry with this id.
    Id(CapabilityId),
    /// The entry with this full name, as long as its code is the one that the hash stands for.
    Fqdn(Fqdn),
    /// The entry with this full name, whatever its code is now.
    Path {
        /// Organisation.
        org: String,
        /// Project.
        project: String,
        /// Namespace.
        namespace: String,
        /// Action.
        action: String,
    },
    /// The entry that the caller knows by this name.
    Name {
        /// Namespace: what stands before the first colon.
        namespace: String,
        /// Action: what stands behind it.
        action: String,
    },
    /// The entry that the caller knows by this action.
    Action(String),
}

impl Reference {
    /// Names the entry with this id.
    pub fn id(id: CapabilityId) -> Self {
        Self::Id(id)
    }
}

impl From<CapabilityId> for Reference {
    fn from(id: CapabilityId) -> Self {
        Self::Id(id)
    }
}

impl From<Fqdn> for Reference {
    fn from(fqdn: Fqdn) -> Self {
        Self::Fqdn(fqdn)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Fqdn(fqdn) => fqdn.fmt(f),
            Self::Path {
                org,
                project,
                namespace,
                action,
            } => write!(f, "{org}.{project}.{namespace}.{action}"),
            Self::Name { namespace, action } => write!(f, "{namespace}:{action}"),
            Self::Action(action) => f.write_str(action),
        }
    }
}

/// Reads any of the five forms. A text with a dot is a full name or nothing; names without one are taken as they stand, because older
/// systems stored names that break today's rules.
impl FromStr for Reference {
    type Err = CapabilityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || CapabilityError::InvalidReference(text.chars().take(100).collect());
        if text.trim().is_empty() || text.contains('\0') || text.chars().count() > MAX_CHARS {
            return Err(refused());
        }
        if text.len() == UUID_CHARS
            && let Ok(id) = text.parse()
        {
            return Ok(Self::Id(id));
        }
        if text.contains('.') {
            return Ok(full_name(text)?);
        }
        match text.split_once(':') {
            None | Some(("", _)) => Ok(Self::Action(text.to_owned())),
            Some((namespace, action)) if is_blank(namespace) || is_blank(action) => Err(refused()),
            Some((namespace, action)) => Ok(Self::Name {
                namespace: namespace.to_owned(),
                action: action.to_owned(),
            }),
        }
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn full_name(text: &str) -> Result<Reference, InvalidFqdn> {
    let parts: Vec<&str> = text.split('.').collect();
    let [org, project, namespace, action] = parts[..] else {
        return text.parse().map(Reference::Fqdn);
    };
    let part = |part: FqdnPart, text: &str| {
        if Fqdn::is_component(text) {
            Ok(text.to_owned())
        } else {
            let text = text.to_owned();
            Err(InvalidFqdn::Part { part, text })
        }
    };
    Ok(Reference::Path {
        org: part(FqdnPart::Org, org)?,
        project: part(FqdnPart::Project, project)?,
        namespace: part(FqdnPart::Namespace, namespace)?,
        action: part(FqdnPart::Action, action)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Reference {
        text.parse().unwrap()
    }

    fn code(text: &str) -> &'static str {
        text.parse::<Reference>().unwrap_err().code()
    }

    #[test]
    fn a_uuid_is_an_id_in_any_case() {
        let id = "6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f";
        assert_eq!(parse(id), Reference::Id(id.parse().unwrap()));
        assert_eq!(parse(&id.to_uppercase()), parse(id));
        // Only the usual form is one: 32 digits may be an action.
        let digits = id.replace('-', "");
        assert_eq!(parse(&digits), Reference::Action(digits.clone()));
    }

    /// AT-23.
    #[test]
    fn five_parts_are_a_full_name_and_four_are_one_without_hash() {
        let Reference::Fqdn(fqdn) = parse("local.default.fs.read_json.a7f3") else {
            panic!("not a full name");
        };
        assert_eq!(fqdn.action(), "read_json");
        assert_eq!(fqdn.hash().as_str(), "a7f3");
        let Reference::Path {
            org,
            project,
            namespace,
            action,
        } = parse("local.default.fs.read_json")
        else {
            panic!("not a path");
        };
        assert_eq!(
            [org, project, namespace, action],
            ["local", "default", "fs", "read_json"]
        );
    }

    /// AT-25.
    #[test]
    fn another_number_of_parts_is_counted_in_the_error() {
        let parts = |text: &str| text.parse::<Reference>().unwrap_err();
        let wrong = |found| CapabilityError::InvalidFqdn(InvalidFqdn::PartCount { found });
        assert_eq!(parts("org.project.namespace"), wrong(3));
        assert_eq!(parts("fs.read"), wrong(2));
        assert_eq!(parts("a.b.c.d.a7f3.x"), wrong(6));
        assert!(
            parts("org.project.namespace")
                .to_string()
                .contains("expected 5 parts")
        );
    }

    #[test]
    fn the_error_names_the_part_that_is_wrong() {
        for text in ["a.b.1c.d", "a.b.1c.d.a7f3"] {
            assert_eq!(
                text.parse::<Reference>().unwrap_err(),
                CapabilityError::InvalidFqdn(InvalidFqdn::Part {
                    part: FqdnPart::Namespace,
                    text: "1c".to_owned()
                })
            );
        }
        assert_eq!(code("a.b.c.d.A7F3"), "invalid_fqdn");
        // Neither is taken for a name.
        assert_eq!(code("v1.2:read"), "invalid_fqdn");
    }

    #[test]
    fn the_first_colon_ends_the_namespace() {
        let name = |namespace: &str, action: &str| Reference::Name {
            namespace: namespace.to_owned(),
            action: action.to_owned(),
        };
        assert_eq!(parse("fs:read"), name("fs", "read"));
        assert_eq!(parse("a:b:c"), name("a", "b:c"));
        assert_eq!(parse("my ns:do it"), name("my ns", "do it"));
        assert_eq!(parse(":read"), Reference::Action(":read".to_owned()));
        assert_eq!(parse("read"), Reference::Action("read".to_owned()));
    }

    #[test]
    fn blank_null_and_overlong_texts_are_refused() {
        for bad in [
            "",
            "  ",
            "\t\n",
            "a\0b",
            "fs:",
            "fs: ",
            " :x",
            &"é".repeat(301),
        ] {
            assert_eq!(code(bad), "invalid_reference", "{bad:?}");
        }
        assert!("é".repeat(300).parse::<Reference>().is_ok());
    }

    proptest! {
        #[test]
        fn whatever_is_read_prints_as_it_was(text in any::<String>()) {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference.clone());
                if !matches!(reference, Reference::Id(_)) {
                    prop_assert_eq!(reference.to_string(), text);
                }
            }
        }

        #[test]
        fn all_that_looks_like_a_reference_prints_as_it_was(text in "[a-zA-Z0-9_:. -]{0,40}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string(), text);
            }
        }

        #[test]
        fn ids_round_trip(bits in any::<u128>()) {
            let id: CapabilityId = sea_orm::prelude::Uuid::from_u128(bits).into();
            prop_assert_eq!(parse(&id.to_string()), Reference::Id(id));
        }

        #[test]
        fn full_names_round_trip(
            parts in proptest::array::uniform4("[A-Za-z_][A-Za-z0-9_-]{0,20}"), hash in "[0-9a-f]{4}",
        ) {
            let path = parts.join(".");
            prop_assert!(matches!(parse(&path), Reference::Path { .. }), "{}", path);
            let fqdn = format!("{path}.{hash}");
            let read = parse(&fqdn);
            prop_assert!(matches!(read, Reference::Fqdn(_)), "{}", fqdn);
            prop_assert_eq!(read.to_string(), fqdn);
        }
    }
}
