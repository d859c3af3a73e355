//! Saving code that ran.

use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;

/// A run to learn from: its code, what it was for, and how it went.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "code": "const text = await mcp.filesystem.read_file({ path: args.path });\nreturn JSON.parse(text);",
    "intent": "read a JSON file",
    "duration_ms": 150,
    "success": true,
    "tools_used": ["filesystem:read_file"],
    "namespace": "fs",
    "action": "read_json",
    "tags": ["files"]
}))]
pub struct SaveBody {
    /// The code as it ran: 1 byte to 512 KiB, more than blanks and comments.
    pub code: String,
    /// What it was for. Its vector is what searches compare with.
    pub intent: String,
    /// How long the run took in milliseconds: 0 or more, rounded to a whole number. Missing: 0.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = 0)]
    pub duration_ms: Option<Box<RawValue>>,
    /// Whether the run succeeded. Missing: it did.
    #[serde(default)]
    pub success: Option<bool>,
    /// Ids of the tools it called, in any spelling.
    #[serde(default)]
    pub tools_used: Option<Vec<String>>,
    /// Its calls in detail: objects with `id`, `tool`, `ts`, `durationMs`, `sequenceIndex`.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>)]
    pub tool_invocations: Option<Vec<Value>>,
    /// What the code does, for people. Missing: the intent. Kept from the first save.
    #[serde(default)]
    pub description: Option<String>,
    /// Vector of the intent: 1,024 finite numbers, not all zero. Missing: the server makes it.
    #[serde(default)]
    #[schema(value_type = Option<Vec<f32>>)]
    pub embedding: Option<Box<RawValue>>,
    /// Namespace of its name: together with `action`, or neither. Without a name one is made up.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Action of its name.
    #[serde(default)]
    pub action: Option<String>,
    /// `private` (the default), `project`, `org` or `public`.
    #[serde(default)]
    pub visibility: Option<String>,
    /// Labels.
    #[serde(default)]
    pub tags: Option<Vec<String>>,
    /// `local` or `cloud`. Missing: as its tools allow.
    #[serde(default)]
    pub routing: Option<String>,
    /// What static analysis found in the code: an object with `nodes` and `edges`. With a node it decides the code's hash.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub static_structure: Option<Value>,
    /// JSON Schema of its arguments: an object. Missing: the stored one is kept.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub parameters_schema: Option<Value>,
}

/// What stands after a save.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a1b2-0000-7000-8000-000000000001",
    "pattern_id": "0199a1b2-0000-7000-8000-000000000002",
    "fqdn": "local.default.fs.read_json.3f41",
    "display_name": "fs:read_json",
    "created": true,
    "usage_count": 1,
    "success_count": 1,
    "success_rate": 1.0,
    "avg_duration_ms": 150,
    "hierarchy_level": 1,
    "permission_set": "readonly",
    "permission_confidence": 0.9,
    "trace_id": "0199a1b2-0000-7000-8000-000000000003",
    "replayed": false,
    "warnings": []
}))]
pub struct SaveAnswer {
    /// The capability: what every other route takes.
    pub id: Uuid,
    /// Its code, vector and statistics: another id, which other tables refer to.
    pub pattern_id: Uuid,
    /// `org.project.namespace.action.hash`.
    pub fqdn: String,
    /// `namespace:action`.
    pub display_name: String,
    /// Whether the code was new.
    pub created: bool,
    /// Uses so far, this one included.
    pub usage_count: i64,
    /// Successful ones of them.
    pub success_count: i64,
    /// Share of them, 0 to 1.
    pub success_rate: f64,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: i64,
    /// 0: calls nothing. 1: calls tools only. Else one more than the highest capability it calls.
    pub hierarchy_level: i32,
    /// What it may touch.
    pub permission_set: String,
    /// Trust in that set, 0 to 1.
    pub permission_confidence: f64,
    /// The run that was recorded.
    pub trace_id: Uuid,
    /// Whether this run was saved before, under the same `Idempotency-Key`: nothing was counted then.
    pub replayed: bool,
    /// What was left out, in words.
    pub warnings: Vec<String>,
}
