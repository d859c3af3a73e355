//! Executions as they are read: lists, whole trees and time lines.

use chrono::{DateTime, Utc};
use pml_entity::traceability::{endpoint_calls, execution_traces, hook_executions, trace_summary};
use pml_service::traceability::read as service;
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{RoutingDecision, row::row};

row! {
    /// One execution.
    pub struct Trace from execution_traces::Model {
        /// What its parts refer to.
        id: Uuid,
        /// What the world knows it by; unique.
        correlation_id: Uuid,
        /// The first execution of its chain; its own correlation id where it is the first.
        root_id: Uuid,
        /// The execution that delegated to it.
        parent_id: Option<Uuid>,
        /// The session of the client.
        session_id: Uuid,
        /// Whose it is, in the words of the platform. Null: nobody's, and readable by everyone who is signed in.
        user_id: Option<String>,
        /// What set it off: `user_prompt`, `agent_delegation`, `hook_trigger` and others. Not a closed set.
        source: String,
        /// The prompt; normally on the root only.
        prompt_text: Option<String>,
        /// When it began: retention and lists go by it.
        started_at: DateTime<Utc>,
        /// When it ended. Null: it runs, or nobody said.
        completed_at: Option<DateTime<Utc>>,
        /// How long it took in whole milliseconds, at least 0.
        duration_ms: Option<i32>,
        /// How far it is.
        status: String,
        /// Whether it worked, and what readers go by. Null while it runs.
        success: Option<bool>,
        /// Why it failed, in words.
        error_message: Option<String>,
        /// Why it failed, as a class such as `timeout`. Not a closed set.
        error_type: Option<String>,
        /// Anything else; matching reads its key `domain`.
        #[schema(value_type = Option<Object>)]
        context: Option<Value>,
        /// Labels.
        tags: Option<Vec<String>>,
        /// When the row was written.
        created_at: DateTime<Utc>,
        /// When the row last changed. A trigger sets it: what a client writes is overwritten.
        updated_at: DateTime<Utc>,
    }
}

row! {
    /// A hook that ran.
    pub struct HookExecution from hook_executions::Model {
        /// The row.
        id: Uuid,
        /// The execution it is part of.
        trace_id: Uuid,
        /// What the header `X-Execution-ID` says.
        execution_id: Uuid,
        /// The hook that this one is nested in.
        parent_id: Option<Uuid>,
        /// What it hooks into: `UserPromptSubmit`, `PreToolUse`, `PostToolUse`, `Stop`, `SessionStart`, `SessionEnd`, `Unknown`. Not a closed set.
        hook_type: String,
        /// The hook itself, for example `quality-enforcer`.
        hook_name: String,
        /// Its place among the hooks of the execution, from 1. Older tracers left duplicates.
        execution_order: i32,
        /// The tool that was intercepted.
        tool_name: Option<String>,
        /// The file that was touched.
        file_path: Option<String>,
        /// When it began.
        started_at: DateTime<Utc>,
        /// When it ended.
        completed_at: Option<DateTime<Utc>>,
        /// How long it took in whole milliseconds, at least 0.
        duration_ms: Option<i32>,
        /// How far it is. It succeeded when it is completed and has no error message.
        status: String,
        /// What it was given, without secrets.
        #[schema(value_type = Option<Object>)]
        input_data: Option<Value>,
        /// What it gave, without secrets.
        #[schema(value_type = Option<Object>)]
        output_data: Option<Value>,
        /// What it changed about the tool call.
        #[schema(value_type = Option<Object>)]
        modifications_made: Option<Value>,
        /// Whether it asked a retrieval service.
        rag_query_performed: bool,
        /// What that answered.
        #[schema(value_type = Option<Object>)]
        rag_results: Option<Value>,
        /// Whether it checked quality.
        quality_check_performed: bool,
        /// What the check found: `violations_found`, `corrections_applied`, `quality_score`.
        #[schema(value_type = Option<Object>)]
        quality_results: Option<Value>,
        /// Intelligence functions that ran, for example `IC-001`.
        intelligence_functions_executed: Option<Vec<String>>,
        /// Quality gates that passed, for example `SV-001`.
        quality_gates_validated: Option<Vec<String>>,
        /// Why it failed, in words.
        error_message: Option<String>,
        /// Why it failed, as a class.
        error_type: Option<String>,
        /// Where it failed.
        error_stack: Option<String>,
        /// Anything else.
        #[schema(value_type = Option<Object>)]
        metadata: Option<Value>,
        /// When the row was written.
        created_at: DateTime<Utc>,
        /// When the row last changed. A trigger sets it: what a client writes is overwritten.
        updated_at: DateTime<Utc>,
    }
}

