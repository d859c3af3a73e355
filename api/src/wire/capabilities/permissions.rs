//! What a capability may touch, and who decided it.

use chrono::{DateTime, Utc};
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What a capability may touch now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a1b2-0000-7000-8000-000000000001",
    "pattern_id": "0199a1b2-0000-7000-8000-000000000002",
    "permission_set": "readonly",
    "permission_confidence": 0.9,
    "effective_set": "readonly",
    "source": "emergent",
    "risk": "safe"
}))]
pub struct PermissionState {
    /// The capability.
    pub id: Uuid,
    /// Its pattern: what the set is stored with.
    pub pattern_id: Uuid,
    /// The stored set: `minimal`, `readonly`, `filesystem`, `network-api`, `mcp-standard` or `trusted`.
    pub permission_set: String,
    /// Trust in that set, 0 to 1.
    pub permission_confidence: f64,
    /// The set that a run gets: `minimal` while the trust in a learned one is below 0.7.
    pub effective_set: String,
    /// `emergent`: learned from runs. `manual`: written by hand.
    pub source: String,
    /// `safe`, `moderate` or `dangerous`.
    pub risk: String,
}

/// A decision about what a capability may touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "to_set": "network-api",
    "from_set": "minimal",
    "approved_by": "alice",
    "reason": "it has to reach the weather service",
    "detected_operation": "net"
}))]
pub struct PermissionBody {
    /// The set that was asked for. Never `trusted`.
    pub to_set: String,
    /// The set the decision was made on: if another one is stored by now, nothing is changed. Missing: whichever is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_set: Option<String>,
    /// `false`: it was turned down. That is written to the audit log and nothing else. Missing: it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<bool>,
    /// Who decided: 1 to 200 characters, not beginning with `system:`. Missing: the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Why, such as the text of the error that led to it: at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the capability wanted to do: `read`, `write`, `net`, `env`, `run` or `ffi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_operation: Option<String>,
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "audit_id": "0199a1b2-0000-7000-8000-000000000009",
    "from_set": "minimal",
    "to_set": "network-api",
    "approved": true,
    "state": {
        "id": "0199a1b2-0000-7000-8000-000000000001",
        "pattern_id": "0199a1b2-0000-7000-8000-000000000002",
        "permission_set": "network-api",
        "permission_confidence": 1.0,
        "effective_set": "network-api",
        "source": "emergent",
        "risk": "moderate"
    }
}))]
pub struct PermissionAnswer {
    /// Its row in the audit log.
    pub audit_id: Uuid,
    /// The set that runs got before.
    pub from_set: String,
    /// The set that was asked for.
    pub to_set: String,
    /// Whether it was approved, and so is in force.
    pub approved: bool,
    /// What holds now.
    pub state: PermissionState,
}

/// Which decisions to list, and which part of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only those about this capability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(example = "fs:read_json")]
    pub capability: Option<String>,
    /// `true`: only approved ones. `false`: only those that were turned down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<bool>)]
    pub approved: Option<String>,
    /// Not before this time (RFC 3339), which is included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<DateTime<Utc>>)]
    pub from: Option<String>,
    /// Not after this time (RFC 3339), which is included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<DateTime<Utc>>)]
    pub to: Option<String>,
    /// The most items, 1 to 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<String>,
    /// `next_cursor` of the part before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Refused: lists go on with a cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(ignore)]
    pub offset: Option<String>,
}

/// A decision in the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a1b2-0000-7000-8000-000000000009",
    "timestamp": "2026-11-21T09:00:00Z",
    "pattern_id": "0199a1b2-0000-7000-8000-000000000002",
    "capability": "0199a1b2-0000-7000-8000-000000000001",
    "display_name": "fs:read_json",
    "from_set": "minimal",
    "to_set": "network-api",
    "approved": true,
    "approved_by": "alice",
    "reason": "it has to reach the weather service",
    "detected_operation": "net"
}))]
pub struct AuditEntry {
    /// The row.
    pub id: Uuid,
    /// When it was decided.
    pub timestamp: DateTime<Utc>,
    /// The pattern it is about: sets belong to code.
    pub pattern_id: Uuid,
    /// A capability with that code. Null: the last one was deleted.
    pub capability: Option<Uuid>,
    /// `namespace:action` of it.
    pub display_name: Option<String>,
    /// The set before.
    pub from_set: String,
    /// The set that was asked for.
    pub to_set: String,
    /// Whether it was approved.
    pub approved: bool,
    /// Who decided.
    pub approved_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What the capability wanted to do.
    pub detected_operation: Option<String>,
}
