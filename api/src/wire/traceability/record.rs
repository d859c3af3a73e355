//! Bodies of the routes that record: start, routing, hook, endpoint, complete.
//!
//! The execution is named by `correlation_id` in the body or by the header `X-Correlation-ID`; the body wins. An `id` of your own makes a
//! repeated request write nothing twice.

use chrono::{DateTime, Utc};
use pml_entity::traceability::agent_routing_decisions;
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::row::row;

/// An execution that begins. Ids that are left out come from the headers `X-Correlation-ID`, `X-Root-ID`, `X-Parent-ID` or
/// `traceparent`, or are made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"source": "user_prompt", "prompt_text": "Why does the login test fail?", "context": {"domain": "auth"}}))]
pub struct StartBody {
    /// What the world will know it by. The same id with the same content again answers the stored execution.
    pub correlation_id: Option<Uuid>,
    /// The first execution of its chain. Left out: that of the parent, or itself.
    pub root_id: Option<Uuid>,
    /// The execution that delegates to it.
    pub parent_id: Option<Uuid>,
    /// The session of the client. Left out: that of the parent, or a new one.
    pub session_id: Option<Uuid>,
    /// Whose it is. Left out: nobody's, and readable by everyone who is signed in.
    pub user_id: Option<String>,
    /// What set it off: `user_prompt`, `agent_delegation`, `hook_trigger` and others. Left out: the header `X-Source`, or `user_prompt`.
    pub source: Option<String>,
    /// The prompt.
    pub prompt_text: Option<String>,
    /// When it began. Left out: now.
    pub started_at: Option<DateTime<Utc>>,
    /// Anything else; matching reads its key `domain`.
    #[schema(value_type = Option<Object>)]
    pub context: Option<Value>,
    /// Labels.
    pub tags: Option<Vec<String>>,
}

/// Which agent an execution is given to, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "correlation_id": "0190b5a0-0000-7000-8000-000000000001", "agent_selected": "agent-debugging",
    "confidence_score": 0.92, "routing_strategy": "fuzzy_match", "alternatives": [{"agent": "agent-testing", "confidence": 0.61}]
}))]
pub struct RoutingBody {
    /// The execution.
    #[serde(default)]
    pub correlation_id: Option<Uuid>,
    /// An id of your own for this decision.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// The request that was routed.
    #[serde(default)]
    pub query_text: Option<String>,
    /// Its embedding: 1,536 finite numbers, not all zero.
    #[serde(default)]
    pub query_embedding: Option<Vec<f32>>,
    /// The agent that was chosen.
    pub agent_selected: String,
    /// Why, in words.
    #[serde(default)]
    pub selection_reason: Option<String>,
    /// How sure the choice was, 0 to 1.
    pub confidence_score: f64,
    /// Part of it: the trigger, 0 to 1.
    #[serde(default)]
    pub confidence_trigger: Option<f64>,
    /// Part of it: the context, 0 to 1.
    #[serde(default)]
    pub confidence_context: Option<f64>,
    /// Part of it: the agent's abilities, 0 to 1.
    #[serde(default)]
    pub confidence_capability: Option<f64>,
    /// Part of it: how it went before, 0 to 1.
    #[serde(default)]
    pub confidence_historical: Option<f64>,
    /// The agents that were not chosen, best first: `[{"agent", "confidence"}]`.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>)]
    pub alternatives: Option<Value>,
    /// How it was chosen: `explicit`, `fuzzy_match`, `learned_pattern`, `pattern_replay`, `normal`, `fallback` or another word.
    pub routing_strategy: String,
    /// The success pattern it was taken from.
    #[serde(default)]
    pub pattern_id: Option<Uuid>,
    /// Whether a cache answered.
    #[serde(default)]
    pub cache_hit: bool,
    /// How long the choice took in milliseconds.
    #[serde(default)]
    pub decision_duration_ms: Option<i32>,
    /// When the agent began.
    #[serde(default)]
    pub execution_started_at: Option<DateTime<Utc>>,
    /// When the agent ended.
    #[serde(default)]
    pub execution_completed_at: Option<DateTime<Utc>>,
}

/// A hook that ran. Secrets in `input_data` and `output_data` are replaced by `[REDACTED]` before they are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "correlation_id": "0190b5a0-0000-7000-8000-000000000001", "hook_type": "PreToolUse", "hook_name": "quality-enforcer",
    "tool_name": "Write", "status": "completed", "duration_ms": 12, "quality_gates_validated": ["SV-001"]
}))]
pub struct HookBody {
    /// The execution.
    #[serde(default)]
    pub correlation_id: Option<Uuid>,
    /// An id of your own for this hook.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// What nested hooks name it by. Left out: the header `X-Execution-ID`, or a new one.
    #[serde(default)]
    pub execution_id: Option<Uuid>,
    /// The `execution_id` of the hook that this one is nested in.
    #[serde(default)]
    pub parent_id: Option<Uuid>,
    /// What it hooks into, for example `PreToolUse`. Left out: taken from the name.
    #[serde(default)]
    pub hook_type: Option<String>,
    /// The hook itself.
    pub hook_name: String,
    /// The tool that was intercepted.
    #[serde(default)]
    pub tool_name: Option<String>,
    /// The file that was touched.
    #[serde(default)]
    pub file_path: Option<String>,
    /// When it began. Left out: now.
    #[serde(default)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended. Left out with a final status: the beginning and the duration, or now.
    #[serde(default)]
    pub completed_at: Option<DateTime<Utc>>,
    /// How long it took in milliseconds. A fraction is cut off.
    #[serde(default)]
    pub duration_ms: Option<f64>,
    /// `in_progress` (the default), `completed` or `failed`.
    #[serde(default)]
    pub status: Option<String>,
    /// What it was given.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub input_data: Option<Value>,
    /// What it gave.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub output_data: Option<Value>,
    /// What it changed about the tool call.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub modifications_made: Option<Value>,
    /// Whether it asked a retrieval service.
    #[serde(default)]
    pub rag_query_performed: bool,
    /// What that answered.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub rag_results: Option<Value>,
    /// Whether it checked quality.
    #[serde(default)]
    pub quality_check_performed: bool,
    /// What the check found.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub quality_results: Option<Value>,
    /// Intelligence functions that ran.
    #[serde(default)]
    pub intelligence_functions_executed: Option<Vec<String>>,
    /// Quality gates that passed.
    #[serde(default)]
    pub quality_gates_validated: Option<Vec<String>>,
    /// Why it failed, in words.
    #[serde(default)]
    pub error_message: Option<String>,
    /// Why it failed, as a class.
    #[serde(default)]
    pub error_type: Option<String>,
    /// Where it failed.
    #[serde(default)]
    pub error_stack: Option<String>,
    /// Anything else.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Value>,
}

