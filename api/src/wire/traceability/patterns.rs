//! Finding patterns, replaying them, and saying what came of it.

use chrono::{DateTime, Utc};
use pml_entity::traceability::pattern_usage_log;
use pml_service::traceability::learning as service;
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::row::row;

/// A request that patterns are looked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"request": "the login test fails, find out why", "context": {"domain": "auth"}}))]
pub struct MatchBody {
    /// The request, in words.
    pub request: String,
    /// Its vector, of the model of the stored ones: 1,536 finite numbers, not all zero. Left out: made from the request.
    pub embedding: Option<Vec<f32>>,
    /// The context it is made in; its key `domain` counts.
    #[schema(value_type = Option<Object>)]
    pub context: Option<Value>,
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Advice {
    /// `replay` the first match, `suggest` it, or route as `normal`.
    pub decision: String,
    /// The patterns that fit, best first; at most three, of 0.75 and more.
    pub matches: Vec<PatternMatch>,
    /// How to replay the first of them, where that is the decision.
    pub plan: Option<ReplayPlan>,
}

impl From<service::Advice> for Advice {
    fn from(advice: service::Advice) -> Self {
        let decision = match advice.decision {
            service::Decision::Replay => "replay",
            service::Decision::Suggest => "suggest",
            service::Decision::Normal => "normal",
        };
        Self {
            decision: decision.to_owned(),
            matches: advice.matches.into_iter().map(Into::into).collect(),
            plan: advice.plan.map(Into::into),
        }
    }
}

/// A pattern that fits, and how well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PatternMatch {
    /// The pattern.
    pub pattern_id: Uuid,
    /// The hash of its steps.
    pub pattern_hash: String,
    /// Its prompt.
    pub prompt_text: String,
    /// What its prompt wanted.
    pub intent_classification: Option<String>,
    /// Its words.
    pub keywords: Vec<String>,
    /// Its agents.
    pub agent_sequence: Vec<String>,
    /// How its first agent was chosen.
    pub routing_strategy: Option<String>,
    /// Share of its replays that worked.
    pub success_rate: f64,
    /// Whether it failed too often to be replayed without asking.
    pub low_confidence: bool,
    /// Trust in it.
    pub confidence_score: f64,
    /// How often it was replayed.
    pub total_usage_count: i32,
    /// Mean duration in milliseconds.
    pub avg_duration_ms: i32,
    /// Longest duration in milliseconds.
    pub max_duration_ms: i32,
    /// How well it fits: 0.40 semantic + 0.20 keyword + 0.20 intent + 0.10 context + 0.10 historical.
    pub total: f64,
    /// Cosine similarity of the vectors.
    pub semantic: f64,
    /// Shared words over the longer list of words.
    pub keyword: f64,
    /// 1 for the same intent, else 0.3.
    pub intent: f64,
    /// 1 for the same domain, else 0.5.
    pub context: f64,
    /// How often it worked.
    pub historical: f64,
}

impl From<service::PatternMatch> for PatternMatch {
    fn from(found: service::PatternMatch) -> Self {
        Self {
            low_confidence: found.is_low_confidence(),
            pattern_id: found.pattern_id.as_uuid(),
            pattern_hash: found.pattern_hash,
            prompt_text: found.prompt_text,
            intent_classification: found.intent_classification,
            keywords: found.keywords,
            agent_sequence: found.agent_sequence,
            routing_strategy: found.routing_strategy,
            success_rate: found.success_rate.into(),
            confidence_score: found.confidence_score.into(),
            total_usage_count: found.total_usage_count,
            avg_duration_ms: found.avg_duration_ms,
            max_duration_ms: found.max_duration_ms,
            total: found.score.total,
            semantic: found.score.semantic,
            keyword: found.score.keyword,
            intent: found.score.intent,
            context: found.score.context,
            historical: found.score.historical,
        }
    }
}

/// How to repeat what worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplayPlan {
    /// The pattern.
    pub pattern_id: Uuid,
    /// The first agent.
    pub agent: Option<String>,
    /// Per hook: `hook_type`, `tool_name`, `expected_intelligence_functions`, `expected_quality_gates`, `expected_duration_ms`.
    #[schema(value_type = Vec<Object>)]
    pub hook_plan: Value,
    /// `intelligence_functions`, sorted, and `rag_query_patterns`.
    #[schema(value_type = Object)]
    pub intelligence_plan: Value,
    /// Per call: service, endpoint, method, the shapes of request and response, and how long it takes.
    #[schema(value_type = Vec<Object>)]
    pub endpoint_expectations: Value,
    /// `expected_duration_ms`, `max_duration_ms`, `expected_hook_count`, `expected_endpoint_count`.
    #[schema(value_type = Object)]
    pub performance_expectations: Value,
    /// How often the pattern worked, 0 to 1.
    pub confidence: f64,
}

