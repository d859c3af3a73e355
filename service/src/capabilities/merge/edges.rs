//! The edges of a merge.

use pml_entity::values::{EdgeSource, EdgeType, PatternId};
use sea_orm::ConnectionTrait;

use crate::Error;
use crate::capabilities::CapabilityError;
use crate::capabilities::dependencies::{LOCK_CLASS_EDGES, confidence, lock_key};
use crate::sql::statement;

/// Keeps others from adding edges of the kinds that must have no cycle, `contains` first.
pub(super) async fn lock<C: ConnectionTrait>(tx: &C) -> Result<(), Error> {
    const SQL: &str = "SELECT pg_advisory_xact_lock($1, $2), pg_advisory_xact_lock($1, $3)";
    let values = [
        LOCK_CLASS_EDGES.into(),
        lock_key(EdgeType::Contains).into(),
        lock_key(EdgeType::Dependency).into(),
    ];
    tx.execute_raw(statement(SQL, values)).await?;
    Ok(())
}

/// Moves every edge of one pattern to the other, in both directions. Those between the two vanish.
///
/// Where the other has an edge to the same pattern, that edge keeps its type. The counts add up; but a template edge stands for no
/// observation, so beside a real one its count is left out. An edge is observed if either was, or from three observations on; a template
/// one only stays so beside another. Trust is computed anew from the type and the source that stand (spec of capabilities, DEP-2 with D01 and
/// K16). One statement, however many there are.
pub(super) async fn move_all<C: ConnectionTrait>(
    tx: &C,
    from: PatternId,
    to: PatternId,
) -> Result<(), Error> {
    const SQL: &str = "\
        WITH moved AS ( \
            DELETE FROM capability_dependency WHERE from_capability_id = $1 OR to_capability_id = $1 RETURNING * \
        ), trust AS ( \
            SELECT * FROM unnest($3::text[], $4::text[], $5::float8[]) AS t (edge_type, edge_source, confidence) \
        ) \
        INSERT INTO capability_dependency AS d \
            (from_capability_id, to_capability_id, observed_count, edge_type, edge_source, confidence_score, created_at, last_observed) \
        SELECT CASE from_capability_id WHEN $1 THEN $2 ELSE from_capability_id END, \
               CASE to_capability_id WHEN $1 THEN $2 ELSE to_capability_id END, \
               observed_count, edge_type, edge_source, confidence, created_at, last_observed \
        FROM moved JOIN trust USING (edge_type, edge_source) \
        WHERE $2 NOT IN (from_capability_id, to_capability_id) \
        ORDER BY 1, 2 \
        ON CONFLICT (from_capability_id, to_capability_id) DO UPDATE SET \
            (observed_count, edge_source, confidence_score) = ( \
                SELECT sum.n, sum.source, trust.confidence FROM ( \
                    SELECT counted.n, CASE \
                        WHEN d.edge_source = 'template' AND excluded.edge_source = 'template' THEN 'template' \
                        WHEN 'observed' IN (d.edge_source, excluded.edge_source) OR counted.n >= 3 THEN 'observed' \
                        ELSE 'inferred' \
                    END AS source \
                    FROM (SELECT CASE \
                        WHEN d.edge_source = 'template' AND excluded.edge_source <> 'template' THEN excluded.observed_count \
                        WHEN d.edge_source <> 'template' AND excluded.edge_source = 'template' THEN d.observed_count \
                        ELSE d.observed_count + excluded.observed_count \
                    END AS n) AS counted \
                ) AS sum JOIN trust ON trust.edge_type = d.edge_type AND trust.edge_source = sum.source \
            ), \
            created_at = least(d.created_at, excluded.created_at), \
            last_observed = greatest(d.last_observed, excluded.last_observed)";
    let combinations: Vec<(EdgeType, EdgeSource)> = EdgeType::ALL
        .iter()
        .flat_map(|&edge_type| {
            EdgeSource::ALL
                .iter()
                .map(move |&source| (edge_type, source))
        })
        .collect();
    let types: Vec<String> = combinations.iter().map(|of| of.0.to_string()).collect();
    let sources: Vec<String> = combinations.iter().map(|of| of.1.to_string()).collect();
    let trust: Vec<f64> = combinations
        .iter()
        .map(|of| confidence(of.0, of.1))
        .collect();
    let values = [
        from.into(),
        to.into(),
        types.into(),
        sources.into(),
        trust.into(),
    ];
    tx.execute_raw(statement(SQL, values)).await?;
    Ok(())
}

/// Fails if the pattern reaches itself over edges of a kind that must have no cycle (K12). To be asked when the edges are moved.
pub(super) async fn ensure_acyclic<C: ConnectionTrait>(
    tx: &C,
    pattern: PatternId,
) -> Result<(), Error> {
    // UNION visits each pattern once, so this ends on any data.
    const SQL: &str = "\
        WITH RECURSIVE reached AS ( \
            SELECT edge_type, to_capability_id AS id FROM capability_dependency \
            WHERE from_capability_id = $1 AND edge_type IN ('contains', 'dependency') \
            UNION \
            SELECT d.edge_type, d.to_capability_id FROM reached r \
            JOIN capability_dependency d ON d.from_capability_id = r.id AND d.edge_type = r.edge_type \
        ) \
        SELECT edge_type FROM reached WHERE id = $1 ORDER BY edge_type LIMIT 1";
    let Some(row) = tx.query_one_raw(statement(SQL, [pattern.into()])).await? else {
        return Ok(());
    };
    let edge_type = row.try_get("", "edge_type")?;
    Err(CapabilityError::Cycle { edge_type }.into())
}
