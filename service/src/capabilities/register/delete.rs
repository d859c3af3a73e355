//! Taking a capability out of the registry.

use pml_entity::values::{CapabilityId, PatternId};
use sea_orm::{ConnectionTrait, TransactionSession, TransactionTrait, Value};

use crate::capabilities::access::{self, not_found};
use crate::capabilities::{Reference, resolve_for_change};
use crate::sql::statement;
use crate::{Error, Principal};

/// What a deletion removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The entry that is gone.
    pub id: CapabilityId,
    /// Whether its code went too. It stays where another entry names it, or where the permission audit refers to it.
    pub pattern_removed: bool,
}

/// Removes a capability from the registry (REG-5), its old names with it, and its code unless another entry names that or the permission audit
/// refers to it. With the code go its edges; its runs stay, without a capability.
///
/// One transaction (a savepoint inside a caller's) that locks the pattern, then the entry.
///
/// # Errors
/// [`Error::NotFound`], also for an entry the caller may not change, and for an old name; [`CapabilityError::Ambiguous`](super::super::CapabilityError::Ambiguous).
pub async fn delete<C>(db: &C, who: &Principal, reference: &Reference) -> Result<Deleted, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    const LOCK: &str = "SELECT FROM workflow_pattern WHERE pattern_id = $1 FOR UPDATE";
    let found = resolve_for_change(db, who, reference).await?;
    // An old name would take another capability away than the one that was meant.
    if found.warning.is_some() {
        return Err(not_found(reference));
    }
    let tx = db.begin().await?;
    if let Some(pattern) = found.pattern_id {
        tx.execute_raw(statement(LOCK, [pattern.into()])).await?;
    }
    if !delete_record(&tx, who, found.id, found.pattern_id).await? {
        return Err(not_found(reference));
    }
    let pattern_removed = match found.pattern_id {
        Some(pattern) => delete_pattern(&tx, pattern).await?,
        None => false,
    };
    tx.commit().await?;
    Ok(Deleted {
        id: found.id,
        pattern_removed,
    })
}

/// Removes the entry, if it still names the pattern that is locked and the caller may.
async fn delete_record<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    id: CapabilityId,
    pattern: Option<PatternId>,
) -> Result<bool, Error> {
    let changeable = access::changeable(who, "r", 3);
    let sql = format!(
        "DELETE FROM capability_records r WHERE r.id = $1 AND r.workflow_pattern_id IS NOT DISTINCT FROM $2 AND {}",
        changeable.sql
    );
    let mut values: Vec<Value> = vec![id.into(), pattern.into()];
    values.extend(changeable.values);
    Ok(tx
        .execute_raw(statement(&sql, values))
        .await?
        .rows_affected()
        > 0)
}

/// Removes the pattern, if nothing needs it any more. It must be locked.
async fn delete_pattern<C: ConnectionTrait>(tx: &C, pattern: PatternId) -> Result<bool, Error> {
    const SQL: &str = "\
        DELETE FROM workflow_pattern p WHERE p.pattern_id = $1 \
          AND NOT EXISTS (SELECT FROM capability_records r WHERE r.workflow_pattern_id = p.pattern_id) \
          AND NOT EXISTS (SELECT FROM permission_audit_log a WHERE a.capability_id = p.pattern_id)";
    let done = tx.execute_raw(statement(SQL, [pattern.into()])).await?;
    Ok(done.rows_affected() > 0)
}
