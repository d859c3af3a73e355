//! Writing down a call of a service.

use chrono::{DateTime, Utc};
use pml_entity::traceability::endpoint_calls;
use pml_entity::values::{CorrelationId, EndpointCallId, HookExecutionId, Score};
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Json;
use serde::Serialize;

use super::super::rules::call_success;
use super::super::{Sanitizer, TraceabilityError};
use super::record::{Kind, Outcome, Prepared, field, json, stored};
use super::times::{self, Given, Skew};
use super::{check, note_skew};
use crate::Error;
use crate::sql::statement;

/// A call to write down, once it is over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewEndpointCall {
    /// Makes a retry harmless. Default: a new one.
    pub id: Option<EndpointCallId>,
    /// The hook that called; one of the same execution.
    pub hook_execution_id: Option<HookExecutionId>,
    /// The service, for example `archon-mcp`.
    pub service_name: String,
    /// The path, for example `/api/rag/query`; at most 2,048 bytes.
    pub endpoint_path: String,
    /// The HTTP method. Stored in capitals.
    pub http_method: String,
    /// What was sent. Like all documents: at most 1 MiB, secrets are replaced.
    pub request_body: Option<Json>,
    /// What came back.
    pub response_body: Option<Json>,
    /// The HTTP status, 100 to 999. None: nothing came back.
    pub response_status: Option<i32>,
    /// The question, where the service retrieves.
    pub rag_query: Option<String>,
    /// The verdict, where the service checks quality, 0..=1.
    pub quality_score: Option<f64>,
    /// When it began. Default: its end less its duration.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended. Default: its beginning and its duration, or now.
    pub completed_at: Option<DateTime<Utc>>,
    /// How long it took in milliseconds; the fraction is cut. Default: the difference.
    pub duration_ms: Option<f64>,
    /// Whether it succeeded. Default: an answer came back without an error, and its status is below 400.
    pub success: Option<bool>,
    /// Why it failed, in words.
    pub error_message: Option<String>,
    /// Why it failed: `timeout`, `connection_error`, `http_error` or another word.
    pub error_type: Option<String>,
    /// How often it was tried again, 0 or more.
    pub retry_count: i32,
    /// The headers that were sent; secrets are replaced.
    pub headers: Option<Json>,
    /// Anything else.
    pub context: Option<Json>,
}

/// A call as it is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct CallRow {
    pub(crate) id: EndpointCallId,
    pub(crate) correlation_id: CorrelationId,
    hook_execution_id: Option<HookExecutionId>,
    service_name: String,
    endpoint_path: String,
    http_method: String,
    request_body: Option<Json>,
    response_body: Option<Json>,
    response_status: Option<i32>,
    rag_query: Option<String>,
    quality_score: Option<Score>,
    started_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    duration_ms: Option<i32>,
    success: bool,
    error_message: Option<String>,
    error_type: Option<String>,
    retry_count: i32,
    headers: Option<Json>,
    context: Option<Json>,
}

const CALL: Kind = Kind {
    table: "endpoint_calls",
    entity: "endpoint call",
    part: true,
    fields: &[
        field("id", "uuid"),
        field("hook_execution_id", "uuid"),
        field("service_name", "text"),
        field("endpoint_path", "text"),
        field("http_method", "text"),
        field("request_body", "jsonb"),
        field("response_body", "jsonb"),
        field("response_status", "integer"),
        field("rag_query", "text"),
        field("quality_score", "numeric"),
        field("started_at", "timestamptz"),
        field("completed_at", "timestamptz"),
        field("duration_ms", "integer"),
        field("success", "boolean"),
        field("error_message", "text"),
        field("error_type", "text"),
        field("retry_count", "integer"),
        field("headers", "jsonb"),
        field("context", "jsonb"),
    ],
};

