//! What a pattern leaves to the one it is folded into: its runs, its counters, and perhaps its code.

use pml_entity::values::{CodeHash, PatternId};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::pair::Pair;
use crate::Error;
use crate::capabilities::access::not_found;
use crate::capabilities::code::pattern_hash;
use crate::sql::statement;

/// The hashes that the target gets with the source's code.
#[derive(Clone, Debug)]
pub(super) struct NewCode {
    pub(super) code_hash: CodeHash,
    pattern_hash: String,
}

/// The counters of a pattern.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub(super) struct Totals {
    pub(super) usage_count: i64,
    pub(super) success_count: i64,
    pub(super) success_rate: f64,
    pub(super) avg_duration_ms: i64,
}

/// Moves the runs and the audit of one pattern to the other.
pub(super) async fn move_runs<C: ConnectionTrait>(
    tx: &C,
    from: PatternId,
    to: PatternId,
) -> Result<(), Error> {
    const SQL: &str = "\
        WITH audit AS (UPDATE permission_audit_log SET capability_id = $2 WHERE capability_id = $1) \
        UPDATE execution_trace SET capability_id = $2 WHERE capability_id = $1";
    tx.execute_raw(statement(SQL, [from.into(), to.into()]))
        .await?;
    Ok(())
}

/// The source's code, as the target's owner would have it. `None`: there is none, or they have it as another pattern.
pub(super) async fn usable_code<C: ConnectionTrait>(
    tx: &C,
    pair: &Pair,
) -> Result<Option<NewCode>, Error> {
    const SQL: &str = "\
        SELECT FROM workflow_pattern WHERE pattern_id NOT IN ($1, $2) \
            AND (pattern_hash = $3 OR (code_hash = $4 AND user_id IS NOT DISTINCT FROM $5::uuid)) LIMIT 1";
    let (source, target) = (&pair.source.code, &pair.target.code);
    let Some(code_hash) = source.code_hash.clone().filter(|_| source.has_code) else {
        return Ok(None);
    };
    let new = NewCode {
        pattern_hash: pattern_hash(&code_hash, target.user_id.as_ref()),
        code_hash,
    };
    let values = [
        source.pattern_id.into(),
        target.pattern_id.into(),
        new.pattern_hash.as_str().into(),
        new.code_hash.as_str().into(),
        target.user_id.into(),
    ];
    let taken = tx.query_one_raw(statement(SQL, values)).await?.is_some();
    Ok(Some(new).filter(|_| !taken))
}

/// Deletes the source's pattern and adds its counters to the target's; with `code` its code as well. One statement over the locked rows.
///
/// Source: spec of capabilities, MRG-3 with its recommendation: durations add up, so the mean is weighted; `last_used` is the later one.
pub(super) async fn add_up<C: ConnectionTrait>(
    tx: &C,
    pair: &Pair,
    code: Option<&NewCode>,
) -> Result<Totals, Error> {
    const COUNTERS: &str = "\
        usage_count = t.usage_count + s.usage_count, success_count = t.success_count + s.success_count, \
        total_duration_ms = least(t.total_duration_ms::numeric + s.total_duration_ms, 9223372036854775807)::bigint, last_used = greatest(t.last_used, s.last_used), \
        created_at = least(t.created_at, $3), \
        success_rate = least(coalesce((t.success_count + s.success_count)::float8 / nullif(t.usage_count + s.usage_count, 0), 0), 1)";
    const CODE: &str = "\
        , code_snippet = s.code_snippet, code_hash = s.code_hash, pattern_hash = $4, parameters_schema = s.parameters_schema, \
        dag_structure = s.dag_structure, source = s.source, permission_set = s.permission_set, \
        permission_confidence = s.permission_confidence";
    let with_code = if code.is_some() { CODE } else { "" };
    let sql = format!(
        "WITH s AS (DELETE FROM workflow_pattern WHERE pattern_id = $1 RETURNING *) \
         UPDATE workflow_pattern t SET {COUNTERS}{with_code} FROM s WHERE t.pattern_id = $2 \
         RETURNING t.usage_count, t.success_count, t.success_rate, t.avg_duration_ms"
    );
    let oldest = pair
        .source
        .entry
        .created_at
        .min(pair.target.entry.created_at);
    let mut values: Vec<Value> = vec![
        pair.source.code.pattern_id.into(),
        pair.target.code.pattern_id.into(),
        oldest.into(),
    ];
    values.extend(code.map(|code| code.pattern_hash.as_str().into()));
    one(tx, &sql, values, pair.target.code.pattern_id).await
}

/// The counters as they are.
pub(super) async fn totals<C: ConnectionTrait>(
    tx: &C,
    pattern: PatternId,
) -> Result<Totals, Error> {
    const SQL: &str = "\
        SELECT usage_count, success_count, avg_duration_ms, coalesce(success_count::float8 / nullif(usage_count, 0), 0) AS success_rate \
        FROM workflow_pattern WHERE pattern_id = $1";
    one(tx, SQL, vec![pattern.into()], pattern).await
}

async fn one<C: ConnectionTrait>(
    tx: &C,
    sql: &str,
    values: Vec<Value>,
    pattern: PatternId,
) -> Result<Totals, Error> {
    let row = tx.query_one_raw(statement(sql, values)).await?;
    // It is locked, so it is there.
    let row = row.ok_or_else(|| not_found(&pattern))?;
    Ok(Totals::from_query_result(&row, "")?)
}