row! {
    /// A service that was called.
    pub struct EndpointCall from endpoint_calls::Model {
        /// The row.
        id: Uuid,
        /// The execution it is part of.
        trace_id: Uuid,
        /// The hook that called. Null: none, or its row is gone.
        hook_execution_id: Option<Uuid>,
        /// The service, for example `archon-mcp`.
        service_name: String,
        /// The path, for example `/api/rag/query`.
        endpoint_path: String,
        /// The HTTP method.
        http_method: String,
        /// What was sent, without secrets.
        #[schema(value_type = Option<Object>)]
        request_body: Option<Value>,
        /// What came back.
        #[schema(value_type = Option<Object>)]
        response_body: Option<Value>,
        /// The HTTP status. Null: nothing came back.
        response_status: Option<i32>,
        /// The question, where the service retrieves.
        rag_query: Option<String>,
        /// The verdict, where the service checks quality.
        quality_score: Option<f64>,
        /// When it began.
        started_at: DateTime<Utc>,
        /// When it ended.
        completed_at: Option<DateTime<Utc>>,
        /// How long it took in whole milliseconds, at least 0.
        duration_ms: Option<i32>,
        /// Whether an answer came back and its status is below 400.
        success: bool,
        /// Why it failed, in words.
        error_message: Option<String>,
        /// Why it failed: `timeout`, `connection_error`, `http_error` and others. Not a closed set.
        error_type: Option<String>,
        /// How often it was tried again.
        retry_count: i32,
        /// The headers that were sent, without secrets.
        #[schema(value_type = Option<Object>)]
        headers: Option<Value>,
        /// Anything else.
        #[schema(value_type = Option<Object>)]
        context: Option<Value>,
        /// When the row was written.
        created_at: DateTime<Utc>,
        /// When the row last changed. A trigger sets it: what a client writes is overwritten.
        updated_at: DateTime<Utc>,
    }
}

row! {
    /// An execution in a list.
    pub struct TraceSummary from trace_summary::Model {
        /// The row of the execution.
        id: Uuid,
        /// The execution.
        correlation_id: Uuid,
        /// The session of the client.
        session_id: Uuid,
        /// The prompt.
        prompt_text: Option<String>,
        /// When it began.
        started_at: DateTime<Utc>,
        /// When it ended.
        completed_at: Option<DateTime<Utc>>,
        /// How long it took in milliseconds.
        duration_ms: Option<i32>,
        /// How far it is.
        status: String,
        /// Whether it worked.
        success: Option<bool>,
        /// The agent of the newest decision.
        agent_selected: Option<String>,
        /// The confidence of that decision.
        routing_confidence: Option<f64>,
        /// Number of hooks.
        hook_count: i64,
        /// Number of calls.
        endpoint_count: i64,
        /// Why it failed, as a class.
        error_type: Option<String>,
    }
}

/// An execution with its parts and with everything it delegated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AssembledTrace {
    /// The execution itself.
    #[serde(flatten)]
    pub trace: Trace,
    /// Its newest routing decision.
    pub routing_decision: Option<RoutingDecision>,
    /// Its hooks in their order.
    pub hook_executions: Vec<HookExecution>,
    /// Its calls by time.
    pub endpoint_calls: Vec<EndpointCall>,
    /// The executions it delegated to, by time, each like this one.
    #[schema(no_recursion)]
    pub child_traces: Vec<AssembledTrace>,
    /// Number of its own hooks.
    pub total_hooks: u32,
    /// Number of its own calls.
    pub total_endpoints: u32,
    /// Number of its own hooks that asked a retrieval service.
    pub total_rag_queries: u32,
    /// Quality gates that its own hooks passed.
    pub total_quality_gates: u32,
    /// Whether something below it was left out: more than 32 levels, 1,000 executions, or 10,000 hooks or calls. Only the execution
    /// that was asked for says so.
    pub truncated: bool,
}

