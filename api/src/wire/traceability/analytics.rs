//! What the executions add up to.

use chrono::{DateTime, Utc};
use pml_entity::traceability::{
    agent_chaining_patterns, agent_performance, dashboard_summary, pattern_effectiveness,
};
use pml_service::{
    Page,
    traceability::analytics::{self as service, Measured},
};
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::row::row;

row! {
    /// A success pattern with what its usage log says.
    pub struct PatternEffectiveness from pattern_effectiveness::Model {
        /// The row of the pattern.
        id: Uuid,
        /// The pattern.
        pattern_id: Uuid,
        /// The hash of its steps.
        pattern_hash: String,
        /// What its prompt wanted.
        intent_classification: Option<String>,
        /// Words of its prompt.
        keywords: Vec<String>,
        /// Its agents.
        agent_sequence: Vec<String>,
        /// Replays that worked as planned.
        success_count: i32,
        /// Replays that failed.
        failure_count: i32,
        /// Replays.
        total_usage_count: i32,
        /// Share of replays that worked as planned.
        success_rate: Option<f64>,
        /// Mean duration in milliseconds.
        avg_duration_ms: i32,
        /// Trust in it.
        confidence_score: f64,
        /// When it was last replayed.
        last_used_at: Option<DateTime<Utc>>,
        /// Replays in the log that the reader may see.
        logged_uses: i64,
        /// Those that worked.
        logged_successes: i64,
        /// Their mean match.
        avg_match_score: Option<f64>,
        /// The mean of their variances.
        avg_performance_variance: Option<f64>,
    }
}

row! {
    /// How an agent does, over the executions that ended.
    pub struct AgentPerformance from agent_performance::Model {
        /// The agent.
        agent_name: String,
        /// Executions that ended.
        total_executions: i64,
        /// Those that worked.
        successful_executions: i64,
        /// The others, those without a verdict included.
        failed_executions: i64,
        /// Per cent that worked, two places.
        success_rate_pct: f64,
        /// Mean duration in milliseconds.
        avg_duration_ms: Option<i32>,
        /// 95th percentile of the durations, interpolated, in milliseconds.
        p95_duration_ms: Option<i32>,
        /// Mean confidence of the decisions.
        avg_routing_confidence: f64,
        /// Different patterns that led to it.
        patterns_used: i64,
        /// When the latest of them began.
        last_used_at: DateTime<Utc>,
    }
}

row! {
    /// A way in which agents hand work on.
    pub struct AgentChain from agent_chaining_patterns::Model {
        /// The row.
        id: Uuid,
        /// The first agent.
        primary_agent: String,
        /// The agents after it, in their order.
        delegated_agents: Vec<String>,
        /// Levels of delegation, at least 0.
        delegation_depth: i32,
        /// What sets the chain off.
        trigger_context: String,
        /// Share of occurrences that worked.
        success_rate: f64,
        /// How often it occurred.
        usage_count: i32,
        /// Mean duration in milliseconds.
        avg_total_duration_ms: i32,
        /// Mean time in milliseconds that went into handing on.
        avg_coordination_overhead_ms: i32,
        /// Executions that show it.
        source_traces: Vec<Uuid>,
        /// Labels.
        tags: Option<Vec<String>>,
        /// When it last occurred.
        last_used_at: Option<DateTime<Utc>>,
        /// When the row was written.
        created_at: DateTime<Utc>,
        /// When the row last changed. A trigger sets it: what a client writes is overwritten.
        updated_at: DateTime<Utc>,
    }
}

row! {
    /// A recurring error with how often executions met its type lately.
    pub struct ErrorSummary from service::ErrorSummary {
        /// The row.
        id: Uuid,
        /// The class of the error. Not a closed set.
        error_type: String,
        /// `network`, `validation`, `system` or `integration`.
        error_category: Option<String>,
        /// `critical`, `high`, `medium` or `low`.
        severity: Option<String>,
        /// When it was last seen.
        last_occurrence_at: DateTime<Utc>,
        /// Every agent it was seen with.
        affected_agents: Vec<String>,
        /// How often it was seen.
        error_count: i32,
        /// What mends it.
        #[schema(value_type = Option<Object>)]
        resolution_pattern: Option<Value>,
        /// How often that helps.
        resolution_success_rate: Option<f64>,
        /// What keeps it from happening.
        #[schema(value_type = Option<Object>)]
        prevention_strategies: Option<Value>,
        /// Executions with this type of error in the last 24 hours.
        occurrences_24h: i64,
        /// The same for 7 days.
        occurrences_7d: i64,
    }
}