impl NewEndpointCall {
    /// Checks it and takes its secrets out.
    pub(crate) fn prepare(
        mut self,
        correlation_id: CorrelationId,
        sanitizer: Sanitizer,
        skew: Skew,
    ) -> Result<Prepared<CallRow>, TraceabilityError> {
        check::name("service_name", &self.service_name)?;
        check::path("endpoint_path", &self.endpoint_path)?;
        check::name("http_method", &self.http_method)?;
        check::number("response_status", self.response_status, 100, 999)?;
        check::number("retry_count", Some(self.retry_count), 0, i32::MAX)?;
        check::text("rag_query", self.rag_query.as_deref())?;
        check::text("error_message", self.error_message.as_deref())?;
        check::optional_name("error_type", self.error_type.as_deref())?;
        check::document("request_body", &mut self.request_body, sanitizer)?;
        check::document("response_body", &mut self.response_body, sanitizer)?;
        check::document("headers", &mut self.headers, sanitizer)?;
        check::document("context", &mut self.context, sanitizer)?;
        let given = Given {
            started_at: self.started_at,
            completed_at: self.completed_at,
            duration_ms: self.duration_ms,
            ended: true,
        };
        let times = times::complete(given, skew)?;
        note_skew(&mut self.context, times.skew_ms);
        let failed = self.error_message.is_some() || self.error_type.is_some();
        let assumed = [
            ("started_at", self.started_at.is_none()),
            ("completed_at", self.completed_at.is_none()),
            ("duration_ms", self.duration_ms.is_none()),
        ];
        let row = CallRow {
            id: self.id.unwrap_or_else(EndpointCallId::generate),
            correlation_id,
            hook_execution_id: self.hook_execution_id,
            service_name: self.service_name,
            endpoint_path: self.endpoint_path,
            http_method: self.http_method.to_ascii_uppercase(),
            request_body: self.request_body,
            response_body: self.response_body,
            response_status: self.response_status,
            rag_query: self.rag_query,
            quality_score: check::optional_score("quality_score", self.quality_score)?,
            started_at: times.started_at,
            completed_at: times.completed_at,
            duration_ms: times.duration_ms,
            success: self
                .success
                .unwrap_or_else(|| call_success(self.response_status, failed)),
            error_message: self.error_message,
            error_type: self.error_type,
            retry_count: self.retry_count,
            headers: self.headers,
            context: self.context,
        };
        Ok(Prepared::new(row, &assumed))
    }
}

/// The statement that writes the calls of `$1`, which know their executions. What has its id stays; a hook that is not there, or of another
/// execution, is left out.
pub(crate) fn bulk_sql() -> String {
    format!(
        "{} FROM {} JOIN execution_traces e USING (correlation_id) \
         LEFT JOIN hook_executions h ON h.id = new.hook_execution_id AND h.trace_id = e.id ON CONFLICT (id) DO NOTHING",
        CALL.insert(&[("hook_execution_id", "h.id"), ("trace_id", "e.id")]),
        CALL.records()
    )
}

/// Writes down a call of a service that is over. One statement; a second one if the id is taken or the hook unknown.
///
/// It may arrive after the execution ended.
///
/// # Errors
/// [`TraceabilityError::UnknownCorrelation`] if nobody started the execution; [`TraceabilityError::IdTaken`] if the id was used for
/// something else; [`TraceabilityError::InvalidField`], also for a hook that is not of this execution; [`TraceabilityError::BodyTooLarge`]
/// and [`TraceabilityError::ClockSkew`].
pub async fn endpoint<C: ConnectionTrait>(
    db: &C,
    correlation: CorrelationId,
    new: NewEndpointCall,
) -> Result<endpoint_calls::Model, Error> {
    let may_be_taken = new.id.is_some();
    let Prepared { row, assumed } =
        new.prepare(correlation, Sanitizer::hardened(), Skew::Refuse)?;
    let id = row.id;
    let rows = json(&[row])?;
    let sql = format!(
        "WITH known AS (SELECT id FROM execution_traces WHERE correlation_id = $2), \
         written AS ({} FROM {} CROSS JOIN known WHERE new.hook_execution_id IS NULL \
             OR EXISTS (SELECT FROM hook_executions h WHERE h.id = new.hook_execution_id AND h.trace_id = known.id) \
             ON CONFLICT (id) DO NOTHING RETURNING t.*) \
         SELECT known.id AS known_id, written.* FROM known LEFT JOIN written ON true",
        CALL.insert(&[("trace_id", "known.id")]),
        CALL.records(),
    );
    let values = [rows.clone().into(), correlation.into()];
    let answer = db.query_one_raw(statement(sql, values)).await?;
    match Outcome::of(answer)? {
        Outcome::Written(model) => return Ok(*model),
        Outcome::UnknownTrace => {
            return Err(TraceabilityError::UnknownCorrelation(correlation).into());
        }
        Outcome::NotWritten => {}
    }
    let values = [rows.into(), assumed.into()];
    match stored(db, CALL, "t.*", &[], values).await? {
        Some((model, true)) if may_be_taken => Ok(model),
        Some(_) => Err(CALL.taken(&id)),
        None => Err(TraceabilityError::InvalidField {
            field: "hook_execution_id",
            problem: "names no hook of this execution".to_owned(),
        }
        .into()),
    }
}
