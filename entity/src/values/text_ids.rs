//! Identifiers that are text: tools and their servers, and the workflow bookkeeping of older systems.

use sea_orm::prelude::Uuid;

use super::text_value::text_value;

/// Longest server id, tool name or free-text id, in characters.
pub const MAX_ID_CHARS: usize = 256;

/// The rule that a text id breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidId {
    /// Nothing was given.
    #[error("{part} is empty")]
    Empty {
        /// Which part of the id.
        part: &'static str,
    },
    /// More than [`MAX_ID_CHARS`] characters.
    #[error("{part} has {chars} characters, more than {MAX_ID_CHARS}")]
    TooLong {
        /// Which part of the id.
        part: &'static str,
        /// Its length.
        chars: usize,
    },
    /// A character outside the allowed set.
    #[error("{part} contains {found:?}, which is not allowed")]
    ForbiddenCharacter {
        /// Which part of the id.
        part: &'static str,
        /// The first offending character.
        found: char,
    },
    /// A tool id without the colon between server and name.
    #[error("tool id has no colon: expected server_id:name")]
    MissingColon,
}

/// Checks length and characters of one part of an id.
fn check_part(
    part: &'static str,
    text: &str,
    allowed: impl Fn(char) -> bool,
) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::Empty { part });
    }
    if let Some(found) = text.chars().find(|c| !allowed(*c)) {
        return Err(InvalidId::ForbiddenCharacter { part, found });
    }
    let chars = text.chars().count();
    if chars > MAX_ID_CHARS {
        return Err(InvalidId::TooLong { part, chars });
    }
    Ok(())
}

/// The characters of a server id and of a tool name. No colon: it separates the two.
fn is_tool_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

fn check_server_id(text: &str) -> Result<(), InvalidId> {
    check_part("server id", text, is_tool_character)
}

fn check_tool_id(text: &str) -> Result<(), InvalidId> {
    let (server, name) = text.split_once(':').ok_or(InvalidId::MissingColon)?;
    check_server_id(server)?;
    ToolId::check_name(name)
}

fn check_free_text(text: &str) -> Result<(), InvalidId> {
    check_part("id", text, |c| !c.is_control())
}

text_value! {
    /// A tool server, or the prefix of built-in operations (`code`, `loop`): 1–256 characters of `A-Z a-z 0-9 _ . -`.
    ServerId, InvalidId, check_server_id
}

text_value! {
    /// A tool: `{server_id}:{name}`, both parts 1–256 characters of `A-Z a-z 0-9 _ . -`.
    ///
    /// Ids that older systems stored may break the rule. They can be read from the database, never built.
    ToolId, InvalidId, check_tool_id
}

text_value! {
    /// A saved state of a workflow (`workflow_checkpoint.id`): 1–256 characters, none of them a control character.
    CheckpointId, InvalidId, check_free_text
}

text_value! {
    /// An episodic event (`episodic_events.id`): 1–256 characters, none of them a control character.
    EpisodeId, InvalidId, check_free_text
}

text_value! {
    /// A running or finished workflow. It names no table: its live state is ephemeral, its traces carry their own ids.
    /// 1–256 characters, none of them a control character.
    WorkflowId, InvalidId, check_free_text
}

impl ServerId {
    /// The id of the tool with this name on the server.
    ///
    /// # Errors
    /// The rule that the name breaks.
    pub fn tool(&self, name: &str) -> Result<ToolId, InvalidId> {
        ToolId::from_parts(self.as_str(), name)
    }
}

impl ToolId {
    /// Joins a server id and a tool name.
    ///
    /// # Errors
    /// The rule that either part breaks.
    pub fn from_parts(server_id: &str, name: &str) -> Result<Self, InvalidId> {
        check_server_id(server_id)?;
        Self::check_name(name)?;
        Ok(Self(format!("{server_id}:{name}")))
    }

    /// Checks a tool name alone: 1–256 characters of `A-Z a-z 0-9 _ . -`.
    ///
    /// # Errors
    /// The rule that the name breaks.
    pub fn check_name(name: &str) -> Result<(), InvalidId> {
        check_part("tool name", name, is_tool_character)
    }