row! {
    /// Everything at a glance. Per cent in `overall_success_rate`, shares of one elsewhere.
    pub struct DashboardSummary from dashboard_summary::Model {
        /// All executions.
        total_traces: i64,
        /// Those that ended.
        completed_traces: i64,
        /// Those that ended well.
        successful_traces: i64,
        /// Per cent of the ended ones that ended well, two places; 0 when none ended.
        overall_success_rate: f64,
        /// All success patterns.
        total_patterns: i64,
        /// Those replayed five times or more, of which 80 per cent or more worked.
        high_quality_patterns: i64,
        /// Mean rate of the patterns that were replayed.
        avg_pattern_success_rate: f64,
        /// Different agents that were chosen.
        active_agents: i64,
        /// The one that was chosen most; the first by name where several were.
        most_used_agent: Option<String>,
        /// Executions with an error in the last 24 hours.
        errors_24h: i64,
        /// Different types among the recurring errors.
        unique_error_types: i64,
        /// Median duration of the ended ones in milliseconds.
        median_duration_ms: i32,
        /// 95th percentile of the same.
        p95_duration_ms: i32,
    }
}

/// Everything at a glance, and when the numbers were taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Dashboard {
    /// The numbers.
    #[serde(flatten)]
    pub summary: DashboardSummary,
    /// When they were taken. Null: now, for this answer.
    pub refreshed_at: Option<DateTime<Utc>>,
    /// How old they are in milliseconds.
    pub age_ms: Option<i64>,
}

impl From<Measured<dashboard_summary::Model>> for Dashboard {
    fn from(measured: Measured<dashboard_summary::Model>) -> Self {
        Self {
            summary: measured.data.into(),
            refreshed_at: measured.refreshed_at,
            age_ms: measured.age_ms,
        }
    }
}

/// How agents do, the busiest first, and when the numbers were taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agents {
    /// The agents.
    pub items: Vec<AgentPerformance>,
    /// Pass it as `cursor` for the next part. Null: this was the last one.
    pub next_cursor: Option<String>,
    /// When the numbers were taken. Null: now, for this answer.
    pub refreshed_at: Option<DateTime<Utc>>,
    /// How old they are in milliseconds.
    pub age_ms: Option<i64>,
}

impl From<Measured<Page<agent_performance::Model>>> for Agents {
    fn from(measured: Measured<Page<agent_performance::Model>>) -> Self {
        Self {
            items: measured.data.items.into_iter().map(Into::into).collect(),
            next_cursor: measured.data.next_cursor,
            refreshed_at: measured.refreshed_at,
            age_ms: measured.age_ms,
        }
    }
}

/// The replays of a pattern in the last 30 days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageTrend {
    /// The pattern.
    pub pattern_id: Uuid,
    /// Each day (UTC), the oldest first, also those without replays.
    pub days: Vec<UsageDay>,
    /// Replays in these days.
    pub total_count: i64,
    /// Those that worked.
    pub total_successes: i64,
    /// Share that worked, 0 to 1. Null without replays.
    pub success_rate: Option<f64>,
    /// `increasing`, `stable` or `decreasing`: the last 15 days against the 15 before; 20 per cent up or down are still stable.
    pub trend: String,
}

/// The replays of one day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageDay {
    /// The day.
    #[schema(example = "2026-11-27")]
    pub date: String,
    /// Replays.
    pub count: i64,
    /// Share that worked, 0 to 1. Null without replays.
    pub success_rate: Option<f64>,
}

impl From<service::UsageTrend> for UsageTrend {
    fn from(usage: service::UsageTrend) -> Self {
        let day = |day: service::Day| UsageDay {
            date: day.date.to_string(),
            count: day.count,
            success_rate: day.success_rate,
        };
        Self {
            pattern_id: usage.pattern_id.as_uuid(),
            days: usage.days.into_iter().map(day).collect(),
            total_count: usage.total_count,
            total_successes: usage.total_successes,
            success_rate: usage.success_rate,
            trend: text(&usage.trend),
        }
    }
}

/// A part of the stream of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventStream {
    /// The events, newest first.
    pub items: Vec<StreamEvent>,
    /// Pass it as `cursor` for the next part. Null: this was the last one.
    pub next_cursor: Option<String>,
    /// Number of these events.
    pub total: usize,
    /// The least and the greatest time of these events; both now when there are none.
    pub time_range: TimeSpan,
    /// Number of these events by kind.
    #[schema(value_type = Object, example = json!({"routing_decision": 3, "error": 1}))]
    pub event_counts: Value,
}

