//! What is worth an alarm.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Serialize;

use super::invalid;
use crate::Error;
use crate::sql::statement;

/// Most alerts of one kind; the worst are kept.
pub const MAX_ALERTS: i64 = 100;
/// Longest window, in hours.
const MAX_HOURS: i32 = 24 * 90;

/// Where good ends. Source of the defaults: spec of traceability, section 12.5.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertLimits {
    /// Executions, calls and hooks that began in the last so many hours count, 1–2,160. Patterns are judged by all their replays.
    pub window_hours: i32,
    /// An agent, an endpoint or a pattern is judged from so many observations on.
    pub min_observations: i64,
    /// An agent that works less often than this, 0–1.
    pub agent_success_rate: f64,
    /// An endpoint that fails more often than this, 0–1.
    pub endpoint_error_rate: f64,
    /// A pattern that works less often than this, 0–1.
    pub pattern_success_rate: f64,
    /// How long a hook of a type may take, in milliseconds. Types that are not named have no limit.
    pub hook_duration_ms: BTreeMap<String, i32>,
}

impl Default for AlertLimits {
    fn default() -> Self {
        Self {
            window_hours: 24,
            min_observations: 1,
            agent_success_rate: 0.80,
            endpoint_error_rate: 0.05,
            pattern_success_rate: 0.70,
            hook_duration_ms: BTreeMap::new(),
        }
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// An agent fails too often.
    AgentSuccessRate,
    /// An endpoint fails too often.
    EndpointErrorRate,
    /// A pattern is no longer to be trusted.
    PatternSuccessRate,
    /// A hook takes too long.
    HookDuration,
}

/// A limit that was crossed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// Which one: an agent, a service and its path, a pattern, a hook type and its name.
    pub subject: String,
    /// What was measured: a share 0–1, or for a hook its longest duration in milliseconds.
    pub value: f64,
    /// The limit.
    pub threshold: f64,
    /// How much it stands on: executions, calls, replays, or for a hook the runs that took too long.
    pub observations: i64,
}

#[derive(Debug, FromQueryResult)]
struct Row {
    kind: i32,
    subject: String,
    value: f64,
    threshold: f64,
    observations: i64,
}

// $1 window, $2 observations, $3-$5 limits, $6 and $7 hook types with their limits, $8 most rows of a kind.
const SQL: &str = "\
    SELECT * FROM ( \
        (SELECT 0 AS kind, r.agent_selected AS subject, count(*) FILTER (WHERE t.success)::float8 / count(*) AS value, \
             $3::float8 AS threshold, count(*) AS observations \
         FROM execution_traces t JOIN agent_routing_decisions r ON r.trace_id = t.id \
         WHERE t.completed_at IS NOT NULL AND t.started_at >= now() - make_interval(hours => $1) \
         GROUP BY r.agent_selected \
         HAVING count(*) >= $2 AND count(*) FILTER (WHERE t.success)::float8 / count(*) < $3 \
         ORDER BY 3, 2 LIMIT $8) \
        UNION ALL \
        (SELECT 1, c.service_name || ' ' || c.endpoint_path, count(*) FILTER (WHERE NOT c.success)::float8 / count(*), $4::float8, count(*) \
         FROM endpoint_calls c WHERE c.started_at >= now() - make_interval(hours => $1) \
         GROUP BY c.service_name, c.endpoint_path \
         HAVING count(*) >= $2 AND count(*) FILTER (WHERE NOT c.success)::float8 / count(*) > $4 \
         ORDER BY 3 DESC, 2 LIMIT $8) \
        UNION ALL \
        (SELECT 2, p.pattern_id::text, p.success_rate::float8, $5::float8, p.total_usage_count::bigint \
         FROM success_patterns p WHERE p.total_usage_count >= greatest($2, 1) AND p.success_rate < $5::numeric \
         ORDER BY p.success_rate, p.pattern_id LIMIT $8) \
        UNION ALL \
        (SELECT 3, h.hook_type || ' ' || h.hook_name, max(h.duration_ms)::float8, l.limit_ms::float8, count(*) \
         FROM unnest($6::text[], $7::integer[]) AS l (hook_type, limit_ms) \
         JOIN hook_executions h ON h.hook_type = l.hook_type AND h.duration_ms > l.limit_ms \
         WHERE h.started_at >= now() - make_interval(hours => $1) \
         GROUP BY h.hook_type, h.hook_name, l.limit_ms \
         ORDER BY max(h.duration_ms) DESC, 2 LIMIT $8) \
    ) a ORDER BY kind, CASE WHEN kind IN (0, 2) THEN value ELSE -value END, subject";

/// Everything that is worse than the limits, over what the caller may see: at most 100 ([`MAX_ALERTS`]) of each kind, the worst first. One
/// statement. A value at its limit is no alert.
///
/// # Errors
/// [`InvalidField`](crate::traceability::TraceabilityError::InvalidField) for a limit out of range.
pub async fn alerts<C: ConnectionTrait>(db: &C, limits: &AlertLimits) -> Result<Vec<Alert>, Error> {
    check(limits)?;
    let types: Vec<String> = limits.hook_duration_ms.keys().cloned().collect();
    let durations: Vec<i32> = limits.hook_duration_ms.values().copied().collect();
    let values = [
        limits.window_hours.into(),
        limits.min_observations.into(),
        limits.agent_success_rate.into(),
        limits.endpoint_error_rate.into(),
        limits.pattern_success_rate.into(),
        types.into(),
        durations.into(),
        MAX_ALERTS.into(),
    ];
    let rows = Row::find_by_statement(statement(SQL, values))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(Alert::from).collect())
}

fn check(limits: &AlertLimits) -> Result<(), Error> {
    if !(1..=MAX_HOURS).contains(&limits.window_hours) {
        return Err(invalid(
            "window_hours",
            format!("must be between 1 and {MAX_HOURS}"),
        ));
    }
    for (field, rate) in [
        ("agent_success_rate", limits.agent_success_rate),
        ("endpoint_error_rate", limits.endpoint_error_rate),
        ("pattern_success_rate", limits.pattern_success_rate),
    ] {
        if !(0.0..=1.0).contains(&rate) {
            return Err(invalid(field, "must be a number from 0 to 1"));
        }
    }
    if limits
        .hook_duration_ms
        .keys()
        .any(|hook| hook.contains('\0'))
    {
        return Err(invalid("hook_type", "must not contain a null character"));
    }
    Ok(())
}

impl From<Row> for Alert {
    fn from(row: Row) -> Self {
        Self {
            kind: match row.kind {
                0 => AlertKind::AgentSuccessRate,
                1 => AlertKind::EndpointErrorRate,
                2 => AlertKind::PatternSuccessRate,
                _ => AlertKind::HookDuration,
            },
            subject: row.subject,
            value: row.value,
            threshold: row.threshold,
            observations: row.observations,
        }
    }
}
