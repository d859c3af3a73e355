//! Which executions are yet to be looked at, and whose turn it is.
//!
//! An execution that ended and has no row in `trace_extractions` is new, whenever it ended: no clock decides about that. A worker claims
//! what it takes by writing that row, in one statement, so two never have the same execution; it finishes the claim in the transaction
//! that stores what it learned, so nothing counts twice. A claim whose worker is gone can be taken over after [`LEASE_SECONDS`].

use chrono::{DateTime, Utc};
use pml_entity::values::{ExecutionTraceId, ExtractionResult, SuccessPatternId};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::Error;
use crate::sql::statement;

/// How long a worker has for a batch, in seconds. Beyond it others take over, and what it still writes is dropped.
pub(super) const LEASE_SECONDS: f64 = 600.0;

/// Those who write patterns take turns: each sees what the one before has stored, and no two lock the same rows in another order. The number means
/// nothing.
const TURN: i64 = 0x7072_6f6d_7074_7301;

/// Waits until nobody else writes patterns; holds until the transaction ends.
pub(super) async fn take_turn<C: ConnectionTrait>(tx: &C) -> Result<(), Error> {
    tx.execute_raw(statement("SELECT pg_advisory_xact_lock($1)", [TURN.into()]))
        .await?;
    Ok(())
}

/// What a claim brought.
#[derive(Debug, Default, FromQueryResult)]
pub(super) struct Claim {
    /// The executions that are ours now.
    pub(super) ids: Vec<ExecutionTraceId>,
    /// How many were there to be claimed; some may have gone to others at the same moment.
    pub(super) seen: i64,
    /// The last change of the latest of them: where the next claim can begin.
    pub(super) reached: Option<DateTime<Utc>>,
}

/// Claims up to `limit` executions that ended, oldest change first and none that changed before `since`, and claims that were left lying.
pub(super) async fn claim<C: ConnectionTrait>(
    db: &C,
    claim: Uuid,
    since: Option<DateTime<Utc>>,
    limit: u32,
) -> Result<Claim, Error> {
    const SQL: &str = "\
        WITH new AS MATERIALIZED ( \
            SELECT t.id, t.updated_at FROM execution_traces t \
            WHERE t.completed_at IS NOT NULL AND t.updated_at >= coalesce($2, '-infinity'::timestamptz) \
              AND NOT EXISTS (SELECT FROM trace_extractions x WHERE x.trace_id = t.id) \
            ORDER BY t.updated_at, t.id LIMIT $3 FOR NO KEY UPDATE OF t SKIP LOCKED \
        ), left_lying AS MATERIALIZED ( \
            SELECT x.trace_id AS id FROM trace_extractions x \
            WHERE x.extracted_at IS NULL AND x.claimed_at < now() - make_interval(secs => $4) \
            ORDER BY x.claimed_at LIMIT $3 FOR UPDATE SKIP LOCKED \
        ), claimed AS ( \
            INSERT INTO trace_extractions AS x (trace_id, claim_id) \
            SELECT id, $1 FROM (SELECT id FROM new UNION SELECT id FROM left_lying) AS wanted ORDER BY id \
            ON CONFLICT (trace_id) DO UPDATE SET claim_id = excluded.claim_id, claimed_at = excluded.claimed_at \
            WHERE x.extracted_at IS NULL AND x.claimed_at < now() - make_interval(secs => $4) \
            RETURNING x.trace_id \
        ) \
        SELECT coalesce((SELECT array_agg(trace_id) FROM claimed), '{}') AS ids, \
               (SELECT count(*) FROM new) + (SELECT count(*) FROM left_lying) AS seen, \
               (SELECT max(updated_at) FROM new) AS reached";
    let values = [
        claim.into(),
        since.into(),
        i64::from(limit).into(),
        LEASE_SECONDS.into(),
    ];
    match db.query_one_raw(statement(SQL, values)).await? {
        Some(row) => Ok(Claim::from_query_result(&row, "")?),
        None => Ok(Claim::default()),
    }
}

/// Takes the executions that are still ours out of the hands of everyone else until the transaction ends.
pub(super) async fn hold<C: ConnectionTrait>(
    tx: &C,
    claim: Uuid,
    ids: &[ExecutionTraceId],
) -> Result<Vec<ExecutionTraceId>, Error> {
    const SQL: &str = "\
        SELECT trace_id FROM trace_extractions WHERE trace_id = ANY($2) AND claim_id = $1 AND extracted_at IS NULL \
        ORDER BY trace_id FOR UPDATE";
    let values = [claim.into(), ids.to_vec().into()];
    let rows = tx.query_all_raw(statement(SQL, values)).await?;
    Ok(rows
        .iter()
        .map(|row| row.try_get("", "trace_id"))
        .collect::<Result<_, _>>()?)
}

/// What became of one execution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finished {
    pub(super) id: ExecutionTraceId,
    pub(super) result: ExtractionResult,
    pub(super) pattern: Option<SuccessPatternId>,
}

/// Finishes held claims.
pub(super) async fn finish<C: ConnectionTrait>(tx: &C, finished: &[Finished]) -> Result<(), Error> {
    // The nil id stands for NULL: arrays are bound without gaps.
    const SQL: &str = "\
        UPDATE trace_extractions x SET extracted_at = now(), result = f.result, \
            pattern_id = nullif(f.pattern, '00000000-0000-0000-0000-000000000000'::uuid) \
        FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS f (id, result, pattern) WHERE x.trace_id = f.id";
    if finished.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = finished.iter().map(|it| it.id.into()).collect();
    let results: Vec<String> = finished.iter().map(|it| it.result.to_string()).collect();
    let patterns: Vec<Uuid> = finished
        .iter()
        .map(|it| it.pattern.map_or(Uuid::nil(), Into::into))
        .collect();
    tx.execute_raw(statement(
        SQL,
        [ids.into(), results.into(), patterns.into()],
    ))
    .await?;
    Ok(())
}