impl From<service::ReplayPlan> for ReplayPlan {
    fn from(plan: service::ReplayPlan) -> Self {
        let json = |part| serde_json::Result::unwrap_or_default(part);
        Self {
            pattern_id: plan.pattern_id.as_uuid(),
            agent: plan.agent,
            hook_plan: json(serde_json::to_value(plan.hook_plan)),
            intelligence_plan: json(serde_json::to_value(plan.intelligence_plan)),
            endpoint_expectations: json(serde_json::to_value(plan.endpoint_expectations)),
            performance_expectations: json(serde_json::to_value(plan.performance_expectations)),
            confidence: plan.confidence,
        }
    }
}

/// A pattern that matched a request and was not replayed. No counter changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageBody {
    /// An id of your own for this entry.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// The execution; it need not be known.
    pub correlation_id: Uuid,
    /// The request that matched.
    pub user_request: String,
    /// How well it matched, 0 to 1.
    pub match_score: f64,
    /// What the user said of it.
    #[serde(default)]
    pub user_feedback: Option<String>,
}

/// A replay that came to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "correlation_id": "0190b5a0-0000-7000-8000-000000000001", "user_request": "the login test fails", "match_score": 0.91, "success": true,
    "deviations": [{"kind": "hook_failed", "hook_type": "PreToolUse", "tool_name": "Write"}], "expected_duration_ms": 1000, "actual_duration_ms": 1250
}))]
pub struct ReplayBody {
    /// An id of your own for this entry: with the same id it counts once.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// The execution.
    pub correlation_id: Uuid,
    /// The request that matched.
    pub user_request: String,
    /// How well it matched, 0 to 1.
    pub match_score: f64,
    /// Whether the execution worked.
    pub success: bool,
    /// Where it departed from the plan; each with `kind` `hook_failed`, `intelligence_missing` or `call_failed`.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub deviations: Vec<Value>,
    /// How long the plan expected, in milliseconds.
    #[serde(default)]
    pub expected_duration_ms: Option<i32>,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub actual_duration_ms: Option<i32>,
}

row! {
    /// An entry of the usage log.
    pub struct PatternUsage from pattern_usage_log::Model {
        /// The entry.
        id: Uuid,
        /// The pattern.
        pattern_id: Uuid,
        /// The row of the execution. Null: archived, or never known.
        trace_id: Option<Uuid>,
        /// The execution.
        correlation_id: Uuid,
        /// The request that matched.
        user_request: String,
        /// How well it matched.
        match_score: f64,
        /// Whether the pattern was replayed.
        used: bool,
        /// `success`, `failure` or `partial_success`.
        outcome: Option<String>,
        /// Whether it worked as planned.
        success: Option<bool>,
        /// Where it departed from the plan.
        #[schema(value_type = Option<Vec<Object>>)]
        deviations: Option<Value>,
        /// How long the plan expected, in milliseconds.
        expected_duration_ms: Option<i32>,
        /// How long it took, in milliseconds.
        actual_duration_ms: Option<i32>,
        /// (actual − expected) / expected.
        performance_variance: Option<f64>,
        /// What the user said of it.
        user_feedback: Option<String>,
        /// When.
        used_at: DateTime<Utc>,
        /// When the row was written.
        created_at: DateTime<Utc>,
        /// When the row last changed.
        updated_at: DateTime<Utc>,
    }
}

/// A finished replay: its entry of the log, and the figures of the pattern after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FinishedReplay {
    /// The entry.
    pub usage: PatternUsage,
    /// The figures. Null: the entry was there already, and nothing was counted.
    pub stats: Option<PatternStats>,
}

row! {
    /// The figures of a pattern after a replay.
    pub struct PatternStats from service::PatternStats {
        /// The pattern.
        pattern_id: Uuid,
        /// How often it was replayed.
        total_usage_count: i32,
        /// Replays that worked as planned.
        success_count: i32,
        /// Replays that failed.
        failure_count: i32,
        /// Share of replays that worked as planned.
        success_rate: f64,
        /// Trust in it.
        confidence_score: f64,
        /// Mean duration in milliseconds.
        avg_duration_ms: i32,
        /// Shortest duration in milliseconds.
        min_duration_ms: i32,
        /// Longest duration in milliseconds.
        max_duration_ms: i32,
        /// When it was last replayed.
        last_used_at: Option<DateTime<Utc>>,
    }
}

impl From<service::ReplayRecord> for FinishedReplay {
    fn from(record: service::ReplayRecord) -> Self {
        Self {
            usage: record.usage.into(),
            stats: record.stats.map(Into::into),
        }
    }
}
