//! Requests about success patterns.

use pml_entity::values::{CorrelationId, PatternUsageId, SuccessPatternId, TraceabilityEmbedding};
use pml_service::{
    Error,
    traceability::{
        TraceabilityError,
        learning::{FinishedReplay, MatchRequest, NewUsage},
    },
};

use crate::wire::traceability::{MatchBody, ReplayBody, UsageBody};

/// Reads a request that patterns are looked for.
///
/// # Errors
/// `invalid_embedding`.
pub fn match_request(body: MatchBody) -> Result<MatchRequest, Error> {
    let embedding = body.embedding.map(TraceabilityEmbedding::new).transpose()?;
    Ok(MatchRequest {
        embedding,
        context: body.context,
        ..MatchRequest::new(body.request)
    })
}

/// Reads a match that was not replayed.
pub fn usage_request(pattern: SuccessPatternId, body: UsageBody) -> NewUsage {
    NewUsage {
        id: body.id.map(PatternUsageId::new),
        pattern_id: pattern,
        correlation_id: CorrelationId::new(body.correlation_id),
        user_request: body.user_request,
        match_score: body.match_score,
        used: false,
        outcome: None,
        deviations: Vec::new(),
        expected_duration_ms: None,
        actual_duration_ms: None,
        user_feedback: body.user_feedback,
    }
}

/// Reads a replay that came to its end.
///
/// # Errors
/// `invalid_field` for a deviation of no known kind.
pub fn replay_request(
    pattern: SuccessPatternId,
    body: ReplayBody,
) -> Result<FinishedReplay, Error> {
    let deviations = body
        .deviations
        .into_iter()
        .map(serde_json::from_value)
        .collect();
    Ok(FinishedReplay {
        id: body.id.map(PatternUsageId::new),
        pattern_id: pattern,
        correlation_id: CorrelationId::new(body.correlation_id),
        user_request: body.user_request,
        match_score: body.match_score,
        success: body.success,
        deviations: Result::map_err(deviations, |error: serde_json::Error| {
            TraceabilityError::InvalidField {
                field: "deviations",
                problem: format!(
                    "must be hook_failed, intelligence_missing or call_failed: {error}"
                ),
            }
        })?,
        expected_duration_ms: body.expected_duration_ms,
        actual_duration_ms: body.actual_duration_ms,
    })
}
