//! Reading and listing capabilities.

use chrono::{DateTime, Utc};
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// How to read one capability.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CapabilityQuery {
    /// `true`: as this server last read it, for as long as the `ttl_ms` of the capability allows. Missing: as it is stored now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<bool>)]
    pub cached: Option<String>,
}

/// Which capabilities to list, in which order, and which part of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CapabilityListQuery {
    /// Only names (`namespace:action`) that match: `*` is any text, `?` any character, and either stands for itself
    /// behind a `\`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "fs:read_*")]
    pub pattern: Option<String>,
    /// Only this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Only this organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// Only this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Only those with this label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only this visibility: `private`, `project`, `org` or `public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
    /// Only those that run there: `local` or `cloud`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<String>,
    /// `true`: only verified ones. `false`: only others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<bool>)]
    pub verified: Option<String>,
    /// Only this community of the graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<i32>)]
    pub community_id: Option<String>,
    /// Only those that succeeded at least that often: 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<f64>, minimum = 0, maximum = 1)]
    pub min_success_rate: Option<String>,
    /// Only those that were used at least so many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<i64>, minimum = 0)]
    pub min_usage: Option<String>,
    /// `true`: only those with a made-up name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<bool>)]
    pub unnamed: Option<String>,
    /// `true`: only the caller's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<bool>)]
    pub mine: Option<String>,
    /// `usage_count` (the default), `name`, `success_rate`, `last_used` or `created_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// `asc` or `desc`. Missing: names upwards, everything else downwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// The most items, 1 to 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<String>,
    /// `next_cursor` of the part before. It belongs to one order and one set of filters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Refused: lists go on with a cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(ignore)]
    pub offset: Option<String>,
}

