//! Writing edges: one statement for the edges from one pattern to many.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use pml_entity::values::{EdgeSource, EdgeType, PatternId};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::confidence::{confidence, counting};
use super::lock::lock_key;
use crate::{Error, sql};

/// The stored columns of an edge.
#[derive(Clone, Debug, FromQueryResult)]
pub(in crate::capabilities) struct StoredEdge {
    pub(super) from_capability_id: PatternId,
    pub(super) to_capability_id: PatternId,
    pub(super) edge_type: EdgeType,
    pub(super) edge_source: EdgeSource,
    pub(super) observed_count: i64,
    pub(super) confidence_score: f64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_observed: DateTime<Utc>,
}

/// What became of one wanted edge.
#[derive(Clone, Debug)]
pub(in crate::capabilities) enum Observed {
    /// It stands, new or counted once more.
    Edge(Box<StoredEdge>),
    /// It would have closed a cycle, or led back to its own pattern. Nothing was written for it.
    Cycle(PatternId),
    /// One of its ends does not exist any more.
    Gone(PatternId),
}

/// Adds edges from one pattern to others, or counts each that stands once more (spec of capabilities, DEP-2). One statement.
///
/// A stored pair keeps its type. A new edge of a kind that must have no cycle is left out where the other end reaches `from` already over
/// that kind; for these kinds the caller holds the lock of the kind, taken in an earlier statement.
pub(in crate::capabilities) async fn observe_edges<C: ConnectionTrait>(
    tx: &C,
    from: PatternId,
    to: &[PatternId],
    edge_type: EdgeType,
    source: EdgeSource,
) -> Result<Vec<Observed>, Error> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH RECURSIVE above(id) AS ( \
                 SELECT $1::uuid WHERE $6::bool AND EXISTS ( \
                     SELECT FROM unnest($2) AS child(id) WHERE NOT EXISTS ( \
                         SELECT FROM capability_dependency WHERE from_capability_id = $1 AND to_capability_id = child.id)) \
                 UNION \
                 SELECT d.from_capability_id FROM above a JOIN capability_dependency d ON d.to_capability_id = a.id WHERE d.edge_type = $3 \
             ), stands AS MATERIALIZED ( \
                 SELECT pattern_id AS id FROM workflow_pattern WHERE pattern_id = $1 OR pattern_id = ANY($2) \
                 ORDER BY pattern_id FOR KEY SHARE \
             ), fit AS ( \
                 SELECT id FROM stands WHERE id <> $1 AND EXISTS (SELECT FROM stands WHERE id = $1) \
                     AND (id NOT IN (SELECT id FROM above) \
                          OR EXISTS (SELECT FROM capability_dependency WHERE from_capability_id = $1 AND to_capability_id = stands.id)) \
             ), written AS ( \
                 INSERT INTO capability_dependency AS d \
                     (from_capability_id, to_capability_id, observed_count, confidence_score, edge_type, edge_source) \
                 SELECT $1, id, 1, $5, $3, $4 FROM fit ORDER BY id \
                 ON CONFLICT (from_capability_id, to_capability_id) DO UPDATE SET {} \
                 RETURNING d.* \
             ) \
             SELECT wanted.id AS wanted, stands.id IS NOT NULL AND EXISTS (SELECT FROM stands WHERE id = $1) AS stands, written.* \
             FROM (SELECT DISTINCT id FROM unnest($2) AS id) AS wanted \
             LEFT JOIN stands USING (id) LEFT JOIN written ON written.to_capability_id = wanted.id ORDER BY wanted.id",
            counting("excluded.edge_source <> 'template'", "1")
        )
    });
    let ids: Vec<Uuid> = to.iter().map(PatternId::as_uuid).collect();
    let values = [
        from.into(),
        ids.into(),
        edge_type.as_str().into(),
        source.as_str().into(),
        confidence(edge_type, source).into(),
        lock_key(edge_type).is_some().into(),
    ];
    let statement = sql::statement(SQL.as_str(), values);
    let mut observed = Vec::with_capacity(to.len());
    for row in tx.query_all_raw(statement).await? {
        let wanted = row.try_get("", "wanted")?;
        let written: Option<PatternId> = row.try_get("", "to_capability_id")?;
        observed.push(if written.is_some() {
            Observed::Edge(Box::new(StoredEdge::from_query_result(&row, "")?))
        } else if row.try_get("", "stands")? {
            Observed::Cycle(wanted)
        } else {
            Observed::Gone(wanted)
        });
    }
    Ok(observed)
}

/// Counts `n` more real observations of a stored edge; with `n` = 0 only reads it. `None` if there is none. One statement.
pub(super) async fn count_observations<C: ConnectionTrait>(
    db: &C,
    from: PatternId,
    to: PatternId,
    n: u32,
) -> Result<Option<StoredEdge>, Error> {
    static COUNT: LazyLock<String> = LazyLock::new(|| {
        format!(
            "UPDATE capability_dependency d SET {} WHERE from_capability_id = $1 AND to_capability_id = $2 RETURNING d.*",
            counting("TRUE", "$3::bigint")
        )
    });
    const READ: &str = "SELECT * FROM capability_dependency WHERE from_capability_id = $1 AND to_capability_id = $2";
    let statement = if n == 0 {
        sql::statement(READ, [from.into(), to.into()])
    } else {
        let values = [from.into(), to.into(), i64::from(n).into()];
        sql::statement(COUNT.as_str(), values)
    };
    let row = db.query_one_raw(statement).await?;
    Ok(row
        .map(|row| StoredEdge::from_query_result(&row, ""))
        .transpose()?)
}
