//! Writing down a hook that ran.

use chrono::{DateTime, Utc};
use pml_entity::traceability::hook_executions;
use pml_entity::values::{CorrelationId, ExecutionId, HookExecutionId, HookStatus};
use sea_orm::prelude::Json;
use sea_orm::{ConnectionTrait, FromQueryResult, TransactionSession, TransactionTrait};
use serde::Serialize;

use super::super::rules::hook_type_of;
use super::super::{Sanitizer, TraceabilityError};
use super::record::{Kind, Prepared, field, json, stored};
use super::times::{self, Given, Skew};
use super::{check, note_skew};
use crate::Error;
use crate::sql::statement;

/// A hook to write down.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewHook {
    /// Makes a retry harmless. Default: a new one.
    pub id: Option<HookExecutionId>,
    /// What the header `X-Execution-ID` says. Default: a new one.
    pub execution_id: Option<ExecutionId>,
    /// The hook that it is nested in.
    pub parent_id: Option<ExecutionId>,
    /// What it hooks into, for example `PreToolUse`. Default: by its name, see [`rules::hook_type_of`](crate::traceability::rules::hook_type_of).
    pub hook_type: Option<String>,
    /// The hook itself, for example `quality-enforcer`.
    pub hook_name: String,
    /// Its place among the hooks of the execution, from 1. Default: the next one, exact however many write at once.
    pub execution_order: Option<i32>,
    /// The tool that was intercepted.
    pub tool_name: Option<String>,
    /// The file that was touched.
    pub file_path: Option<String>,
    /// When it began. Default: its end less its duration, or now.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended. Default once it is over: its beginning and its duration, or now.
    pub completed_at: Option<DateTime<Utc>>,
    /// How long it took in milliseconds; the fraction is cut. Default: the difference.
    pub duration_ms: Option<f64>,
    /// How far it is. Default: failed with an error, else completed with an end or a duration, else in progress.
    pub status: Option<HookStatus>,
    /// What it was given. Like all documents: at most 1 MiB, secrets are replaced.
    pub input_data: Option<Json>,
    /// What it gave.
    pub output_data: Option<Json>,
    /// What it changed about the tool call.
    pub modifications_made: Option<Json>,
    /// Whether it asked a retrieval service.
    pub rag_query_performed: bool,
    /// What that answered.
    pub rag_results: Option<Json>,
    /// Whether it checked quality.
    pub quality_check_performed: bool,
    /// What the check found.
    pub quality_results: Option<Json>,
    /// Intelligence functions that ran.
    pub intelligence_functions_executed: Option<Vec<String>>,
    /// Quality gates that passed.
    pub quality_gates_validated: Option<Vec<String>>,
    /// Why it failed, in words.
    pub error_message: Option<String>,
    /// Why it failed, as a class.
    pub error_type: Option<String>,
    /// Where it failed.
    pub error_stack: Option<String>,
    /// Anything else.
    pub metadata: Option<Json>,
}

/// A hook as it is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct HookRow {
    pub(crate) id: HookExecutionId,
    pub(crate) correlation_id: CorrelationId,
    execution_id: ExecutionId,
    parent_id: Option<ExecutionId>,
    hook_type: String,
    hook_name: String,
    execution_order: Option<i32>,
    tool_name: Option<String>,
    file_path: Option<String>,
    started_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    duration_ms: Option<i32>,
    status: HookStatus,
    input_data: Option<Json>,
    output_data: Option<Json>,
    modifications_made: Option<Json>,
    rag_query_performed: bool,
    rag_results: Option<Json>,
    quality_check_performed: bool,
    quality_results: Option<Json>,
    intelligence_functions_executed: Option<Vec<String>>,
    quality_gates_validated: Option<Vec<String>>,
    error_message: Option<String>,
    error_type: Option<String>,
    error_stack: Option<String>,
    metadata: Option<Json>,
}

