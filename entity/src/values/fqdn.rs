//! The full name of a capability.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::hashes::{CodeHash, ShortHash};

/// A part of a full name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FqdnPart {
    /// The organisation; `local` when there is none.
    Org,
    /// The project; `default` when there is none.
    Project,
    /// What the capability is about.
    Namespace,
    /// What it does.
    Action,
    /// The first four digits of its code hash.
    Hash,
}

impl fmt::Display for FqdnPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Org => "org",
            Self::Project => "project",
            Self::Namespace => "namespace",
            Self::Action => "action",
            Self::Hash => "hash",
        })
    }
}

/// Why a text is no full name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidFqdn {
    /// Too few or too many dots.
    #[error("expected 5 parts separated by dots, found {found}")]
    PartCount {
        /// How many parts the text has; 0 for the empty text.
        found: usize,
    },
    /// A part that breaks its rule.
    #[error("invalid {part} component: {text:?}")]
    Part {
        /// Which one.
        part: FqdnPart,
        /// What it holds.
        text: String,
    },
}

/// The full name of a capability: `org.project.namespace.action.hash`, for example `local.default.fs.read_json.a7f3`.
///
/// The first four parts match `[A-Za-z_][A-Za-z0-9_-]*`, the last is a [`ShortHash`]. Case matters. Because no part holds a
/// dot, text and parts determine each other. The parts are stored; the full name is always computed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fqdn {
    org: String,
    project: String,
    namespace: String,
    action: String,
    hash: ShortHash,
}

impl Fqdn {
    /// Organisation of a capability that belongs to nobody in particular.
    pub const LOCAL_ORG: &'static str = "local";
    /// Project of a capability that belongs to none in particular.
    pub const DEFAULT_PROJECT: &'static str = "default";

    /// Builds a name from its parts.
    ///
    /// # Errors
    /// [`InvalidFqdn::Part`] names the first part that breaks the rule.
    pub fn new(
        org: impl Into<String>,
        project: impl Into<String>,
        namespace: impl Into<String>,
        action: impl Into<String>,
        hash: ShortHash,
    ) -> Result<Self, InvalidFqdn> {
        // A hash that was read from a row is unchecked.
        if ShortHash::new(hash.as_str()).is_err() {
            return Err(InvalidFqdn::Part {
                part: FqdnPart::Hash,
                text: hash.into_string(),
            });
        }
        Ok(Self {
            org: checked(FqdnPart::Org, org.into())?,
            project: checked(FqdnPart::Project, project.into())?,
            namespace: checked(FqdnPart::Namespace, namespace.into())?,
            action: checked(FqdnPart::Action, action.into())?,
            hash,
        })
    }

    /// Names a capability that nobody in particular owns, by the hash of its code.
    ///
    /// # Errors
    /// [`InvalidFqdn::Part`] names the first part that breaks the rule.
    pub fn local(
        namespace: impl Into<String>,
        action: impl Into<String>,
        code: &CodeHash,
    ) -> Result<Self, InvalidFqdn> {
        Self::new(
            Self::LOCAL_ORG,
            Self::DEFAULT_PROJECT,
            namespace,
            action,
            code.short(),
        )
    }

    /// Whether the text may stand as org, project, namespace or action.
    pub fn is_component(text: &str) -> bool {
        let mut bytes = text.bytes();
        bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
            && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
    }

    /// The organisation.
    pub fn org(&self) -> &str {
        &self.org
    }

    /// The project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// What the capability is about.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What it does.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The first four digits of its code hash.
    pub fn hash(&self) -> &ShortHash {
        &self.hash
    }

    /// The name that people see and type: `namespace:action`.
    pub fn display_name(&self) -> String {
        format!("{}:{}", self.namespace, self.action)
    }

    /// Whether the capability lives in this organisation and project.
    pub fn belongs_to(&self, org: &str, project: &str) -> bool {
        self.org == org && self.project == project
    }
}

fn checked(part: FqdnPart, text: String) -> Result<String, InvalidFqdn> {
    if Fqdn::is_component(&text) {
        Ok(text)
    } else {
        Err(InvalidFqdn::Part { part, text })
    }
}

