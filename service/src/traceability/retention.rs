//! How long traces, pattern uses and patterns that do not work are kept.
//!
//! | policy | rows | action |
//! |---|---|---|
//! | `traces` | traces that started more than 90 days ago | moved to `execution_traces_archive`; their decisions, hooks and calls go |
//! | `pattern_usage` | uses of patterns more than 180 days ago | deleted |
//! | `weak_patterns` | patterns with fewer than 5 uses, of which less than half worked, unused for 30 days | deleted, with their uses |
//!
//! They are carried out by [`retention`](crate::retention) in batches, or by [`apply_retention`] all at once.

use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Serialize;

use super::TraceabilityError;
use crate::Error;
use crate::retention::{Action, Policy, What};
use crate::settings::RetentionSettings;
use crate::sql::statement;

/// A trace takes its parts with it and writes a row with eleven indexes: measured, so that a batch takes some tens of milliseconds.
const TRACE_BATCH: u32 = 100;
const USAGE_BATCH: u32 = 1_000;
/// A pattern takes its uses with it.
const PATTERN_BATCH: u32 = 200;

/// After how many days rows go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionLimits {
    /// Traces, since they started.
    pub trace_days: u32,
    /// Uses of patterns.
    pub usage_days: u32,
    /// Patterns that do not work, since their last use.
    pub idle_days: u32,
}

impl Default for RetentionLimits {
    fn default() -> Self {
        Self {
            trace_days: 90,
            usage_days: 180,
            idle_days: 30,
        }
    }
}

impl From<&RetentionSettings> for RetentionLimits {
    fn from(settings: &RetentionSettings) -> Self {
        Self {
            trace_days: settings.trace_days,
            usage_days: settings.usage_days,
            idle_days: settings.idle_days,
        }
    }
}

/// What [`apply_retention`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult, Serialize)]
pub struct Retained {
    /// Traces that were moved to the archive.
    pub archived_traces: i64,
    /// Uses that were deleted.
    pub deleted_usage: i64,
    /// Patterns that were deleted.
    pub deleted_patterns: i64,
}

/// The policies of this area.
pub fn retention_policies(limits: &RetentionLimits) -> Vec<Policy> {
    let policy = |name, table, column, days| Policy {
        name,
        area: "traceability",
        table,
        key: "id",
        key_type: "uuid",
        what: What::Age { column, days },
        condition: None,
        action: Action::Delete,
        batch: USAGE_BATCH,
    };
    vec![
        Policy {
            action: Action::Archive {
                into: "execution_traces_archive",
            },
            batch: TRACE_BATCH,
            ..policy(
                "traces",
                "execution_traces",
                "started_at",
                limits.trace_days,
            )
        },
        policy(
            "pattern_usage",
            "pattern_usage_log",
            "used_at",
            limits.usage_days,
        ),
        Policy {
            condition: Some("total_usage_count < 5 AND success_rate < 0.5"),
            batch: PATTERN_BATCH,
            ..policy(
                "weak_patterns",
                "success_patterns",
                "last_used_at",
                limits.idle_days,
            )
        },
    ]
}

/// Carries the three rules out in one transaction, by the function `apply_retention` of the database.
///
/// For few rows, or where all or nothing is wanted: it locks everything that is due until it ends. [`retention::run`](crate::retention::run) does the
/// same in batches.
///
/// # Errors
/// [`Error::Conflict`] when the archive has a trace with the correlation id of one that is due; nothing is moved then.
/// [`TraceabilityError::InvalidField`] for more days than the database counts. [`Error::Forbidden`] for a role other than `service_role`.
pub async fn apply_retention<C: ConnectionTrait>(
    db: &C,
    limits: &RetentionLimits,
) -> Result<Retained, Error> {
    let sql =
        "SELECT archived_traces, deleted_usage, deleted_patterns FROM apply_retention($1, $2, $3)";
    let values = [
        days("trace_days", limits.trace_days)?.into(),
        days("usage_days", limits.usage_days)?.into(),
        days("idle_days", limits.idle_days)?.into(),
    ];
    let row = db.query_one_raw(statement(sql, values)).await?;
    let row = row.ok_or_else(|| sea_orm::DbErr::RecordNotFound("apply_retention".to_owned()))?;
    Ok(Retained::from_query_result(&row, "")?)
}

fn days(field: &'static str, days: u32) -> Result<i32, TraceabilityError> {
    match i32::try_from(days) {
        Ok(days) if days <= RetentionSettings::MAX_DAYS.cast_signed() => Ok(days),
        _ => Err(TraceabilityError::InvalidField {
            field,
            problem: format!("must be at most {}", RetentionSettings::MAX_DAYS),
        }),
    }
}
