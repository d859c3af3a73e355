//! What capabilities may touch.

use axum::{Json, extract::State};
use pml_service::capabilities::permissions;

use super::super::{
    extract::{Caller, JsonBody, QueryParams, Segment},
    input::capabilities as input,
    problem::Problem,
    state::AppState,
};
use crate::wire::{
    List,
    capabilities::{AuditEntry, AuditQuery, PermissionAnswer, PermissionBody, PermissionState},
    problem::ProblemDocument,
};

/// Show what a capability may touch.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities/{reference}/permissions",
    tag = "capabilities",
    params(("reference" = String, Path, description = "Id or name of the capability", example = "fs:read_json")),
    responses(
        (status = 200, description = "The stored set and the one that a run gets", body = PermissionState),
        (status = 404, description = "`not_found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`no_code`, `ambiguous_reference`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_reference`, `invalid_fqdn`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn get_permissions(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(reference): Segment,
) -> Result<Json<PermissionState>, Problem> {
    let reference = input::reference(&reference)?;
    let state = permissions::state(&state.db, &who, &reference).await?;
    Ok(Json(state.into()))
}

/// Decide what a capability may touch.
///
/// An approved decision is in force at once, a declined one changes nothing; both go into the audit log. Pass the set you saw as `from_set`,
/// and nothing happens when somebody else was faster.
#[utoipa::path(
    post,
    path = "/api/v1/capabilities/{reference}/permissions",
    tag = "capabilities",
    params(("reference" = String, Path, description = "Id or name of the capability", example = "fs:read_json")),
    request_body = PermissionBody,
    responses(
        (status = 200, description = "What was decided, and what holds now", body = PermissionAnswer),
        (status = 400, description = "`invalid_filter` for a reason or a name that is too long, `malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`, also for what the caller may not change", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`illegal_escalation`, `trusted_refused`, `refused` for code of somebody else, `permission_changed` with `stored_set`, `ambiguous_reference`, `no_code`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `invalid_reference`, `invalid_fqdn`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn decide_permission(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(reference): Segment,
    JsonBody(body): JsonBody<PermissionBody>,
) -> Result<Json<PermissionAnswer>, Problem> {
    let reference = input::reference(&reference)?;
    let change = input::permission_change(body)?;
    let changed = state
        .capabilities
        .change_permission(&who, &reference, change)
        .await?;
    Ok(Json(changed.into()))
}

/// List the decisions about what capabilities may touch, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities/permissions/audit",
    tag = "capabilities",
    params(AuditQuery),
    responses(
        (status = 200, description = "A part of the list, and where it goes on", body = List<AuditEntry>),
        (status = 400, description = "`invalid_filter`, `invalid_offset`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`: no such `capability`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`ambiguous_reference`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_limit`, `invalid_cursor`, `invalid_reference`, `invalid_fqdn`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn permission_audit(
    State(state): State<AppState>,
    Caller(who): Caller,
    QueryParams(query): QueryParams<AuditQuery>,
) -> Result<Json<List<AuditEntry>>, Problem> {
    let (filter, page) = input::audit_request(query)?;
    let page = permissions::audit(&state.db, &who, &filter, page).await?;
    Ok(Json(page.into()))
}
