//! The statements on a pattern's permission set.

use pml_entity::values::{
    AuditId, CapabilityId, DetectedOperation, PatternId, PatternSource, PermissionSet,
};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::change::PermissionState;
use super::sets;
use crate::capabilities::access;
use crate::sql::statement;
use crate::{Error, Principal};

/// What is stored about a pattern.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub(super) struct Stored {
    pub(super) pattern_id: PatternId,
    pub(super) permission_set: PermissionSet,
    pub(super) permission_confidence: f64,
    pub(super) source: PatternSource,
    /// Whether the code is the caller's: they own it, or nobody does and they may change every entry that names it.
    pub(super) mine: bool,
}

impl Stored {
    /// What a run really gets.
    pub(super) fn effective(&self) -> PermissionSet {
        sets::effective(
            self.source,
            Some(self.permission_set),
            Some(self.permission_confidence),
        )
    }

    /// The same after a grant.
    pub(super) fn granted(&self, to: PermissionSet) -> Self {
        Self {
            permission_set: to,
            permission_confidence: 1.0,
            ..self.clone()
        }
    }

    pub(super) fn state(&self, id: CapabilityId) -> PermissionState {
        let effective_set = self.effective();
        PermissionState {
            id,
            pattern_id: self.pattern_id,
            permission_set: self.permission_set,
            permission_confidence: self.permission_confidence,
            effective_set,
            source: self.source,
            risk: sets::risk(effective_set),
        }
    }
}

/// What the audit says about a decision.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    pub(super) from: PermissionSet,
    pub(super) to: PermissionSet,
    /// `None`: nobody decided.
    pub(super) approved_by: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) operation: Option<DetectedOperation>,
}

/// The condition "this pattern `p` is the caller's", with parameters from `first` on.
pub(super) fn mine(who: &Principal, first: usize) -> (String, Vec<Value>) {
    let Some(user) = who.user_id() else {
        let local = if *who == Principal::Local {
            "TRUE"
        } else {
            "FALSE"
        };
        return (local.to_owned(), Vec::new());
    };
    // An entry that the caller may not change makes ownerless code somebody else's: anyone may give a name to code they can see.
    let changeable = access::changeable(who, "r", first + 1);
    let sql = format!(
        "coalesce(p.user_id = ${first}, NOT EXISTS (SELECT FROM capability_records r \
             WHERE r.workflow_pattern_id = p.pattern_id AND ({}) IS NOT TRUE))",
        changeable.sql
    );
    let values = std::iter::once(user.into())
        .chain(changeable.values)
        .collect();
    (sql, values)
}

/// Reads a pattern's set. `None`: it is gone.
pub(super) async fn read<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    pattern: PatternId,
) -> Result<Option<Stored>, Error> {
    let (mine, values) = mine(who, 2);
    let sql = format!(
        "SELECT p.pattern_id, p.permission_set, p.permission_confidence, p.source, {mine} AS mine \
         FROM workflow_pattern p WHERE p.pattern_id = $1"
    );
    let values = std::iter::once(pattern.into()).chain(values);
    let row = db.query_one_raw(statement(&sql, values)).await?;
    Ok(row
        .map(|row| Stored::from_query_result(&row, ""))
        .transpose()?)
}

/// Writes a set and its audit row, if what is stored is still `before` and still the caller's. `None`: it is not, and nothing is written.
pub(super) async fn grant<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    before: &Stored,
    decided: &Decided,
) -> Result<Option<AuditId>, Error> {
    let (mine, more) = mine(who, 10);
    let sql = format!(
        "WITH granted AS ( \
             UPDATE workflow_pattern p SET permission_set = $4, permission_confidence = 1.0 \
             WHERE p.pattern_id = $1 AND p.permission_set = $8 AND p.permission_confidence = $9 AND {mine} RETURNING p.pattern_id \
         ) {AUDIT} TRUE FROM granted RETURNING id"
    );
    let mut values = audit_values(before.pattern_id, decided);
    values.push(before.permission_set.into());
    values.push(before.permission_confidence.into());
    values.extend(more);
    written(db, &sql, values).await
}

/// Writes the audit row of a refusal. `None`: the pattern is gone.
pub(super) async fn refuse<C: ConnectionTrait>(
    db: &C,
    pattern: PatternId,
    decided: &Decided,
) -> Result<Option<AuditId>, Error> {
    // Locked first: a merge that takes the pattern away in this moment is waited for, and then there is no row to point to.
    let sql = format!(
        "WITH kept AS (SELECT pattern_id FROM workflow_pattern WHERE pattern_id = $1 FOR KEY SHARE) \
         {AUDIT} FALSE FROM kept RETURNING id"
    );
    written(db, &sql, audit_values(pattern, decided)).await
}

/// The audit row, up to its last column. The time is that of the decision, not of the transaction it is part of.
const AUDIT: &str = "\
    INSERT INTO permission_audit_log (id, timestamp, capability_id, from_set, to_set, approved_by, reason, detected_operation, approved) \
    SELECT $2, clock_timestamp(), pattern_id, $3, $4, $5, $6, $7,";

fn audit_values(pattern: PatternId, decided: &Decided) -> Vec<Value> {
    vec![
        pattern.into(),
        AuditId::generate().into(),
        decided.from.into(),
        decided.to.into(),
        decided.approved_by.clone().into(),
        decided.reason.clone().into(),
        decided.operation.into(),
    ]
}

async fn written<C: ConnectionTrait>(
    db: &C,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<AuditId>, Error> {
    let row = db.query_one_raw(statement(sql, values)).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?)
}