/// A capability in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a1b2-0000-7000-8000-000000000001",
    "pattern_id": "0199a1b2-0000-7000-8000-000000000002",
    "fqdn": "local.default.fs.read_json.3f41",
    "display_name": "fs:read_json",
    "namespace": "fs",
    "action": "read_json",
    "description": "read a JSON file",
    "visibility": "private",
    "routing": "local",
    "tags": ["files"],
    "tools": ["filesystem:read_file"],
    "verified": false,
    "version": 1,
    "usage_count": 4,
    "success_count": 3,
    "success_rate": 0.75,
    "avg_duration_ms": 150,
    "last_used": "2026-11-21T09:00:00Z",
    "created_at": "2026-11-20T09:00:00Z"
}))]
pub struct CapabilitySummary {
    /// The capability.
    pub id: Uuid,
    /// Its code, vector and statistics. Null: they were deleted.
    pub pattern_id: Option<Uuid>,
    /// `org.project.namespace.action.hash`.
    pub fqdn: String,
    /// `namespace:action`.
    pub display_name: String,
    /// What it is about.
    pub namespace: String,
    /// What it does.
    pub action: String,
    /// What it does, for people.
    pub description: Option<String>,
    /// Who may see it.
    pub visibility: String,
    /// Where it runs.
    pub routing: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Ids of the tools it uses.
    pub tools: Vec<String>,
    /// Whether a signature vouches for it.
    pub verified: bool,
    /// Counts what was registered under this name, from 1.
    pub version: i32,
    /// How often its code was used.
    pub usage_count: i64,
    /// How often it succeeded.
    pub success_count: i64,
    /// Share of them, 0 to 1; 0 before the first use.
    pub success_rate: f64,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: i64,
    /// When it was last used.
    pub last_used: Option<DateTime<Utc>>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

/// Everything about a capability but its vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a1b2-0000-7000-8000-000000000001",
    "pattern_id": "0199a1b2-0000-7000-8000-000000000002",
    "org": "local",
    "project": "default",
    "namespace": "fs",
    "action": "read_json",
    "hash": "3f41",
    "fqdn": "local.default.fs.read_json.3f41",
    "display_name": "fs:read_json",
    "user_id": null,
    "created_by": "local",
    "visibility": "private",
    "routing": "local",
    "tags": ["files"],
    "tools": ["filesystem:read_file"],
    "version": 1,
    "version_tag": "v1.0.0",
    "verified": false,
    "signature": null,
    "created_at": "2026-11-20T09:00:00Z",
    "updated_at": null,
    "description": "read a JSON file",
    "code_hash": "3f41cbb303012f33212c92326b27f6cc604fd414e20315cb10f2be7f1f6bb83c",
    "code_snippet": "const x = 1;",
    "parameters_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
    "cache_config": {"ttl_ms": 3_600_000, "cacheable": true},
    "dag_structure": {"type": "code_execution", "tools_used": ["filesystem:read_file"], "intent_text": "read a JSON file", "tool_invocations": []},
    "source": "emergent",
    "usage_count": 4,
    "success_count": 3,
    "success_rate": 0.75,
    "avg_duration_ms": 150,
    "last_used": "2026-11-21T09:00:00Z",
    "permission_set": "readonly",
    "permission_confidence": 0.9,
    "hierarchy_level": 1,
    "community_id": null,
    "embedding_stale": false,
    "warnings": []
}))]
pub struct CapabilityDetails {
    /// The capability: never changes.
    pub id: Uuid,
    /// Its code, vector and statistics. Null: they were deleted, and all that comes from them is null or 0.
    pub pattern_id: Option<Uuid>,
    /// Organisation.
    pub org: String,
    /// Project.
    pub project: String,
    /// What it is about.
    pub namespace: String,
    /// What it does.
    pub action: String,
    /// First four digits of `code_hash`.
    pub hash: String,
    /// `org.project.namespace.action.hash`.
    pub fqdn: String,
    /// `namespace:action`.
    pub display_name: String,
    /// Its owner. Null: nobody, or the one person of a local installation.
    pub user_id: Option<Uuid>,
    /// Who made it, in words.
    pub created_by: String,
    /// `private`, `project`, `org` or `public`.
    pub visibility: String,
    /// `local` or `cloud`.
    pub routing: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Ids of the tools it uses: normalised, sorted, each once.
    pub tools: Vec<String>,
    /// Counts what was registered under this name, from 1.
    pub version: i32,
    /// A label of this version.
    pub version_tag: Option<String>,
    /// Whether a signature vouches for it.
    pub verified: bool,
    /// That signature.
    pub signature: Option<String>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When its entry last changed. Null: never.
    pub updated_at: Option<DateTime<Utc>>,
    /// What it does, for people.
    pub description: Option<String>,
    /// SHA-256 of its canonical code.
    pub code_hash: Option<String>,
    /// Its code.
    pub code_snippet: Option<String>,
    /// JSON Schema of its arguments.
    #[schema(value_type = Option<Object>)]
    pub parameters_schema: Option<Value>,
    /// How long it may be kept: `ttl_ms` and `cacheable`.
    #[schema(value_type = Option<Object>)]
    pub cache_config: Option<Value>,
    /// How it runs: `type`, `tools_used`, `intent_text`, `tool_invocations`.
    #[schema(value_type = Option<Object>)]
    pub dag_structure: Option<Value>,
    /// `emergent` or `manual`.
    pub source: Option<String>,
    /// How often its code was used.
    pub usage_count: i64,
    /// How often it succeeded.
    pub success_count: i64,
    /// Share of them, 0 to 1; 0 before the first use.
    pub success_rate: f64,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: i64,
    /// When it was last used.
    pub last_used: Option<DateTime<Utc>>,
    /// What it may touch.
    pub permission_set: Option<String>,
    /// Trust in that set, 0 to 1.
    pub permission_confidence: Option<f64>,
    /// 0: calls nothing. 1: calls tools only. Else one more than the highest capability it calls.
    pub hierarchy_level: Option<i32>,
    /// Its community in the graph.
    pub community_id: Option<i32>,
    /// `true`: its vector is older than its name or description.
    pub embedding_stale: bool,
    /// What the caller should know, such as that it was asked for by an old name.
    pub warnings: Vec<String>,
}