const HOOK: Kind = Kind {
    table: "hook_executions",
    entity: "hook execution",
    part: true,
    fields: &[
        field("id", "uuid"),
        field("execution_id", "uuid"),
        field("parent_id", "uuid"),
        field("hook_type", "text"),
        field("hook_name", "text"),
        field("execution_order", "integer"),
        field("tool_name", "text"),
        field("file_path", "text"),
        field("started_at", "timestamptz"),
        field("completed_at", "timestamptz"),
        field("duration_ms", "integer"),
        field("status", "text"),
        field("input_data", "jsonb"),
        field("output_data", "jsonb"),
        field("modifications_made", "jsonb"),
        field("rag_query_performed", "boolean"),
        field("rag_results", "jsonb"),
        field("quality_check_performed", "boolean"),
        field("quality_results", "jsonb"),
        field("intelligence_functions_executed", "text[]"),
        field("quality_gates_validated", "text[]"),
        field("error_message", "text"),
        field("error_type", "text"),
        field("error_stack", "text"),
        field("metadata", "jsonb"),
    ],
};

impl NewHook {
    /// Checks it and takes its secrets out.
    pub(crate) fn prepare(
        mut self,
        correlation_id: CorrelationId,
        sanitizer: Sanitizer,
        skew: Skew,
    ) -> Result<Prepared<HookRow>, TraceabilityError> {
        self.check(sanitizer)?;
        let status = self.status.unwrap_or(
            if self.error_message.is_some() || self.error_type.is_some() {
                HookStatus::Failed
            } else if self.completed_at.is_some() || self.duration_ms.is_some() {
                HookStatus::Completed
            } else {
                HookStatus::InProgress
            },
        );
        let given = Given {
            started_at: self.started_at,
            completed_at: self.completed_at,
            duration_ms: self.duration_ms,
            ended: status != HookStatus::InProgress,
        };
        let times = times::complete(given, skew)?;
        note_skew(&mut self.metadata, times.skew_ms);
        let assumed = [
            ("execution_id", self.execution_id.is_none()),
            ("execution_order", self.execution_order.is_none()),
            ("started_at", self.started_at.is_none()),
            ("completed_at", self.completed_at.is_none()),
            ("duration_ms", self.duration_ms.is_none()),
        ];
        let hook_type = self
            .hook_type
            .unwrap_or_else(|| hook_type_of(&self.hook_name).to_owned());
        let row = HookRow {
            id: self.id.unwrap_or_else(HookExecutionId::generate),
            correlation_id,
            execution_id: self.execution_id.unwrap_or_else(ExecutionId::generate),
            parent_id: self.parent_id,
            hook_type,
            hook_name: self.hook_name,
            execution_order: self.execution_order,
            tool_name: self.tool_name,
            file_path: self.file_path,
            started_at: times.started_at,
            completed_at: times.completed_at,
            duration_ms: times.duration_ms,
            status,
            input_data: self.input_data,
            output_data: self.output_data,
            modifications_made: self.modifications_made,
            rag_query_performed: self.rag_query_performed,
            rag_results: self.rag_results,
            quality_check_performed: self.quality_check_performed,
            quality_results: self.quality_results,
            intelligence_functions_executed: self.intelligence_functions_executed,
            quality_gates_validated: self.quality_gates_validated,
            error_message: self.error_message,
            error_type: self.error_type,
            error_stack: self.error_stack,
            metadata: self.metadata,
        };
        Ok(Prepared::new(row, &assumed))
    }

