//! Finding capabilities by meaning, and their vectors.

use pml_entity::values::Embedding;
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use utoipa::ToSchema;

/// A search by intent or by vector: exactly one of `query` and `embedding`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"query": "read a JSON file", "limit": 5, "min_score": 0.5}))]
pub struct CapabilitySearchBody {
    /// What it should do, in words. Blank: an empty answer.
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
}

/// Capabilities that match, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CapabilitySearchAnswer {
    /// Ordered by score.
    pub results: Vec<CapabilityHit>,
}

/// A capability that matches a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a1b2-0000-7000-8000-000000000001",
    "pattern_id": "0199a1b2-0000-7000-8000-000000000002",
    "fqdn": "local.default.fs.read_json.3f41",
    "display_name": "fs:read_json",
    "description": "read a JSON file",
    "score": 0.83,
    "semantic_score": 0.83,
    "reliability": 1.0,
    "success_rate": 0.75,
    "usage_count": 4,
    "tools": ["filesystem:read_file"],
    "parameters_schema": null
}))]
pub struct CapabilityHit {
    /// The capability.
    pub id: Uuid,
    /// Its code, vector and statistics.
    pub pattern_id: Uuid,
    /// `org.project.namespace.action.hash`.
    pub fqdn: String,
    /// `namespace:action`.
    pub display_name: String,
    /// What it does, for people.
    pub description: Option<String>,
    /// How well it fits: `semantic_score` times `reliability`, at most 0.95.
    pub score: f64,
    /// Cosine similarity of its intent.
    pub semantic_score: f64,
    /// 0.1 for one that mostly fails, up to 1.2 for one that nearly always succeeds, less what it depends on.
    pub reliability: f64,
    /// Share of uses that succeeded, 0 to 1.
    pub success_rate: f64,
    /// How often its code was used.
    pub usage_count: i64,
    /// Ids of the tools it uses.
    pub tools: Vec<String>,
    /// JSON Schema of its arguments.
    #[schema(value_type = Option<Object>)]
    pub parameters_schema: Option<Value>,
}

/// Whose vectors are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ids": ["0199a1b2-0000-7000-8000-000000000001"]}))]
pub struct EmbeddingsBody {
    /// Ids of capabilities, at most 1,000: UUIDs, or nodes of the graph such as `capability:UUID`.
    pub ids: Vec<String>,
}

/// The vectors that there are, and which ids have none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "items": [{
        "id": "0199a1b2-0000-7000-8000-000000000001",
        "pattern_id": "0199a1b2-0000-7000-8000-000000000002",
        "embedding": [0.01, -0.02]
    }],
    "missing": []
}))]
pub struct EmbeddingsAnswer {
    /// In the order of the request, each capability once.
    pub items: Vec<CapabilityVector>,
    /// The ids that name no capability.
    pub missing: Vec<Uuid>,
}

/// The vector of a capability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CapabilityVector {
    /// The capability.
    pub id: Uuid,
    /// The pattern whose vector it is.
    pub pattern_id: Uuid,
    /// 1,024 numbers.
    #[schema(value_type = Vec<f32>)]
    pub embedding: Embedding,
}
