//! Reading the audit of permissions. The database only ever appends to it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use pml_entity::values::{AuditId, CapabilityId, DetectedOperation, PatternId, PermissionSet};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;

use super::change::pattern_of;
use super::stored;
use crate::capabilities::{Reference, access, resolve_for_change};
use crate::sql::statement;
use crate::{Error, Page, PageRequest, Principal};

/// Names the list in its cursors.
const LIST: &str = "permission_audit";
/// Window of the summary when none is asked for: a day.
pub const DEFAULT_WINDOW: Duration = Duration::from_hours(24);
/// Longest window that is told apart from all time: a hundred years.
const MAX_WINDOW_SECONDS: f64 = 100.0 * 365.25 * 86_400.0;

/// Which decisions a list shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditFilter {
    /// Only those about this capability.
    pub capability: Option<Reference>,
    /// Only grants, or only refusals.
    pub approved: Option<bool>,
    /// Not before this time.
    pub from: Option<DateTime<Utc>>,
    /// Not after this time.
    pub to: Option<DateTime<Utc>>,
}

/// One decision about what a capability may touch.
#[derive(Clone, Debug, PartialEq, Serialize, FromQueryResult)]
pub struct AuditEntry {
    /// Its row.
    pub id: AuditId,
    /// When it was made.
    pub timestamp: DateTime<Utc>,
    /// The pattern that it is about.
    pub pattern_id: PatternId,
    /// A registry entry of that pattern which the caller may change. `None`: its last entry was deleted.
    pub capability: Option<CapabilityId>,
    /// `namespace:action` of that entry.
    pub display_name: Option<String>,
    /// What a run got before.
    pub from_set: PermissionSet,
    /// What was asked for.
    pub to_set: PermissionSet,
    /// Whether it was granted.
    pub approved: bool,
    /// Who decided: a user id, `user`, a name, or `system:auto`. `None`: nobody did, in time.
    pub approved_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The operation that asked for it.
    pub detected_operation: Option<DetectedOperation>,
}

/// Counts of recent decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct AuditSummary {
    /// Decisions.
    pub total: i64,
    /// Those that granted.
    pub approved: i64,
    /// Those that refused.
    pub rejected: i64,
    /// Share of the grants, 0..=1; 0 without decisions.
    pub approval_rate: f64,
    /// Different patterns that they were about.
    pub capabilities: i64,
}

/// The decisions about capabilities that the caller may change, newest first. One statement, and one or two more to find a capability.
///
/// # Errors
/// [`Error::NotFound`] for a capability that the caller may not change, [`Error::InvalidCursor`] for a cursor of another list.
pub async fn audit<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    filter: &AuditFilter,
    page: PageRequest,
) -> Result<Page<AuditEntry>, Error> {
    let pattern = match &filter.capability {
        None => None,
        Some(given) => Some(pattern_of(
            &resolve_for_change(db, who, given).await?,
            given,
        )?),
    };
    let after: Option<(DateTime<Utc>, AuditId)> = page
        .cursor
        .as_ref()
        .map(|cursor| cursor.key(LIST))
        .transpose()?;
    let mut values: Vec<Value> = vec![(i64::from(page.limit.get()) + 1).into()];
    let mut conditions = Vec::new();
    let mut add = |sql: &str, new: Vec<Value>| {
        let mut sql = sql.to_owned();
        for (at, value) in new.into_iter().enumerate() {
            values.push(value);
            sql = sql.replace(&format!("?{at}"), &format!("${}", values.len()));
        }
        conditions.push(sql);
    };
    if let Some(pattern) = pattern {
        add("a.capability_id = ?0", vec![pattern.into()]);
    }
    if let Some(approved) = filter.approved {
        add("a.approved = ?0", vec![approved.into()]);
    }
    if let Some(from) = filter.from {
        add("a.timestamp >= ?0", vec![from.into()]);
    }
    if let Some(to) = filter.to {
        add("a.timestamp <= ?0", vec![to.into()]);
    }
    if let Some((timestamp, id)) = after {
        add(
            "(a.timestamp, a.id) < (?0, ?1)",
            vec![timestamp.into(), id.into()],
        );
    }
    let (entry, more) = readable(who, values.len() + 1);
    values.extend(more);
    let conditions = if conditions.is_empty() {
        "TRUE".to_owned()
    } else {
        conditions.join(" AND ")
    };
    let sql = format!(
        "SELECT a.id, a.timestamp, a.capability_id AS pattern_id, e.id AS capability, e.display_name, a.from_set, a.to_set, a.approved, \
                a.approved_by, a.reason, a.detected_operation \
         FROM permission_audit_log a {entry} WHERE {conditions} ORDER BY a.timestamp DESC, a.id DESC LIMIT $1"
    );
    let rows = db.query_all_raw(statement(&sql, values)).await?;
    let rows = rows
        .iter()
        .map(|row| AuditEntry::from_query_result(row, ""))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Page::cut(rows, page.limit, LIST, |entry| {
        (entry.timestamp, entry.id)
    }))
}

/// Counts the decisions of the last `window` about capabilities that the caller may change (spec of capabilities, PERM-11). One statement.
///
/// # Errors
/// Those of the database.
pub async fn audit_summary<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    window: Duration,
) -> Result<AuditSummary, Error> {
    let (entry, more) = readable(who, 2);
    let sql = format!(
        "SELECT count(*) AS total, count(*) FILTER (WHERE a.approved) AS approved, count(DISTINCT a.capability_id) AS capabilities \
         FROM permission_audit_log a {entry} WHERE a.timestamp >= now() - make_interval(secs => $1)"
    );
    let seconds = window.as_secs_f64().min(MAX_WINDOW_SECONDS);
    let values = std::iter::once(seconds.into()).chain(more);
    let Some(row) = db.query_one_raw(statement(&sql, values)).await? else {
        return Ok(AuditSummary::default());
    };
    let (total, approved): (i64, i64) = (row.try_get("", "total")?, row.try_get("", "approved")?);
    Ok(AuditSummary {
        total,
        approved,
        rejected: total - approved,
        approval_rate: share(approved, total),
        capabilities: row.try_get("", "capabilities")?,
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows, far below 2^53")]
fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Joins `e`, one registry entry that the caller may change, the oldest, and leaves out what is about somebody else's code; with
/// parameters from `first` on. In local mode nothing is left out, also not what no entry names any more.
fn readable(who: &Principal, first: usize) -> (String, Vec<Value>) {
    let changeable = access::changeable(who, "r", first);
    let (mine, more) = stored::mine(who, first + changeable.values.len());
    let join = if *who == Principal::Local {
        "LEFT JOIN"
    } else {
        "JOIN"
    };
    let sql = format!(
        "JOIN workflow_pattern p ON p.pattern_id = a.capability_id AND {mine} \
         {join} LATERAL (SELECT r.id, r.namespace || ':' || r.action AS display_name FROM capability_records r \
             WHERE r.workflow_pattern_id = a.capability_id AND {} ORDER BY r.created_at, r.id LIMIT 1) e ON TRUE",
        changeable.sql
    );
    let values = changeable.values.into_iter().chain(more).collect();
    (sql, values)
}
