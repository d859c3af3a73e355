//! What the executions add up to.

use chrono::{DateTime, Utc};
use pml_entity::traceability::{
    agent_chaining_patterns, agent_performance, dashboard_summary, error_analysis,
    pattern_effectiveness,
};
use sea_orm::prelude::Uuid;
use serde_json::Value;

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
    pub struct ErrorAnalysis from error_analysis::Model {
        /// The class of the error.
        error_type: String,
        /// Where it comes from.
        error_category: Option<String>,
        /// How bad it is.
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
