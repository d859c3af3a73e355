//! Bodies of the routes under `/api/v1/tools`.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use utoipa::{IntoParams, ToSchema};

/// All tools that a server offers now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncRequest {
    /// The complete list: a stored tool that is missing here is marked as removed.
    pub tools: Vec<Tool>,
}

/// How to store them. Text here, as in [`ListQuery`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SyncQuery {
    /// `true`: replace the stored vectors of another model, of all servers, instead of answering `mixed_embedding_models`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<bool>)]
    pub reembed: Option<String>,
}

/// The definition of one tool, as `tools/list` of the Model Context Protocol gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "read_file",
    "description": "Read the complete contents of a file",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    "output_schema": null
}))]
pub struct Tool {
    /// 1 to 256 letters, digits, `_`, `-` or `.`; unique within the server.
    pub name: String,
    /// What it does. Searched together with the name.
    #[serde(default)]
    pub description: Option<String>,
    /// JSON Schema of the arguments: an object.
    #[schema(value_type = Object)]
    pub input_schema: Value,
    /// JSON Schema of the result: an object or null.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub output_schema: Option<Value>,
}

/// What a sync changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "inserted": 2, "updated": 0, "unchanged": 12, "removed": 1,
    "rejected": [{"name": "bad:name", "reason": "invalid_tool_name: …"}]
}))]
pub struct SyncAnswer {
    /// Tools that are new.
    pub inserted: u64,
    /// Tools whose definition changed, or that came back.
    pub updated: u64,
    /// Tools that are as they were: no row was written for them.
    pub unchanged: u64,
    /// Tools that the server no longer offers: kept, but no longer found.
    pub removed: u64,
    /// Tools that could not be stored. The others were.
    pub rejected: Vec<Rejected>,
}

/// A tool that was not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rejected {
    /// Its name as it was sent.
    pub name: String,
    /// Why, starting with a stable code.
    pub reason: String,
}

/// A search by text or by vector: exactly one of `query` and `embedding`.
///
/// Numbers and the vector are kept as they were written and are read by the handler, so that each bad value gets its own code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"query": "read a file", "limit": 5, "server_ids": ["filesystem"]}))]
pub struct SearchBody {
    /// What the tool should do, in words. Blank: an empty answer.
    #[serde(default)]
    pub query: Option<String>,
    /// 1,024 finite numbers, not all zero.
    #[serde(default)]
    #[schema(value_type = Option<Vec<f32>>)]
    pub embedding: Option<Box<RawValue>>,
    /// The most results, 1 to 500.
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 500)]
    pub limit: Option<Box<RawValue>>,
    /// Results below this score (0 to 1, inclusive) are left out.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1)]
    pub min_score: Option<Box<RawValue>>,
    /// Only tools of these servers. Empty or missing: all servers.
    #[serde(default)]
    pub server_ids: Option<Vec<String>>,
}

/// Tools that match, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchAnswer {
    /// Ordered by score, ties by `tool_id`.
    pub results: Vec<ToolHit>,
}

/// A tool that matches a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "tool_id": "filesystem:read_file",
    "server_id": "filesystem",
    "name": "read_file",
    "description": "Read the complete contents of a file",
    "score": 0.83,
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}
}))]
pub struct ToolHit {
    /// `server_id:name`.
    pub tool_id: String,
    /// The server that offers it.
    pub server_id: String,
    /// Its name on that server.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// Cosine similarity, -1 to 1; 0.5 for every literal match when no embedding could be made of the query.
    pub score: f64,
    /// JSON Schema of the arguments.
    #[schema(value_type = Object)]
    pub input_schema: Value,
}

/// A stored tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "tool_id": "filesystem:read_file",
    "server_id": "filesystem",
    "name": "read_file",
    "description": "Read the complete contents of a file",
    "input_schema": {"type": "object"},
    "output_schema": null,
    "kind": "mcp",
    "cached_at": "2026-11-21T09:00:00Z",
    "updated_at": "2026-11-21T09:00:00Z",
    "removed_at": null
}))]
pub struct StoredTool {
    /// `server_id:name`.
    pub tool_id: String,
    /// The server that offers it.
    pub server_id: String,
    /// Its name on that server.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// JSON Schema of the arguments.
    #[schema(value_type = Object)]
    pub input_schema: Value,
    /// JSON Schema of the result.
    #[schema(value_type = Option<Object>)]
    pub output_schema: Option<Value>,
    /// `mcp`, `operation` (built in) or `unresolved` (seen in a workflow, not yet synced).
    pub kind: String,
    /// When the definition was last stored.
    pub cached_at: DateTime<Utc>,
    /// When the row was last changed.
    pub updated_at: DateTime<Utc>,
    /// Since when the server no longer offers it; null while it does.
    pub removed_at: Option<DateTime<Utc>>,
}

/// Which tools to list, and which part of the list. Everything is text here: the handler reads it, so that each bad value gets
/// its own code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only tools of this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "filesystem")]
    pub server_id: Option<String>,
    /// Only tools of this kind: `mcp`, `operation` or `unresolved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `true`: also tools that their server no longer offers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<bool>)]
    pub include_removed: Option<String>,
    /// The most items, 1 to 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<String>,
    /// `next_cursor` of the part before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl fmt::Display for SyncAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            inserted,
            updated,
            unchanged,
            removed,
            rejected,
        } = self;
        let rejected = rejected.len();
        write!(
            formatter,
            "{inserted} inserted, {updated} updated, {unchanged} unchanged, {removed} removed, {rejected} rejected"
        )
    }
}