/// A service that was called. Secrets in `request_body` and `headers` are replaced by `[REDACTED]` before they are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "correlation_id": "0190b5a0-0000-7000-8000-000000000001", "service_name": "archon-intelligence", "endpoint_path": "/api/rag/query",
    "http_method": "POST", "response_status": 200, "duration_ms": 48
}))]
pub struct EndpointBody {
    /// The execution.
    #[serde(default)]
    pub correlation_id: Option<Uuid>,
    /// An id of your own for this call.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// The row id of the hook that called.
    #[serde(default)]
    pub hook_execution_id: Option<Uuid>,
    /// The service.
    pub service_name: String,
    /// The path.
    pub endpoint_path: String,
    /// The HTTP method.
    pub http_method: String,
    /// What was sent.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub request_body: Option<Value>,
    /// What came back.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub response_body: Option<Value>,
    /// The HTTP status. Left out: nothing came back.
    #[serde(default)]
    pub response_status: Option<i32>,
    /// The question, where the service retrieves.
    #[serde(default)]
    pub rag_query: Option<String>,
    /// The verdict, where the service checks quality, 0 to 1.
    #[serde(default)]
    pub quality_score: Option<f64>,
    /// When it began. Left out: now.
    #[serde(default)]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(default)]
    pub completed_at: Option<DateTime<Utc>>,
    /// How long it took in milliseconds. A fraction is cut off.
    #[serde(default)]
    pub duration_ms: Option<f64>,
    /// Whether it worked. Left out: it did when a status below 400 came back and there is no error.
    #[serde(default)]
    pub success: Option<bool>,
    /// Why it failed, in words.
    #[serde(default)]
    pub error_message: Option<String>,
    /// Why it failed: `timeout`, `connection_error`, `http_error` or another class.
    #[serde(default)]
    pub error_type: Option<String>,
    /// How often it was tried again.
    #[serde(default)]
    pub retry_count: i32,
    /// The headers that were sent.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub headers: Option<Value>,
    /// Anything else.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub context: Option<Value>,
}

/// How an execution ended: `success`, or `status` alone (`completed`, `failed`, `cancelled`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(example = json!({"correlation_id": "0190b5a0-0000-7000-8000-000000000001", "success": true}))]
pub struct CompleteBody {
    /// The execution.
    pub correlation_id: Option<Uuid>,
    /// Whether it worked.
    pub success: Option<bool>,
    /// `completed`, `failed` or `cancelled`. Left out: what `success` means.
    pub status: Option<String>,
    /// Why it failed, in words.
    pub error_message: Option<String>,
    /// Why it failed, as a class.
    pub error_type: Option<String>,
    /// When it ended. Left out: now.
    pub completed_at: Option<DateTime<Utc>>,
}

/// What is answered to `Prefer: respond-async`: it is queued and will be stored within moments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// The execution.
    pub correlation_id: Uuid,
    /// The id that the row will have. Null for the end of an execution, which makes no row.
    pub id: Option<Uuid>,
}

row! {
    /// Which agent an execution was given to, and why.
    pub struct RoutingDecision from agent_routing_decisions::Model, or pml_service::traceability::read::RoutingDecision {
        /// The row.
        id: Uuid,
        /// The execution it is part of.
        trace_id: Uuid,
        /// The request that was routed.
        query_text: Option<String>,
        /// The agent that was chosen.
        agent_selected: String,
        /// Why, in words.
        selection_reason: Option<String>,
        /// How sure the choice was.
        confidence_score: f64,
        /// Part of it: how well the request fits what the agent reacts to.
        confidence_trigger: Option<f64>,
        /// Part of it: how well the context fits.
        confidence_context: Option<f64>,
        /// Part of it: how well the agent's abilities fit.
        confidence_capability: Option<f64>,
        /// Part of it: how well it went before.
        confidence_historical: Option<f64>,
        /// The agents that were not chosen, best first.
        #[schema(value_type = Option<Object>)]
        alternatives: Option<Value>,
        /// How it was chosen: `explicit`, `fuzzy_match`, `learned_pattern`, `pattern_replay`, `normal`, `fallback`. Not a closed set.
        routing_strategy: String,
        /// The pattern it was taken from.
        pattern_id: Option<Uuid>,
        /// Whether a cache answered.
        cache_hit: bool,
        /// How long the choice took in milliseconds, at least 0.
        decision_duration_ms: Option<i32>,
        /// When the agent began.
        execution_started_at: Option<DateTime<Utc>>,
        /// When the agent ended.
        execution_completed_at: Option<DateTime<Utc>>,
        /// When the row was written.
        created_at: DateTime<Utc>,
        /// When the row last changed. A trigger sets it: what a client writes is overwritten.
        updated_at: DateTime<Utc>,
    }
}
