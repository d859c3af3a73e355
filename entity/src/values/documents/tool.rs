//! What is stored beside a tool's embedding.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Extra;

/// `tool_embedding.metadata`: what the vector was made from, for display and for finding out who wrote it.
///
/// Older writers stored three shapes: the full definition, a bare description, or a category for built-in operations. All
/// read into this one. Whether a vector is up to date is told by the row's content hash, not by this document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolEmbeddingMetadata {
    /// The text that was embedded, or the description it starts with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who wrote the row: `workflow_sync`, `pure_operations`; absent for a server sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The group of a built-in operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The definition that was current then: `inputSchema` and `outputSchema`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// When the vector was made, as the writer spelt it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated_at: Option<String>,
    /// Every other key.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ToolEmbeddingMetadata {
    /// Source of rows for tools that a workflow names.
    pub const WORKFLOW_SYNC: &'static str = "workflow_sync";
    /// Source of rows for built-in operations.
    pub const PURE_OPERATIONS: &'static str = "pure_operations";

    /// The metadata of a vector made from this description.
    pub fn described(description: impl Into<String>) -> Self {
        Self {
            description: Some(description.into()),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_shape_of_the_older_writers_round_trips() {
        for stored in [
            json!({"description": "reads", "schema": {"inputSchema": {}}, "generated_at": "2025-12-01T00:00:00Z"}),
            json!({"description": "adds", "category": "math", "source": "pure_operations"}),
            json!({"source": "workflow_sync", "future": [1, 2]}),
            json!({}),
        ] {
            let read: ToolEmbeddingMetadata = serde_json::from_value(stored.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), stored);
        }
        let nulls: ToolEmbeddingMetadata =
            serde_json::from_value(json!({"description": null})).unwrap();
        assert_eq!(nulls, ToolEmbeddingMetadata::default());
    }
}
