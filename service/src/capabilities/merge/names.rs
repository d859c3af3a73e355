//! The registry's side of a merge: one entry goes, its names lead to the other.

use pml_entity::values::ShortHash;
use sea_orm::{ConnectionTrait, Value};

use super::pair::Pair;
use crate::capabilities::rename::author;
use crate::{Error, Principal, sql};

/// Deletes the source's entry. Its name, its id, and all names it had before, lead to the target. `hash` is the one the target is going to have.
pub(super) async fn hand_over<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    pair: &Pair,
    hash: &ShortHash,
) -> Result<(), Error> {
    // The names move before the deletion would take them along: that waits for the end of the statement.
    const SQL: &str = "\
        WITH moved AS (UPDATE capability_name_history SET capability_id = $2 WHERE capability_id = $1), \
             gone AS (DELETE FROM capability_records WHERE id = $1 RETURNING *) \
        INSERT INTO capability_name_history \
            (capability_id, org, project, old_namespace, old_action, old_hash, new_namespace, new_action, new_hash, user_id, merged_id) \
        SELECT $2, gone.org, gone.project, gone.namespace, gone.action, gone.hash, $3, $4, $5, $6::uuid, gone.id FROM gone";
    let target = &pair.target.entry;
    let values = [
        pair.source.entry.id.into(),
        target.id.into(),
        target.namespace.as_str().into(),
        target.action.as_str().into(),
        hash.as_str().into(),
        who.user_id().into(),
    ];
    run(tx, SQL, values).await
}

/// Notes that the target changed.
pub(super) async fn touch<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    pair: &Pair,
) -> Result<(), Error> {
    const SQL: &str =
        "UPDATE capability_records SET updated_at = now(), updated_by = $2 WHERE id = $1";
    run(tx, SQL, [pair.target.entry.id.into(), author(who).into()]).await
}

/// Gives every entry of the target's pattern the hash of its new code: a new full name and version, the old full name in its history, and no
/// signature, since that was for the old code.
pub(super) async fn renew<C: ConnectionTrait>(
    tx: &C,
    who: &Principal,
    pair: &Pair,
    hash: &ShortHash,
) -> Result<(), Error> {
    const SQL: &str = "\
        WITH former AS (SELECT id, hash FROM capability_records WHERE workflow_pattern_id = $1), renewed AS ( \
            UPDATE capability_records r \
            SET hash = $2, version = version + 1, verified = false, signature = NULL, updated_at = now(), updated_by = $3 \
            FROM former WHERE r.id = former.id RETURNING r.*, former.hash AS old_hash \
        ) \
        INSERT INTO capability_name_history \
            (capability_id, org, project, old_namespace, old_action, old_hash, new_namespace, new_action, new_hash, user_id) \
        SELECT id, org, project, namespace, action, old_hash, namespace, action, hash, $4::uuid FROM renewed WHERE old_hash <> hash";
    let values = [
        pair.target.code.pattern_id.into(),
        hash.as_str().into(),
        author(who).into(),
        who.user_id().into(),
    ];
    run(tx, SQL, values).await
}

async fn run<C: ConnectionTrait>(
    tx: &C,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<(), Error> {
    let statement = sql::statement(sql, values);
    tx.execute_raw(statement).await?;
    Ok(())
}
