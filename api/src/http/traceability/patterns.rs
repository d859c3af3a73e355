//! Success patterns: finding one for a request, how to replay it, and what came of it.

use axum::{Json, extract::State, http::StatusCode};
use pml_entity::values::SuccessPatternId;
use pml_service::traceability::learning;

use super::{
    super::{
        extract::{Caller, JsonBody, Segment},
        input::{patterns as input, traces::id},
        problem::Problem,
        state::AppState,
    },
    record::ensure_recording,
};
use crate::wire::{
    problem::ProblemDocument,
    traceability::{
        Advice, FinishedReplay, MatchBody, PatternUsage, ReplayBody, ReplayPlan, UsageBody,
    },
};

/// Find patterns for a request, and say whether to replay one.
///
/// From 0.85 on the first match is replayed, from 0.75 on it is suggested. A pattern whose replays worked less than 70 % of the time is at
/// most suggested. When no embedding can be made of the request, the advice is to route normally.
#[utoipa::path(
    post,
    path = "/api/v1/patterns/match",
    tag = "patterns",
    request_body = MatchBody,
    responses(
        (status = 200, description = "What to do, and the matches", body = Advice),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`mixed_embedding_models`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `invalid_query`, `invalid_embedding`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn match_patterns(
    State(state): State<AppState>,
    Caller(who): Caller,
    JsonBody(body): JsonBody<MatchBody>,
) -> Result<Json<Advice>, Problem> {
    let request = input::match_request(body)?;
    let (prompts, top) = (&*state.prompts, &state.top_patterns);
    let advice = state
        .db
        .as_principal(&who, async |tx| {
            learning::advise(tx, prompts, top, &request).await
        })
        .await?;
    Ok(Json(advice.into()))
}

/// Show how to replay a pattern.
#[utoipa::path(
    get,
    path = "/api/v1/patterns/{pattern_id}/plan",
    tag = "patterns",
    params(("pattern_id" = Uuid, Path, description = "The pattern")),
    responses(
        (status = 200, description = "The plan", body = ReplayPlan),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_pattern`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn replay_plan(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(pattern): Segment,
) -> Result<Json<ReplayPlan>, Problem> {
    let pattern: SuccessPatternId = id("pattern_id", &pattern)?;
    let plan = state
        .db
        .as_principal(&who, async |tx| learning::replay_plan(tx, pattern).await)
        .await?;
    Ok(Json(plan.into()))
}

/// Log that a pattern matched and was not replayed.
#[utoipa::path(
    post,
    path = "/api/v1/patterns/{pattern_id}/usage",
    tag = "patterns",
    params(("pattern_id" = Uuid, Path, description = "The pattern")),
    request_body = UsageBody,
    responses(
        (status = 201, description = "It is logged", body = PatternUsage),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_pattern`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`id_taken`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `invalid_field`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn log_usage(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(pattern): Segment,
    JsonBody(body): JsonBody<UsageBody>,
) -> Result<(StatusCode, Json<PatternUsage>), Problem> {
    ensure_recording(&who)?;
    let usage = input::usage_request(id("pattern_id", &pattern)?, body);
    let usage = state
        .db
        .as_service(async |tx| learning::log_usage(tx, &usage).await)
        .await?;
    Ok((StatusCode::CREATED, Json(usage.into())))
}

/// Say what came of a replay.
///
/// Logs it and counts it, both or neither. Without a deviation a replay that worked is a `success`, with some a `partial_success`.
#[utoipa::path(
    post,
    path = "/api/v1/patterns/{pattern_id}/replays",
    tag = "patterns",
    params(("pattern_id" = Uuid, Path, description = "The pattern")),
    request_body = ReplayBody,
    responses(
        (status = 201, description = "It is counted", body = FinishedReplay),
        (status = 400, description = "`malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`unknown_pattern`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`id_taken`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`invalid_body`, `invalid_field`, `invalid_parameter`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(in super::super) async fn finish_replay(
    State(state): State<AppState>,
    Caller(who): Caller,
    Segment(pattern): Segment,
    JsonBody(body): JsonBody<ReplayBody>,
) -> Result<(StatusCode, Json<FinishedReplay>), Problem> {
    ensure_recording(&who)?;
    let replay = input::replay_request(id("pattern_id", &pattern)?, body)?;
    let record = state
        .db
        .as_service(async |tx| learning::finish_replay(tx, &replay).await)
        .await?;
    Ok((StatusCode::CREATED, Json(record.into())))
}
