//! Changing what a capability is called and which one it is.

use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to change. What is missing or null stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"namespace": "files", "action": "read_json", "visibility": "project"}))]
pub struct RenameBody {
    /// 1 to 20 lower-case letters and digits, a letter first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// 1 to 50 letters, digits and `_`, a letter first; not the made-up `exec_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What it does, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// All labels it has from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// `private`, `project`, `org` or `public`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<String>,
    /// A label of this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_tag: Option<String>,
}

/// What it is called now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a1b2-0000-7000-8000-000000000001",
    "fqdn": "local.default.files.read_json.3f41",
    "display_name": "files:read_json",
    "changed": true,
    "warnings": []
}))]
pub struct RenameAnswer {
    /// The capability: its id never changes.
    pub id: Uuid,
    /// `org.project.namespace.action.hash`.
    pub fqdn: String,
    /// `namespace:action`.
    pub display_name: String,
    /// Whether anything was written.
    pub changed: bool,
    /// What could not be done along with it, in words.
    pub warnings: Vec<String>,
}

/// Which capability goes into which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"source": "fs:read_json_2", "target": "fs:read_json", "prefer_source_code": false}))]
pub struct MergeBody {
    /// The one that goes.
    pub source: String,
    /// The one that stays.
    pub target: String,
    /// Whose code stays: `true` the source's, `false` the target's. Missing: that of the one that was written later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefer_source_code: Option<bool>,
}

/// What became of a merge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "target_id": "0199a1b2-0000-7000-8000-000000000001",
    "target_fqdn": "local.default.fs.read_json.3f41",
    "target_display_name": "fs:read_json",
    "target_pattern_id": "0199a1b2-0000-7000-8000-000000000002",
    "deleted_source_id": "0199a1b2-0000-7000-8000-000000000005",
    "deleted_source_name": "fs:read_json_2",
    "deleted_source_pattern_id": "0199a1b2-0000-7000-8000-000000000006",
    "usage_count": 80,
    "success_count": 70,
    "success_rate": 0.875,
    "avg_duration_ms": 138,
    "code_source": "target"
}))]
pub struct MergeAnswer {
    /// The capability that stayed.
    pub target_id: Uuid,
    /// `org.project.namespace.action.hash`; another hash than before when the code is the source's.
    pub target_fqdn: String,
    /// `namespace:action`.
    pub target_display_name: String,
    /// Its pattern.
    pub target_pattern_id: Uuid,
    /// The capability that went.
    pub deleted_source_id: Uuid,
    /// `namespace:action` of it.
    pub deleted_source_name: String,
    /// Its pattern. Null: it stayed, since another capability names it.
    pub deleted_source_pattern_id: Option<Uuid>,
    /// Uses of both.
    pub usage_count: i64,
    /// Successful uses of both.
    pub success_count: i64,
    /// Share of them, 0 to 1.
    pub success_rate: f64,
    /// Mean duration of all uses in milliseconds.
    pub avg_duration_ms: i64,
    /// Whose code stayed: `source` or `target`.
    pub code_source: String,
}

/// Which capability to verify, and with what.
///
/// With a key and a signature: the signature is checked and, if good, stored. With a key: the stored signature is checked. With neither:
/// the answer says what is to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reference": "fs:read_json"}))]
pub struct VerifyBody {
    /// The capability.
    pub reference: String,
    /// Ed25519 public key: 32 bytes in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Ed25519 signature of `message`: 64 bytes in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// What is signed, and whether it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "id": "0199a1b2-0000-7000-8000-000000000001",
    "fqdn": "local.default.fs.read_json.3f41",
    "code_hash": "3f41cbb303012f33212c92326b27f6cc604fd414e20315cb10f2be7f1f6bb83c",
    "message": "pml-capability-v1\n3f41cbb303012f33212c92326b27f6cc604fd414e20315cb10f2be7f1f6bb83c\nlocal.default.fs.read_json.3f41",
    "signed": false,
    "valid": null,
    "verified": false,
    "warnings": []
}))]
pub struct VerifyAnswer {
    /// The capability.
    pub id: Uuid,
    /// `org.project.namespace.action.hash`.
    pub fqdn: String,
    /// SHA-256 of its canonical code.
    pub code_hash: String,
    /// The text to sign: `pml-capability-v1`, `code_hash` and `fqdn`, one a line, without a line end behind the last.
    pub message: String,
    /// Whether a signature is stored.
    pub signed: bool,
    /// Whether the signature is one of `message` by that key. Null: there is no key, or no signature, to check.
    pub valid: Option<bool>,
    /// Whether the stored signature was good when it was stored. Other code or another name removes it.
    pub verified: bool,
    /// What the caller should know, such as that it was asked for by an old name.
    pub warnings: Vec<String>,
}
