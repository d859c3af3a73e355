//! Edges between capabilities.

use axum::{Json, extract::State, http::StatusCode};
use pml_entity::values::EdgeType;
use pml_service::capabilities::dependencies;

use super::super::{
    extract::{Caller, JsonBody, QueryParams, Segment},
    input::capabilities as input,
    problem::Problem,
    state::AppState,
};
use crate::wire::{
    List,
    capabilities::{DependenciesQuery, Dependency, DependencyBody, RemoveDependencyQuery},
    problem::ProblemDocument,
};

/// List the edges of a capability.
///
/// The most trusted first. Edges to what the caller may not see are left out. At most 500 come, at once: `next_cursor` is null.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities/{reference}/dependencies",
    tag = "capabilities",
    params(("reference" = String, Path, description = "Id or name of the capability", example = "fs:read_json"), DependenciesQuery),
    responses(
        (status = 200, description = "The edges", body = List<Dependency>),
        (status = 400, description = "`invalid_direction`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`ambiguous_reference`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_reference`, `invalid_fqdn`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn list_dependencies(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(reference): Segment,
    QueryParams(query): QueryParams<DependenciesQuery>,
) -> Result<Json<List<Dependency>>, Problem> {
    let reference = input::reference(&reference)?;
    let direction = input::direction(&query)?;
    let edges = dependencies::list(&state.db, &who, &reference, direction).await?;
    Ok(Json(List::complete(edges)))
}

/// Add an edge to another capability.
///
/// A pair that has one is counted once more and keeps its type. Seen three times, a concluded edge becomes an observed one. `contains` and
/// `dependency` must not form a cycle.
#[utoipa::path(
    post,
    path = "/api/v1/capabilities/{reference}/dependencies",
    tag = "capabilities",
    params(("reference" = String, Path, description = "Id or name of the capability it leads away from", example = "fs:read_json")),
    request_body = DependencyBody,
    responses(
        (status = 200, description = "The pair had an edge: it is counted once more", body = Dependency),
        (status = 201, description = "The edge is new", body = Dependency),
        (status = 400, description = "`invalid_edge_type`, `malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`, also for what the caller may not change", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`dependency_cycle`, `ambiguous_reference`, `no_code`, `refused` where the code belongs to somebody else", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`self_dependency`, `invalid_body`, `invalid_reference`, `invalid_fqdn`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn add_dependency(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(reference): Segment,
    JsonBody(body): JsonBody<DependencyBody>,
) -> Result<(StatusCode, Json<Dependency>), Problem> {
    let from = input::reference(&reference)?;
    let (to, edge_type, source) = input::edge(&body)?;
    let edge = dependencies::add(&state.db, &who, &from, &to, edge_type, source).await?;
    if edge_type == EdgeType::Contains {
        // It may have raised the level of anything above.
        state.capabilities.forget_all();
    }
    let status = if edge.created_at == edge.last_observed {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(edge.into())))
}

/// Remove the edge to another capability.
///
/// Removing one that is not there is answered the same.
#[utoipa::path(
    delete,
    path = "/api/v1/capabilities/{reference}/dependencies",
    tag = "capabilities",
    params(("reference" = String, Path, description = "Id or name of the capability it leads away from", example = "fs:read_json"), RemoveDependencyQuery),
    responses(
        (status = 204, description = "There is no such edge any more"),
        (status = 404, description = "`not_found`, also for what the caller may not change", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`ambiguous_reference`, `refused` where the code belongs to somebody else", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_reference`, `invalid_fqdn`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn remove_dependency(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(reference): Segment,
    QueryParams(query): QueryParams<RemoveDependencyQuery>,
) -> Result<StatusCode, Problem> {
    let from = input::reference(&reference)?;
    let to = input::reference(&query.to)?;
    dependencies::remove(&state.db, &who, &from, &to).await?;
    Ok(StatusCode::NO_CONTENT)
}