impl From<service::AssembledTrace> for AssembledTrace {
    fn from(assembled: service::AssembledTrace) -> Self {
        Self {
            trace: assembled.trace.into(),
            routing_decision: assembled.routing_decision.map(Into::into),
            hook_executions: convert(assembled.hook_executions),
            endpoint_calls: convert(assembled.endpoint_calls),
            child_traces: convert(assembled.child_traces),
            total_hooks: assembled.total_hooks,
            total_endpoints: assembled.total_endpoints,
            total_rag_queries: assembled.total_rag_queries,
            total_quality_gates: assembled.total_quality_gates,
            truncated: assembled.truncated,
        }
    }
}

/// The events of an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Timeline {
    /// The execution.
    pub correlation_id: Uuid,
    /// What happened, by time.
    pub events: Vec<TimelineEvent>,
}

/// One moment of an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "timestamp": "2026-11-27T09:00:01Z", "event_type": "agent_routed", "data": {"agent": "agent-debugging", "confidence": 0.92}
}))]
pub struct TimelineEvent {
    /// When.
    pub timestamp: DateTime<Utc>,
    /// `prompt_submitted`, `agent_routed`, `hook_executed`, `endpoint_called` or `execution_completed`.
    pub event_type: String,
    /// What, according to the type of event.
    #[schema(value_type = Object)]
    pub data: Value,
}

impl From<service::TimelineEvent> for TimelineEvent {
    fn from(event: service::TimelineEvent) -> Self {
        let mut shown = serde_json::to_value(&event.event).unwrap_or_default();
        Self {
            timestamp: event.timestamp,
            event_type: event.event.event_type().to_owned(),
            data: shown["data"].take(),
        }
    }
}

/// An execution and everything below it, flat: by depth, then time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hierarchy {
    /// The executions; the first is the one that was asked for.
    pub nodes: Vec<HierarchyNode>,
    /// Whether executions beyond 32 levels or 1,000 were left out.
    pub truncated: bool,
}

row! {
    /// One execution of a hierarchy.
    pub struct HierarchyNode from service::HierarchyNode {
        /// Its row.
        trace_id: Uuid,
        /// The execution.
        correlation_id: Uuid,
        /// Who delegated to it.
        parent_id: Option<Uuid>,
        /// Levels below the one that was asked for, which has 0.
        depth: i32,
        /// The correlation ids from the one that was asked for to this one.
        path: Vec<Uuid>,
        /// What set it off.
        source: String,
        /// How far it is.
        status: String,
        /// Whether it worked.
        success: Option<bool>,
        /// When it began.
        started_at: DateTime<Utc>,
        /// How long it took in milliseconds.
        duration_ms: Option<i32>,
    }
}

impl From<service::Hierarchy> for Hierarchy {
    fn from(hierarchy: service::Hierarchy) -> Self {
        Self {
            nodes: convert(hierarchy.nodes),
            truncated: hierarchy.truncated,
        }
    }
}

/// Which executions to list, and which part of the list. Everything is text here: the handler reads it, so that each bad value gets
/// its own code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TraceListQuery {
    /// Only `in_progress`, `completed`, `failed` or `cancelled` ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Only those that worked, or with `false` those that did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<bool>)]
    pub success: Option<String>,
    /// Only those of this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<Uuid>)]
    pub session_id: Option<String>,
    /// Only those of the chain that began with this execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<Uuid>)]
    pub root_id: Option<String>,
    /// Only those of this user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Only those that this set off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(example = "user_prompt")]
    pub source: Option<String>,
    /// Only those whose newest decision chose this agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Only those that failed with this class of error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// Only those with this label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only those that began then or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<DateTime<Utc>>)]
    pub since: Option<String>,
    /// Only those that began earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<DateTime<Utc>>)]
    pub until: Option<String>,
    /// The most items, 1 to 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<String>,
    /// `next_cursor` of the part before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

fn convert<A, B: From<A>>(rows: Vec<A>) -> Vec<B> {
    rows.into_iter().map(B::from).collect()
}