impl fmt::Display for Fqdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{}.{}.{}.{}",
            self.org, self.project, self.namespace, self.action, self.hash
        )
    }
}

impl FromStr for Fqdn {
    type Err = InvalidFqdn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('.').collect();
        let [org, project, namespace, action, hash] = parts[..] else {
            let found = if text.is_empty() { 0 } else { parts.len() };
            return Err(InvalidFqdn::PartCount { found });
        };
        let hash = ShortHash::new(hash).map_err(|_| InvalidFqdn::Part {
            part: FqdnPart::Hash,
            text: hash.to_owned(),
        })?;
        Self::new(org, project, namespace, action, hash)
    }
}

impl TryFrom<String> for Fqdn {
    type Error = InvalidFqdn;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fqdn> for String {
    fn from(fqdn: Fqdn) -> Self {
        fqdn.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_example_parses() {
        let fqdn: Fqdn = "local.default.fs.read_json.a7f3".parse().unwrap();
        assert_eq!(fqdn.org(), "local");
        assert_eq!(fqdn.project(), "default");
        assert_eq!(fqdn.display_name(), "fs:read_json");
        assert_eq!(fqdn.hash().as_str(), "a7f3");
        assert!(fqdn.belongs_to("local", "default"));
        assert!(!fqdn.belongs_to("Local", "default"));
    }

    #[test]
    fn a_wrong_number_of_parts_is_counted() {
        assert_eq!("".parse::<Fqdn>(), Err(InvalidFqdn::PartCount { found: 0 }));
        assert_eq!(
            "a.b.c.d".parse::<Fqdn>(),
            Err(InvalidFqdn::PartCount { found: 4 })
        );
        assert_eq!(
            "a.b.c.d.a7f3.x".parse::<Fqdn>(),
            Err(InvalidFqdn::PartCount { found: 6 })
        );
    }

    #[test]
    fn the_error_names_the_part() {
        let part = |text: &str| match text.parse::<Fqdn>() {
            Err(InvalidFqdn::Part { part, .. }) => part,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(part("1a.b.c.d.a7f3"), FqdnPart::Org);
        assert_eq!(part("a.b b.c.d.a7f3"), FqdnPart::Project);
        assert_eq!(part("a.b..d.a7f3"), FqdnPart::Namespace);
        assert_eq!(part("a.b.c.-d.a7f3"), FqdnPart::Action);
        assert_eq!(part("a.b.c.d.A7F3"), FqdnPart::Hash);
        assert_eq!(part("a.b.c.d.a7f"), FqdnPart::Hash);
        assert_eq!(
            "a.b.é.d.a7f3".parse::<Fqdn>().unwrap_err().to_string(),
            "invalid namespace component: \"é\""
        );
    }

    #[test]
    fn a_local_name_takes_the_first_digits_of_the_code_hash() {
        let code = CodeHash::of("");
        assert_eq!(
            Fqdn::local("fs", "noop", &code).unwrap().to_string(),
            "local.default.fs.noop.e3b0"
        );
    }

    prop_compose! {
        fn component()(text in "[A-Za-z_][A-Za-z0-9_-]{0,12}") -> String { text }
    }

    proptest! {
        #[test]
        fn names_round_trip(
            org in component(), project in component(), namespace in component(), action in component(),
            hash in "[0-9a-f]{4}",
        ) {
            let fqdn = Fqdn::new(org, project, namespace, action, ShortHash::new(hash).unwrap()).unwrap();
            prop_assert_eq!(&fqdn.to_string().parse::<Fqdn>().unwrap(), &fqdn);
            let json = serde_json::to_string(&fqdn).unwrap();
            prop_assert_eq!(serde_json::from_str::<Fqdn>(&json).unwrap(), fqdn);
        }

        #[test]
        fn whatever_parses_prints_as_it_was(text in "[A-Za-z0-9_.-]{0,30}") {
            if let Ok(fqdn) = text.parse::<Fqdn>() {
                prop_assert_eq!(fqdn.to_string(), text);
            }
        }
    }
}