    /// Takes an id as an older system stored it, whatever its form. For reading stored edges and rows, never for new tools.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether the id follows the rule; false only for what an older system stored.
    pub fn is_well_formed(&self) -> bool {
        check_tool_id(&self.0).is_ok()
    }

    /// The part before the first colon; the whole id if it has none.
    pub fn server_id(&self) -> &str {
        self.0
            .split_once(':')
            .map_or(self.0.as_str(), |(server, _)| server)
    }

    /// The part after the first colon; the whole id if it has none.
    pub fn name(&self) -> &str {
        self.0
            .split_once(':')
            .map_or(self.0.as_str(), |(_, name)| name)
    }
}

/// Gives an id type a source of fresh values.
macro_rules! generated {
    ($($name:ident),+) => {$(
        impl $name {
            /// A fresh id: a time-ordered UUID (version 7) as text.
            pub fn generate() -> Self {
                Self(Uuid::now_v7().to_string())
            }
        }
    )+};
}

generated!(CheckpointId, EpisodeId, WorkflowId);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sea_orm::Value;
    use sea_orm::sea_query::{ColumnType, ValueType};

    use super::*;

    #[test]
    fn a_tool_id_needs_both_parts_and_one_colon() {
        assert_eq!(ToolId::new("files"), Err(InvalidId::MissingColon));
        assert_eq!(
            ToolId::new(":read"),
            Err(InvalidId::Empty { part: "server id" })
        );
        assert_eq!(
            ToolId::new("files:"),
            Err(InvalidId::Empty { part: "tool name" })
        );
        assert_eq!(
            ToolId::new("files:read:all"),
            Err(InvalidId::ForbiddenCharacter {
                part: "tool name",
                found: ':'
            })
        );
        assert_eq!(
            ToolId::from_parts("files", &"x".repeat(300)),
            Err(InvalidId::TooLong {
                part: "tool name",
                chars: 300
            })
        );
        assert!(ToolId::from_parts(&"s".repeat(256), &"n".repeat(256)).is_ok());
        assert!(ToolId::from_parts("files", "lire_é").is_err());
    }

    #[test]
    fn a_legacy_tool_id_can_be_read_but_not_built() {
        for legacy in [
            "mcp__files__read",
            "pml.mcp.files.read",
            "",
            "a:b:c",
            "has space:x",
        ] {
            assert!(ToolId::new(legacy).is_err());
            assert!(serde_json::from_value::<ToolId>(serde_json::json!(legacy)).is_err());
            let read = <ToolId as ValueType>::try_from(Value::from(legacy)).unwrap();
            assert_eq!(read.as_str(), legacy);
            assert!(!read.is_well_formed());
        }
        assert_eq!(ToolId::from_stored("a:b:c").name(), "b:c");
        assert_eq!(ToolId::from_stored("plain").server_id(), "plain");
    }

    #[test]
    fn free_text_ids_refuse_control_characters_and_emptiness() {
        assert!(WorkflowId::new("").is_err());
        assert!(WorkflowId::new("a\0b").is_err());
        assert!(WorkflowId::new("run 7 / é").is_ok());
        assert!(EpisodeId::generate() < EpisodeId::generate());
    }

    #[test]
    fn text_ids_are_text_columns() {
        assert_eq!(<ToolId as ValueType>::column_type(), ColumnType::Text);
        assert_eq!(<WorkflowId as ValueType>::column_type(), ColumnType::Text);
    }

    proptest! {
        #[test]
        fn tool_ids_round_trip(server in "[A-Za-z0-9_.-]{1,40}", name in "[A-Za-z0-9_.-]{1,40}") {
            let id = ServerId::new(server.clone()).unwrap().tool(&name).unwrap();
            prop_assert_eq!(id.server_id(), server);
            prop_assert_eq!(id.name(), name);
            prop_assert!(id.is_well_formed());
            prop_assert_eq!(&id.as_str().parse::<ToolId>().unwrap(), &id);
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<ToolId>(&json).unwrap(), id);
        }

        #[test]
        fn no_text_makes_a_tool_id_that_breaks_the_rule(text in ".{0,40}") {
            if let Ok(id) = ToolId::new(text) {
                prop_assert!(id.is_well_formed());
                prop_assert_eq!(ToolId::from_parts(id.server_id(), id.name()).unwrap(), id);
            }
        }
    }
}
