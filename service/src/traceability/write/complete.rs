//! Ending an execution.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use pml_entity::traceability::execution_traces;
use pml_entity::values::{CorrelationId, TraceStatus};
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Serialize;

use super::super::TraceabilityError;
use super::super::rules::{now, trace_success};
use super::check;
use super::start::{INFERRED, UNMARKED};
use super::times::clock_skew;
use crate::Error;
use crate::sql::statement;

/// How an execution ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completion {
    /// Whether it worked.
    pub success: bool,
    /// Whether it was given up. Then it did not work.
    pub cancelled: bool,
    /// Why it failed, in words; at most 256 KiB.
    pub error_message: Option<String>,
    /// Why it failed, as a class such as `timeout`.
    pub error_type: Option<String>,
    /// When it ended. Default: now, but not before it began.
    pub completed_at: Option<DateTime<Utc>>,
}

impl Completion {
    /// It worked.
    pub fn succeeded() -> Self {
        Self {
            success: true,
            ..Self::default()
        }
    }

    /// It did not work.
    pub fn failed(error_type: impl Into<String>, error_message: impl Into<String>) -> Self {
        Self {
            error_type: Some(error_type.into()),
            error_message: Some(error_message.into()),
            ..Self::default()
        }
    }

    /// It was given up.
    pub fn cancelled() -> Self {
        Self {
            cancelled: true,
            ..Self::default()
        }
    }

    /// By a status, a success flag, or both: the flag decides where both are given, the status where it is alone. `success`, `error` and
    /// `timeout`, the words of an older design, are understood; a timeout is a failure with that error type.
    ///
    /// # Errors
    /// [`TraceabilityError::InvalidField`] for an unknown status, one that is not final, and without either.
    pub fn of_words(
        status: Option<&str>,
        success: Option<bool>,
    ) -> Result<Self, TraceabilityError> {
        let invalid = |field, problem: String| TraceabilityError::InvalidField { field, problem };
        let Some(word) = status else {
            let success =
                success.ok_or_else(|| invalid("success", "or status must be given".to_owned()))?;
            return Ok(Self {
                success,
                ..Self::default()
            });
        };
        let status =
            TraceStatus::from_str(word).map_err(|error| invalid("status", error.to_string()))?;
        if status == TraceStatus::InProgress {
            return Err(invalid(
                "status",
                "in_progress does not end anything".to_owned(),
            ));
        }
        Ok(Self {
            success: trace_success(status, success).unwrap_or(false),
            cancelled: status == TraceStatus::Cancelled,
            error_type: (word == "timeout").then(|| word.to_owned()),
            ..Self::default()
        })
    }

    /// The status that goes with it.
    pub fn status(&self) -> TraceStatus {
        if self.cancelled {
            TraceStatus::Cancelled
        } else if self.success {
            TraceStatus::Completed
        } else {
            TraceStatus::Failed
        }
    }

    /// Checks it.
    pub(crate) fn prepare(
        self,
        correlation_id: CorrelationId,
    ) -> Result<CompletionRow, TraceabilityError> {
        if self.success && self.cancelled {
            return Err(TraceabilityError::InvalidField {
                field: "success",
                problem: "cannot be true of an execution that was cancelled".to_owned(),
            });
        }
        check::text("error_message", self.error_message.as_deref())?;
        check::optional_name("error_type", self.error_type.as_deref())?;
        Ok(CompletionRow {
            correlation_id,
            status: self.status(),
            success: self.success,
            given: check::moment("completed_at", self.completed_at)?,
            now: now(),
            error_message: self.error_message,
            error_type: self.error_type,
            service_only: false,
        })
    }
}

/// An execution that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Completed {
    /// Its row.
    pub trace: execution_traces::Model,
    /// Whether this call ended it. `false`: it was over, in the same way.
    pub changed: bool,
}

/// A completion as it is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct CompletionRow {
    pub(crate) correlation_id: CorrelationId,
    pub(crate) status: TraceStatus,
    pub(crate) success: bool,
    /// When the caller says it ended.
    pub(crate) given: Option<DateTime<Utc>>,
    /// When the caller told us.
    pub(crate) now: DateTime<Utc>,
    pub(crate) error_message: Option<String>,
    pub(crate) error_type: Option<String>,
    /// It ends only what a service inferred; whoever started the execution also ends it.
    pub(crate) service_only: bool,
}

/// The columns of an execution `t` that ends at `at`; `new` is the completion.
fn ending(at: &str) -> String {
    format!(
        "completed_at = {at}, \
         duration_ms = least(floor(extract(epoch FROM {at} - t.started_at) * 1000), 2147483647)::integer, \
         status = new.status, success = new.success, error_message = new.error_message, error_type = new.error_type"
    )
}

