//! The body of every error answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An error answer (RFC 9457). `code` is stable: clients branch on it, people read `detail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:pml:problem:invalid_limit",
    "title": "The limit is out of range",
    "status": 422,
    "detail": "limit must be between 1 and 500, got -1",
    "code": "invalid_limit",
    "instance": "/api/v1/tools"
}))]
pub struct ProblemDocument {
    /// A URN that names the kind of problem: `urn:pml:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in a few words, the same for every occurrence.
    pub title: String,
    /// The HTTP status, repeated for those who only see the body.
    pub status: u16,
    /// What is wrong with this very request.
    pub detail: String,
    /// The stable, machine-readable name of the problem.
    pub code: String,
    /// The path of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// With `ambiguous_reference`: the full names that the reference may stand for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Vec<String>>,
    /// With `tools_mismatch`: the tools of the capability that would go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_tools: Option<Vec<String>>,
    /// With `tools_mismatch`: the tools of the capability that would stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_tools: Option<Vec<String>>,
    /// With `permission_changed`: the set that is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_set: Option<String>,
}
