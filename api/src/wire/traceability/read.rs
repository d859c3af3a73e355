//! Executions as they are read: lists, whole trees and time lines.

use chrono::{DateTime, Utc};
use pml_entity::traceability::{endpoint_calls, execution_traces, hook_executions, trace_summary};
use sea_orm::prelude::Uuid;
use serde_json::Value;

use super::row::row;

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
