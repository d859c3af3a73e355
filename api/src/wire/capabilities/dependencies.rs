//! Edges between capabilities.

use chrono::{DateTime, Utc};
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which edges of a capability.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DependenciesQuery {
    /// `from`: those that lead away from it. `to`: those that lead to it. `both`: the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "both")]
    pub direction: Option<String>,
}

/// Which edge to remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RemoveDependencyQuery {
    /// The capability at the other end.
    #[param(example = "fs:parse_json")]
    pub to: String,
}

/// An edge to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "fs:parse_json", "edge_type": "dependency", "edge_source": "template"}))]
pub struct DependencyBody {
    /// The capability at the other end.
    pub to: String,
    /// `contains`, `sequence`, `dependency`, `alternative` or `provides`.
    pub edge_type: String,
    /// `template` (the default), `inferred` or `observed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge_source: Option<String>,
}

/// An edge between two capabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "from_id": "0199a1b2-0000-7000-8000-000000000001",
    "from_display_name": "fs:read_json",
    "to_id": "0199a1b2-0000-7000-8000-000000000005",
    "to_display_name": "fs:parse_json",
    "from_pattern_id": "0199a1b2-0000-7000-8000-000000000002",
    "to_pattern_id": "0199a1b2-0000-7000-8000-000000000006",
    "edge_type": "dependency",
    "edge_source": "template",
    "observed_count": 1,
    "confidence_score": 0.5,
    "created_at": "2026-11-21T09:00:00Z",
    "last_observed": "2026-11-21T09:00:00Z"
}))]
pub struct Dependency {
    /// The capability it leads away from.
    pub from_id: Option<Uuid>,
    /// `namespace:action` of it.
    pub from_display_name: Option<String>,
    /// The capability it leads to.
    pub to_id: Option<Uuid>,
    /// `namespace:action` of it.
    pub to_display_name: Option<String>,
    /// Its pattern, between which edges are stored.
    pub from_pattern_id: Uuid,
    /// The pattern at that end.
    pub to_pattern_id: Uuid,
    /// What it means.
    pub edge_type: String,
    /// How it became known.
    pub edge_source: String,
    /// How often the pair was seen.
    pub observed_count: i64,
    /// Trust in it, 0 to 1.
    pub confidence_score: f64,
    /// When the pair was first seen.
    pub created_at: DateTime<Utc>,
    /// When the pair was last seen.
    pub last_observed: DateTime<Utc>,
}
