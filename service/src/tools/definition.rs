//! A tool as its server describes it, and what makes a description acceptable.

use std::collections::HashSet;

use pml_entity::values::{ContentHash, ServerId, ToolId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Error;

/// Characters of a bad name that are repeated in a report.
const SHOWN_CHARS: usize = 80;

/// A tool as a server offers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolDefinition {
    /// Its name on the server: 1–256 characters of `A-Z a-z 0-9 _ . -`.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: Option<String>,
    /// JSON Schema of its arguments; an object.
    pub input_schema: Value,
    /// JSON Schema of its result; an object.
    #[serde(default)]
    pub output_schema: Option<Value>,
}

/// A tool that was not stored, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// The name it came with, cut when it is long.
    pub name: String,
    /// A stable word (`invalid_tool_name`, `invalid_schema`, `invalid_description`, `duplicate`, `reserved`), a colon, and what is wrong.
    pub reason: String,
}

impl Rejected {
    pub(super) fn new(name: &str, code: &str, problem: &str) -> Self {
        let mut shown: String = name.chars().take(SHOWN_CHARS).collect();
        if shown.len() < name.len() {
            shown.push('…');
        }
        Self {
            name: shown,
            reason: format!("{code}: {problem}"),
        }
    }
}

/// Checks a server id: 1–256 characters of `A-Z a-z 0-9 _ . -`.
///
/// # Errors
/// [`Error::InvalidServerId`], which says what is wrong.
pub fn validate_server_id(server_id: &str) -> Result<ServerId, Error> {
    ServerId::new(server_id).map_err(|error| Error::InvalidServerId(error.to_string()))
}

/// A definition that can be stored, with everything derived from it.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    pub(super) id: ToolId,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) input_schema: Value,
    pub(super) output_schema: Option<Value>,
    /// Hash of the whole definition.
    pub(super) hash: ContentHash,
}

impl Accepted {
    /// What is embedded: name and description, without empty parts. Parameters are left out on purpose.
    pub(super) fn text(&self) -> String {
        embedded_text(&self.name, self.description.as_deref())
    }
}

/// Name and description joined by ` | `; empty parts are dropped.
pub(super) fn embedded_text(name: &str, description: Option<&str>) -> String {
    let parts = [name.trim(), description.unwrap_or_default().trim()];
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" | ")
}

/// Sorts good definitions from bad ones. Of two with one name the first counts.
pub(super) fn sort(
    server: &ServerId,
    offered: Vec<ToolDefinition>,
) -> (Vec<Accepted>, Vec<Rejected>) {
    let mut accepted: Vec<Accepted> = Vec::with_capacity(offered.len());
    let mut rejected = Vec::new();
    let mut seen = HashSet::with_capacity(offered.len());
    for definition in offered {
        let name = definition.name.clone();
        match accept(server, definition) {
            Err((code, problem)) => rejected.push(Rejected::new(&name, code, &problem)),
            Ok(tool) => {
                if seen.insert(name.clone()) {
                    accepted.push(tool);
                } else {
                    rejected.push(Rejected::new(
                        &name,
                        "duplicate",
                        "the server offers this name more than once; the first counts",
                    ));
                }
            }
        }
    }
    (accepted, rejected)
}

fn accept(
    server: &ServerId,
    definition: ToolDefinition,
) -> Result<Accepted, (&'static str, String)> {
    let ToolDefinition {
        name,
        description,
        input_schema,
        output_schema,
    } = definition;
    let id = server
        .tool(&name)
        .map_err(|error| ("invalid_tool_name", error.to_string()))?;
    let description = description.filter(|text| !text.trim().is_empty());
    if description
        .as_deref()
        .is_some_and(|text| text.contains('\0'))
    {
        return Err((
            "invalid_description",
            "the description contains a null character".to_owned(),
        ));
    }
    let output_schema = output_schema.filter(|schema| !schema.is_null());
    check_schema("input_schema", &input_schema)?;
    if let Some(schema) = &output_schema {
        check_schema("output_schema", schema)?;
    }
    let hash = content_hash(
        &name,
        description.as_deref(),
        &input_schema,
        output_schema.as_ref(),
    );
    Ok(Accepted {
        id,
        name,
        description,
        input_schema,
        output_schema,
        hash,
    })
}

fn check_schema(part: &str, schema: &Value) -> Result<(), (&'static str, String)> {
    let kind = match schema {
        Value::Object(_) if has_null_character(schema) => {
            return Err((
                "invalid_schema",
                format!("{part} contains a null character, which PostgreSQL cannot store"),
            ));
        }
        Value::Object(_) => return Ok(()),
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
    };
    Err((
        "invalid_schema",
        format!("{part} must be a JSON object, not {kind}"),
    ))
}