/// `$1` as rows called `new`.
const RECORDS: &str = "json_to_recordset($1::json) AS new (correlation_id uuid, status text, success boolean, given timestamptz, \
    now timestamptz, error_message text, error_type text, service_only boolean)";

/// The statement that ends the executions of `$1` that still run. An end before the beginning is moved there, and `context` says by how much.
pub(crate) fn bulk_sql() -> String {
    let at = "greatest(coalesce(new.given, new.now), t.started_at)";
    // A guess ends with the last of its calls, and worked if all of them did.
    format!(
        "UPDATE execution_traces t SET {}, context = CASE \
             WHEN new.given < t.started_at THEN (CASE jsonb_typeof(t.context) WHEN 'object' THEN t.context ELSE '{{}}' END) \
                 || jsonb_build_object('clock_skew_ms', floor(extract(epoch FROM t.started_at - new.given) * 1000)::bigint) \
             WHEN new.service_only THEN t.context ELSE {UNMARKED} END \
         FROM {RECORDS} WHERE t.correlation_id = new.correlation_id AND ( \
             NOT new.service_only AND t.status = 'in_progress' AND t.completed_at IS NULL \
             OR {INFERRED} \
                AND (NOT new.service_only OR t.completed_at IS NULL OR t.completed_at <= {at} AND (t.success OR NOT new.success)))",
        ending(at)
    )
}

/// Ends an execution. One statement; a second one if it is over already, or unknown.
///
/// The same outcome again changes nothing and says so.
///
/// # Errors
/// [`TraceabilityError::UnknownCorrelation`] if nobody started it; [`TraceabilityError::AlreadyCompleted`] if it ended in another way;
/// [`TraceabilityError::ClockSkew`] if it would end before it began; [`TraceabilityError::InvalidField`].
pub async fn complete<C: ConnectionTrait>(
    db: &C,
    correlation: CorrelationId,
    completion: Completion,
) -> Result<Completed, Error> {
    let row = completion.prepare(correlation)?;
    let sql = format!(
        "UPDATE execution_traces t SET {}, context = {UNMARKED} \
         FROM {RECORDS} WHERE t.correlation_id = new.correlation_id AND (new.given IS NULL OR new.given >= t.started_at) \
             AND (t.status = 'in_progress' AND t.completed_at IS NULL OR {INFERRED}) \
         RETURNING t.*",
        ending("coalesce(new.given, greatest(new.now, t.started_at))")
    );
    let rows = super::record::json(&[&row])?;
    if let Some(row) = db.query_one_raw(statement(sql, [rows.into()])).await? {
        return Ok(Completed {
            trace: execution_traces::Model::from_query_result(&row, "")?,
            changed: true,
        });
    }
    let sql = "SELECT * FROM execution_traces WHERE correlation_id = $1";
    let stored = db
        .query_one_raw(statement(sql, [correlation.into()]))
        .await?
        .ok_or(TraceabilityError::UnknownCorrelation(correlation))?;
    let trace = execution_traces::Model::from_query_result(&stored, "")?;
    if trace.status == TraceStatus::InProgress && trace.completed_at.is_none() {
        let given = row.given.unwrap_or(row.now);
        return Err(clock_skew(trace.started_at, given).into());
    }
    if !row.is_outcome_of(&trace) {
        return Err(TraceabilityError::AlreadyCompleted(correlation).into());
    }
    Ok(Completed {
        trace,
        changed: false,
    })
}

impl CompletionRow {
    /// Whether an execution ended like this. The time counts where the caller gives one.
    fn is_outcome_of(&self, trace: &execution_traces::Model) -> bool {
        let success = trace_success(trace.status, trace.success).unwrap_or(false);
        let at = self.given.is_none() || self.given == trace.completed_at;
        at && self.status == trace.status
            && self.success == success
            && self.error_message == trace.error_message
            && self.error_type == trace.error_type
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_status_alone_tells_whether_it_worked() {
        let of = |status, success| Completion::of_words(status, success).unwrap();
        assert_eq!(of(Some("completed"), None), Completion::succeeded());
        assert_eq!(of(Some("success"), None), Completion::succeeded());
        assert_eq!(of(Some("failed"), None), Completion::default());
        assert_eq!(of(Some("cancelled"), None), Completion::cancelled());
        assert_eq!(of(None, Some(true)), Completion::succeeded());
        assert_eq!(
            of(Some("completed"), Some(false)).status(),
            TraceStatus::Failed
        );
        let timeout = of(Some("timeout"), None);
        assert_eq!(
            (timeout.status(), timeout.error_type.as_deref()),
            (TraceStatus::Failed, Some("timeout"))
        );
        for (status, success) in [
            (None, None),
            (Some("in_progress"), None),
            (Some("x"), Some(true)),
        ] {
            let error = Completion::of_words(status, success).unwrap_err();
            assert_eq!(error.code(), "invalid_field");
        }
    }
}
