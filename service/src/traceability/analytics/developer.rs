//! What a developer wants to know about the last weeks.

use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Serialize;

use super::invalid;
use crate::Error;
use crate::sql::statement;

/// Window when none is asked for, in days.
const DEFAULT_DAYS: i32 = 30;
/// Longest window, in days.
const MAX_DAYS: i32 = 365;

/// Four means over a window of days. `None` where there is nothing to take the mean of.
#[derive(Clone, Debug, PartialEq, Serialize, FromQueryResult)]
pub struct DeveloperMetrics {
    /// The window.
    pub window_days: i32,
    /// Mean duration in milliseconds of the executions that are completed and worked; [`print_duration`](super::print_duration) prints it.
    pub avg_duration_ms: Option<i64>,
    /// Share of the completed and failed executions that worked, 0–1.
    pub success_rate: Option<f64>,
    /// Mean time in milliseconds that agents worked, from beginning to end.
    pub avg_agent_duration_ms: Option<i64>,
    /// Mean success rate of the patterns that were replayed in the window, 0–1.
    pub avg_pattern_success_rate: Option<f64>,
    /// Executions that are completed or failed: what the success rate stands on.
    pub ended_traces: i64,
}

/// The means over the last `window_days` (`None`: 30; 1–365). One statement.
///
/// An execution counts by when it began, a decision by when it was made. Source: spec of traceability, section 14.
///
/// # Errors
/// [`InvalidField`](crate::traceability::TraceabilityError::InvalidField) for a window out of range.
pub async fn developer_metrics<C: ConnectionTrait>(
    db: &C,
    window_days: Option<i32>,
) -> Result<DeveloperMetrics, Error> {
    const SQL: &str = "\
        SELECT $1::integer AS window_days, t.*, d.*, p.* \
        FROM ( \
            SELECT \
                round(avg(duration_ms) FILTER (WHERE status = 'completed' AND success))::bigint AS avg_duration_ms, \
                count(*) FILTER (WHERE success)::float8 / nullif(count(*), 0) AS success_rate, \
                count(*) AS ended_traces \
            FROM execution_traces WHERE status IN ('completed', 'failed') AND started_at >= now() - make_interval(days => $1) \
        ) t CROSS JOIN ( \
            SELECT round(avg(extract(epoch FROM execution_completed_at - execution_started_at)) * 1000)::bigint AS avg_agent_duration_ms \
            FROM agent_routing_decisions WHERE created_at >= now() - make_interval(days => $1) \
        ) d CROSS JOIN ( \
            SELECT avg(success_rate)::float8 AS avg_pattern_success_rate \
            FROM success_patterns WHERE total_usage_count > 0 AND last_used_at >= now() - make_interval(days => $1) \
        ) p";
    let days = window_days.unwrap_or(DEFAULT_DAYS);
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(invalid(
            "window_days",
            format!("must be between 1 and {MAX_DAYS}, not {days}"),
        ));
    }
    DeveloperMetrics::find_by_statement(statement(SQL, [days.into()]))
        .one(db)
        .await?
        .ok_or_else(|| invalid("window_days", "gave no answer"))
}
