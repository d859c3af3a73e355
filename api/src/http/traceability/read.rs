//! Executions: lists, whole trees and time lines.

use axum::{Json, extract::State};
use pml_entity::values::CorrelationId;
use pml_service::traceability::read;

use super::super::{
    extract::{Caller, QueryParams, Segment},
    input::traces as input,
    problem::Problem,
    state::AppState,
};
use crate::wire::{
    List,
    problem::ProblemDocument,
    traceability::{AssembledTrace, Hierarchy, Timeline, TraceListQuery, TraceSummary},
};

/// List executions, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/traces",
    tag = "traces",
    params(TraceListQuery),
    responses(
        (status = 200, description = "A part of the list, and where it goes on", body = List<TraceSummary>),
        (status = 400, description = "`invalid_filter`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_parameter`, `invalid_field`, `invalid_limit`, `invalid_cursor`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn list_traces(
    State(state): State<AppState>,
    Caller(who): Caller,
    QueryParams(query): QueryParams<TraceListQuery>,
) -> Result<Json<List<TraceSummary>>, Problem> {
    let (filter, page) = input::list_request(query)?;
    let page = state
        .db
        .as_principal(&who, async |tx| read::list(tx, &filter, page).await)
        .await?;
    Ok(Json(page.into()))
}

/// Show an execution with everything below it.
///
/// Its newest routing decision, its hooks and its calls in their order, and the executions it delegated to, each assembled the same way.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{correlation_id}",
    tag = "traces",
    params(("correlation_id" = Uuid, Path, description = "The execution")),
    responses(
        (status = 200, description = "The execution", body = AssembledTrace),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`, also for what the caller may not see", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn get_trace(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(id): Segment,
) -> Result<Json<AssembledTrace>, Problem> {
    let id: CorrelationId = input::id("correlation_id", &id)?;
    let trace = state
        .db
        .as_principal(&who, async |tx| read::get(tx, id).await)
        .await?;
    Ok(Json(trace.into()))
}

/// Show the events of an execution by time.
///
/// Events of one moment stand in this order: prompt, routing, hooks, calls, completion. What it delegated is not among them.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{correlation_id}/timeline",
    tag = "traces",
    params(("correlation_id" = Uuid, Path, description = "The execution")),
    responses(
        (status = 200, description = "The events", body = Timeline),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`, also for what the caller may not see", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn trace_timeline(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(id): Segment,
) -> Result<Json<Timeline>, Problem> {
    let id: CorrelationId = input::id("correlation_id", &id)?;
    let events = state
        .db
        .as_principal(&who, async |tx| read::timeline(tx, id).await)
        .await?;
    Ok(Json(Timeline {
        correlation_id: id.as_uuid(),
        events: events.into_iter().map(Into::into).collect(),
    }))
}

/// Show an execution and everything below it, flat: by depth, then time.
#[utoipa::path(
    get,
    path = "/api/v1/traces/{correlation_id}/hierarchy",
    tag = "traces",
    params(("correlation_id" = Uuid, Path, description = "The execution to begin with")),
    responses(
        (status = 200, description = "The executions", body = Hierarchy),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`, also for what the caller may not see", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn trace_hierarchy(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(id): Segment,
) -> Result<Json<Hierarchy>, Problem> {
    let id: CorrelationId = input::id("correlation_id", &id)?;
    let hierarchy = state
        .db
        .as_principal(&who, async |tx| read::hierarchy(tx, id).await)
        .await?;
    Ok(Json(hierarchy.into()))
}
