//! What the executions add up to. Every number is about what the caller may see.

use axum::{Json, extract::State};
use pml_entity::values::SuccessPatternId;
use pml_service::traceability::analytics::{self, AlertLimits};

use super::super::{
    extract::{Caller, QueryParams, Segment},
    input::traces as input,
    problem::Problem,
    state::AppState,
};
use crate::wire::{
    List,
    problem::ProblemDocument,
    traceability::{
        AgentChain, Agents, Alerts, Dashboard, DeveloperMetrics, ErrorListQuery, ErrorSummary,
        EventListQuery, EventStream, PageQuery, PatternEffectiveness, PatternListQuery, UsageTrend,
        WindowQuery,
    },
};

/// List success patterns with what their usage log says: the most successful first, then the most used.
#[utoipa::path(
    get,
    path = "/api/v1/patterns",
    tag = "patterns",
    params(PatternListQuery),
    responses(
        (status = 200, description = "A part of the list, and where it goes on", body = List<PatternEffectiveness>),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_parameter`, `invalid_field`, `invalid_limit`, `invalid_cursor`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn list_patterns(
    State(state): State<AppState>,
    Caller(who): Caller,
    QueryParams(query): QueryParams<PatternListQuery>,
) -> Result<Json<List<PatternEffectiveness>>, Problem> {
    let (filter, page) = input::patterns_request(query)?;
    let found = state
        .db
        .as_principal(&who, async |tx| {
            analytics::patterns(tx, &filter, page).await
        })
        .await?;
    Ok(Json(found.into()))
}

/// Show how agents do, the busiest first.
///
/// The numbers read every execution; they may come from a snapshot, and then say how old it is.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/agents/effectiveness",
    tag = "analytics",
    params(PageQuery),
    responses(
        (status = 200, description = "The agents", body = Agents),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_limit`, `invalid_cursor`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn agent_effectiveness(
    State(state): State<AppState>,
    Caller(who): Caller,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<Agents>, Problem> {
    let page = input::page(query)?;
    let found = state
        .db
        .as_principal(&who, async |tx| analytics::agents(tx, page).await)
        .await?;
    Ok(Json(found.into()))
}

/// List how agents hand work on, the most frequent first.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/agents/chaining",
    tag = "analytics",
    params(PageQuery),
    responses(
        (status = 200, description = "A part of the list, and where it goes on", body = List<AgentChain>),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_limit`, `invalid_cursor`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn agent_chaining(
    State(state): State<AppState>,
    Caller(who): Caller,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<List<AgentChain>>, Problem> {
    let page = input::page(query)?;
    let found = state
        .db
        .as_principal(&who, async |tx| analytics::chains(tx, page).await)
        .await?;
    Ok(Json(found.into()))
}

/// List recurring errors, the latest first.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/errors",
    tag = "analytics",
    params(ErrorListQuery),
    responses(
        (status = 200, description = "A part of the list, and where it goes on", body = List<ErrorSummary>),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_field`, `invalid_limit`, `invalid_cursor`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn list_errors(
    State(state): State<AppState>,
    Caller(who): Caller,
    QueryParams(query): QueryParams<ErrorListQuery>,
) -> Result<Json<List<ErrorSummary>>, Problem> {
    let (filter, page) = input::errors_request(query)?;
    let found = state
        .db
        .as_principal(&who, async |tx| analytics::errors(tx, &filter, page).await)
        .await?;
    Ok(Json(found.into()))
}

/// Show what happened lately, newest first: routing decisions and errors.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/events",
    tag = "analytics",
    params(EventListQuery),
    responses(
        (status = 200, description = "A part of the stream, and where it goes on", body = EventStream),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_field`, `invalid_limit`, `invalid_cursor`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn event_stream(
    State(state): State<AppState>,
    Caller(who): Caller,
    QueryParams(query): QueryParams<EventListQuery>,
) -> Result<Json<EventStream>, Problem> {
    let filter = input::events_request(query)?;
    let found = state
        .db
        .as_principal(&who, async |tx| analytics::events(tx, &filter).await)
        .await?;
    Ok(Json(found.into()))
}

/// Show how fast and how well work gets done.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/developer-metrics",
    tag = "analytics",
    params(WindowQuery),
    responses(
        (status = 200, description = "Four means", body = DeveloperMetrics),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_field`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn developer_metrics(
    State(state): State<AppState>,
    Caller(who): Caller,
    QueryParams(query): QueryParams<WindowQuery>,
) -> Result<Json<DeveloperMetrics>, Problem> {
    let window = input::window(&query)?;
    let found = state
        .db
        .as_principal(&who, async |tx| {
            analytics::developer_metrics(tx, window).await
        })
        .await?;
    Ok(Json(found.into()))
}

/// Show how often a pattern was replayed on each of the last 30 days.
#[utoipa::path(
    get,
    path = "/api/v1/patterns/{pattern_id}/usage",
    tag = "patterns",
    params(("pattern_id" = Uuid, Path, description = "The pattern")),
    responses(
        (status = 200, description = "The days, and where they are heading", body = UsageTrend),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_pattern`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn pattern_usage(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(id): Segment,
) -> Result<Json<UsageTrend>, Problem> {
    let id: SuccessPatternId = input::id("pattern_id", &id)?;
    let usage = state
        .db
        .as_principal(&who, async |tx| analytics::pattern_usage(tx, id).await)
        .await?;
    Ok(Json(usage.into()))
}

/// Show everything at a glance.
///
/// The numbers read every execution; they may come from a snapshot, and then say how old it is.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/dashboard/summary",
    tag = "analytics",
    responses(
        (status = 200, description = "The numbers", body = Dashboard),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn dashboard_summary(
    State(state): State<AppState>,
    Caller(who): Caller,
) -> Result<Json<Dashboard>, Problem> {
    let summary = state
        .db
        .as_principal(&who, async |tx| analytics::dashboard(tx).await)
        .await?;
    Ok(Json(summary.into()))
}

/// Show which limits are crossed: agents below 80 % success, endpoints above 5 % errors, patterns below 70 % success.
#[utoipa::path(
    get,
    path = "/api/v1/analytics/alerts",
    tag = "analytics",
    responses(
        (status = 200, description = "The alerts of the last 24 hours", body = Alerts),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn list_alerts(
    State(state): State<AppState>,
    Caller(who): Caller,
) -> Result<Json<Alerts>, Problem> {
    let limits = AlertLimits::default();
    let alerts = state
        .db
        .as_principal(&who, async |tx| analytics::alerts(tx, &limits).await)
        .await?;
    Ok(Json(Alerts {
        items: alerts.into_iter().map(Into::into).collect(),
    }))
}