/// The least and the greatest time of some events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimeSpan {
    /// The least.
    pub from: DateTime<Utc>,
    /// The greatest.
    pub to: DateTime<Utc>,
}

/// One event of the stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StreamEvent {
    /// The row it stands for.
    pub id: Uuid,
    /// `routing_decision`, `error` or `agent_action`.
    pub event_type: String,
    /// When.
    pub timestamp: DateTime<Utc>,
    /// The execution.
    pub correlation_id: Uuid,
    /// The agent.
    pub agent_name: Option<String>,
    /// How sure the choice was.
    pub confidence_score: Option<f64>,
    /// How the agent was chosen.
    pub routing_strategy: Option<String>,
    /// How long the choice, or the execution, took.
    pub duration_ms: Option<i32>,
    /// The class of the error.
    pub error_type: Option<String>,
    /// The error, in words.
    pub error_message: Option<String>,
}

impl From<service::EventStream> for EventStream {
    fn from(stream: service::EventStream) -> Self {
        let event = |event: service::StreamEvent| StreamEvent {
            id: event.id,
            event_type: event.event_type.as_str().to_owned(),
            timestamp: event.timestamp,
            correlation_id: event.correlation_id.as_uuid(),
            agent_name: event.agent_name,
            confidence_score: event.confidence_score.map(f64::from),
            routing_strategy: event.routing_strategy,
            duration_ms: event.duration_ms,
            error_type: event.error_type,
            error_message: event.error_message,
        };
        Self {
            items: stream.items.into_iter().map(event).collect(),
            next_cursor: stream.next_cursor,
            total: stream.total,
            time_range: TimeSpan {
                from: stream.time_range.from,
                to: stream.time_range.to,
            },
            event_counts: serde_json::to_value(stream.event_counts).unwrap_or_default(),
        }
    }
}

/// Four means over a window of days. Null where there is nothing to take the mean of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeveloperMetrics {
    /// The window in days.
    pub window_days: i32,
    /// Mean duration in milliseconds of the executions that worked.
    pub avg_duration_ms: Option<i64>,
    /// The same for people: `30s`, `12m`, `2.5h`, `2.5d`.
    pub avg_duration: Option<String>,
    /// Share of the completed and failed executions that worked, 0 to 1.
    pub success_rate: Option<f64>,
    /// Mean time in milliseconds that agents worked.
    pub avg_agent_duration_ms: Option<i64>,
    /// The same for people.
    pub avg_agent_duration: Option<String>,
    /// Mean success rate of the patterns that were replayed in the window, 0 to 1.
    pub avg_pattern_success_rate: Option<f64>,
    /// Executions that are completed or failed: what the success rate stands on.
    pub ended_traces: i64,
}

impl From<service::DeveloperMetrics> for DeveloperMetrics {
    fn from(metrics: service::DeveloperMetrics) -> Self {
        Self {
            window_days: metrics.window_days,
            avg_duration_ms: metrics.avg_duration_ms,
            avg_duration: metrics.avg_duration_ms.map(service::print_duration),
            success_rate: metrics.success_rate,
            avg_agent_duration_ms: metrics.avg_agent_duration_ms,
            avg_agent_duration: metrics.avg_agent_duration_ms.map(service::print_duration),
            avg_pattern_success_rate: metrics.avg_pattern_success_rate,
            ended_traces: metrics.ended_traces,
        }
    }
}

/// What is worth an alarm now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alerts {
    /// The limits that were crossed.
    pub items: Vec<Alert>,
}

/// A limit that was crossed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"kind": "agent_success_rate", "subject": "agent-testing", "value": 0.61, "threshold": 0.8, "observations": 44}))]
pub struct Alert {
    /// `agent_success_rate`, `endpoint_error_rate`, `pattern_success_rate` or `hook_duration`.
    pub kind: String,
    /// Which agent, endpoint, pattern or hook.
    pub subject: String,
    /// What was measured: a share 0 to 1, or for a hook its longest duration in milliseconds.
    pub value: f64,
    /// The limit.
    pub threshold: f64,
    /// How much it stands on.
    pub observations: i64,
}

impl From<service::Alert> for Alert {
    fn from(alert: service::Alert) -> Self {
        Self {
            kind: text(&alert.kind),
            subject: alert.subject,
            value: alert.value,
            threshold: alert.threshold,
            observations: alert.observations,
        }
    }
}

/// The word that a closed set is serialised as.
fn text(word: &impl Serialize) -> String {
    let word = serde_json::to_value(word).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}
