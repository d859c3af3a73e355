//! `pml tools show`: everything about one tool.

use std::fmt::Write;

use serde_json::Value;

use super::super::{
    backend::Backend,
    exit::Failure,
    output::{self, Format},
};
use crate::wire::tools::StoredTool;

/// Prints one tool.
///
/// # Errors
/// [`Failure`] when there is no such tool, or the database cannot be had.
pub async fn run(backend: &Backend, tool_id: &str, format: Format) -> Result<(), Failure> {
    format.print(&backend.get_tool(tool_id).await?, card)
}

fn card(tool: &StoredTool) -> String {
    let mut rows = vec![
        ["tool".to_owned(), tool.tool_id.clone()],
        ["kind".to_owned(), tool.kind.clone()],
        [
            "description".to_owned(),
            tool.description.clone().unwrap_or_default(),
        ],
        ["arguments".to_owned(), arguments(&tool.input_schema)],
        ["stored".to_owned(), output::time(tool.cached_at)],
        ["changed".to_owned(), output::time(tool.updated_at)],
    ];
    if let Some(removed_at) = tool.removed_at {
        rows.push(["removed".to_owned(), output::time(removed_at)]);
    }
    let mut text = output::table(["field", "value"], rows);
    for (title, schema) in [
        ("input_schema", Some(&tool.input_schema)),
        ("output_schema", tool.output_schema.as_ref()),
    ] {
        if let Some(schema) = schema {
            let _ = write!(text, "\n\n{title}:\n{schema:#}");
        }
    }
    text
}

/// The arguments of a tool in one line each: name, type, and whether they must be given.
fn arguments(schema: &Value) -> String {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return "none".to_owned();
    };
    let required = schema.get("required").and_then(Value::as_array);
    let lines = properties.iter().map(|(name, property)| {
        let kind = property
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("any");
        let must = required.is_some_and(|required| required.iter().any(|entry| entry == name));
        format!("{name}: {kind}{}", if must { "" } else { " (optional)" })
    });
    lines.collect::<Vec<_>>().join("\n")
}