    fn check(&mut self, sanitizer: Sanitizer) -> Result<(), TraceabilityError> {
        check::name("hook_name", &self.hook_name)?;
        check::optional_name("hook_type", self.hook_type.as_deref())?;
        check::optional_name("tool_name", self.tool_name.as_deref())?;
        if let Some(file_path) = &self.file_path {
            check::path("file_path", file_path)?;
        }
        check::optional_name("error_type", self.error_type.as_deref())?;
        check::text("error_message", self.error_message.as_deref())?;
        check::text("error_stack", self.error_stack.as_deref())?;
        check::number("execution_order", self.execution_order, 1, i32::MAX)?;
        check::labels(
            "intelligence_functions_executed",
            self.intelligence_functions_executed.as_deref(),
        )?;
        check::labels(
            "quality_gates_validated",
            self.quality_gates_validated.as_deref(),
        )?;
        check::document("input_data", &mut self.input_data, sanitizer)?;
        check::document("output_data", &mut self.output_data, sanitizer)?;
        check::document(
            "modifications_made",
            &mut self.modifications_made,
            sanitizer,
        )?;
        check::document("rag_results", &mut self.rag_results, sanitizer)?;
        check::document("quality_results", &mut self.quality_results, sanitizer)?;
        check::document("metadata", &mut self.metadata, sanitizer)?;
        if self.completed_at.is_some() && self.status == Some(HookStatus::InProgress) {
            return Err(TraceabilityError::InvalidField {
                field: "completed_at",
                problem: "is given, but the status is in_progress".to_owned(),
            });
        }
        Ok(())
    }
}

/// The statement that writes the hooks of `$1`, which know their executions; these must be locked. What has its id stays.
///
/// Ids are ordered by time, so hooks without a place come in the order in which they were recorded.
pub(crate) fn bulk_sql() -> String {
    const ORDER: &str = "coalesce(new.execution_order, \
        (SELECT coalesce(max(h.execution_order), 0) FROM hook_executions h WHERE h.trace_id = e.id) \
        + (row_number() OVER (PARTITION BY e.id, new.execution_order IS NULL ORDER BY new.id))::integer)";
    format!(
        "{} FROM {} JOIN execution_traces e USING (correlation_id) \
         WHERE NOT EXISTS (SELECT FROM hook_executions h WHERE h.id = new.id) ON CONFLICT (id) DO NOTHING",
        HOOK.insert(&[("execution_order", ORDER), ("trace_id", "e.id")]),
        HOOK.records()
    )
}

/// Writes down a hook that ran. Two statements in a transaction: it locks the execution against other hooks, so that places are exact; a
/// third one if the id is taken.
///
/// # Errors
/// [`TraceabilityError::UnknownCorrelation`] if nobody started the execution; [`TraceabilityError::IdTaken`] if the id was used for
/// something else; [`TraceabilityError::InvalidField`], [`TraceabilityError::BodyTooLarge`] and [`TraceabilityError::ClockSkew`].
pub async fn hook<C>(
    db: &C,
    correlation: CorrelationId,
    new: NewHook,
) -> Result<hook_executions::Model, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let may_be_taken = new.id.is_some();
    let Prepared { row, assumed } =
        new.prepare(correlation, Sanitizer::hardened(), Skew::Refuse)?;
    let id = row.id;
    let tx = db.begin().await?;
    let lock = "SELECT id FROM execution_traces WHERE correlation_id = $1 FOR NO KEY UPDATE";
    let known = tx
        .query_one_raw(statement(lock, [correlation.into()]))
        .await?;
    if known.is_none() {
        return Err(TraceabilityError::UnknownCorrelation(correlation).into());
    }
    let rows = json(&[row])?;
    let insert = format!("{} RETURNING t.*", bulk_sql());
    let answer = tx
        .query_one_raw(statement(insert, [rows.clone().into()]))
        .await?;
    let model = if let Some(row) = answer {
        hook_executions::Model::from_query_result(&row, "")?
    } else {
        let values = [rows.into(), assumed.into()];
        match stored(&tx, HOOK, "t.*", &[], values).await? {
            Some((model, true)) if may_be_taken => model,
            _ => return Err(HOOK.taken(&id)),
        }
    };
    tx.commit().await?;
    Ok(model)
}