fn has_null_character(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_null_character),
        Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| key.contains('\0') || has_null_character(value)),
        _ => false,
    }
}

/// SHA-256 of the definition as JSON with sorted keys, so that the order in which a server writes them changes nothing.
fn content_hash(
    name: &str,
    description: Option<&str>,
    input_schema: &Value,
    output_schema: Option<&Value>,
) -> ContentHash {
    let mut text = String::new();
    write_string(name, &mut text);
    text.push('\n');
    write_string(description.unwrap_or_default(), &mut text);
    text.push('\n');
    write_canonical(input_schema, &mut text);
    text.push('\n');
    write_canonical(output_schema.unwrap_or(&Value::Null), &mut text);
    ContentHash::of(text)
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<_> = fields.keys().collect();
            keys.sort_unstable();
            text.push('{');
            for key in keys {
                write_string(key, text);
                text.push(':');
                write_canonical(&fields[key], text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::String(string) => write_string(string, text),
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn write_string(string: &str, text: &mut String) {
    text.push_str(&Value::from(string).to_string());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn tool(name: &str, input_schema: Value) -> ToolDefinition {
        ToolDefinition {
            name: name.to_owned(),
            description: Some("d".to_owned()),
            input_schema,
            output_schema: None,
        }
    }

    fn outcome(tools: Vec<ToolDefinition>) -> (Vec<Accepted>, Vec<Rejected>) {
        sort(&ServerId::new("files").unwrap(), tools)
    }

    #[test]
    fn one_bad_tool_does_not_spoil_the_others() {
        let (accepted, rejected) = outcome(vec![
            tool("read", json!({"type": "object"})),
            tool("a:b", json!({})),
            tool(&"x".repeat(300), json!({})),
            tool("", json!({})),
            tool("list", json!([])),
            tool("null", json!({"default": "a\u{0}b"})),
            tool("read", json!({})),
        ]);
        assert_eq!(
            accepted
                .iter()
                .map(|tool| tool.id.as_str())
                .collect::<Vec<_>>(),
            ["files:read"]
        );
        let codes: Vec<_> = rejected
            .iter()
            .map(|tool| tool.reason.split(':').next().unwrap())
            .collect();
        assert_eq!(
            codes,
            [
                "invalid_tool_name",
                "invalid_tool_name",
                "invalid_tool_name",
                "invalid_schema",
                "invalid_schema",
                "duplicate"
            ]
        );
        assert!(rejected[1].name.chars().count() <= 81);
    }

    #[test]
    fn the_order_of_keys_does_not_change_the_hash_and_everything_else_does() {
        let hash = |tool| outcome(vec![tool]).0[0].hash.clone();
        let first: Value =
            serde_json::from_str(r#"{"a": 1, "b": {"c": [1, 2], "d": null}}"#).unwrap();
        let second: Value =
            serde_json::from_str(r#"{"b": {"d": null, "c": [1, 2]}, "a": 1}"#).unwrap();
        let base = hash(tool("t", first.clone()));
        assert_eq!(base, hash(tool("t", second)));
        assert_ne!(base, hash(tool("u", first.clone())));
        assert_ne!(
            base,
            hash(tool("t", json!({"a": 1, "b": {"c": [2, 1], "d": null}})))
        );
        assert_ne!(
            base,
            hash(ToolDefinition {
                description: None,
                ..tool("t", first.clone())
            })
        );
        assert_ne!(
            base,
            hash(ToolDefinition {
                output_schema: Some(json!({})),
                ..tool("t", first.clone())
            })
        );
        assert_eq!(
            base,
            hash(ToolDefinition {
                output_schema: Some(Value::Null),
                ..tool("t", first)
            })
        );
    }

    #[test]
    fn empty_parts_are_left_out_of_the_embedded_text() {
        assert_eq!(embedded_text("read", Some("Reads.")), "read | Reads.");
        assert_eq!(embedded_text("read", Some("  ")), "read");
        assert_eq!(embedded_text("read", None), "read");
    }

    #[test]
    fn server_ids_follow_the_rule_of_tool_ids() {
        assert!(validate_server_id("file-system_2.0").is_ok());
        for bad in ["", "a:b", "a b", "ä", &"x".repeat(257)] {
            assert_eq!(
                validate_server_id(bad).unwrap_err().code(),
                "invalid_server_id"
            );
        }
    }
}
