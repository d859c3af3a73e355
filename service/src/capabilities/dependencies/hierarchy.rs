//! How high a capability stands over the tools: its level, and the levels of everything above it.

use pml_entity::values::PatternId;
use sea_orm::ConnectionTrait;

use crate::{Error, sql};

/// Raises the level of a pattern if it is too low, and with it the levels of what contains it. Gives the level of the pattern.
///
/// Source: spec of capabilities, DEP-10 with K13: one more than the highest child; without one, 1 with a tool and 0 with nothing. A level
/// never falls. On stored data with a cycle a child that also stands above the pattern does not count, and the walk upward takes no more
/// steps than there are patterns above: it ends on any data, and nothing grows from call to call.
///
/// With `new_above` something may contain it that did not before, and rises even if the pattern itself does not.
///
/// Call it under the lock of the `contains` edges. One statement.
pub(in crate::capabilities) async fn raise_levels<C: ConnectionTrait>(
    tx: &C,
    pattern: PatternId,
    new_above: bool,
) -> Result<i32, Error> {
    const SQL: &str = "\
        WITH RECURSIVE above(id) AS ( \
            SELECT $1::uuid \
            UNION \
            SELECT d.from_capability_id FROM above a JOIN capability_dependency d ON d.to_capability_id = a.id \
            WHERE d.edge_type = 'contains' \
        ), own AS MATERIALIZED ( \
            SELECT greatest(p.hierarchy_level, (cardinality(p.tool_ids) > 0)::int, ( \
                SELECT max(c.hierarchy_level) + 1 FROM capability_dependency d JOIN workflow_pattern c ON c.pattern_id = d.to_capability_id \
                WHERE d.from_capability_id = $1 AND d.edge_type = 'contains' AND d.to_capability_id NOT IN (SELECT id FROM above) \
            )) AS level, p.hierarchy_level AS stored, (SELECT count(*) FROM above) AS patterns \
            FROM workflow_pattern p WHERE p.pattern_id = $1 \
        ), risen(id, level, steps) AS ( \
            SELECT $1::uuid, level, patterns FROM own WHERE level > stored OR $2 \
            UNION \
            SELECT p.pattern_id, r.level + 1, r.steps - 1 \
            FROM risen r JOIN capability_dependency d ON d.to_capability_id = r.id AND d.edge_type = 'contains' \
                         JOIN workflow_pattern p ON p.pattern_id = d.from_capability_id \
            WHERE p.hierarchy_level <= r.level AND p.pattern_id <> $1 AND r.steps > 1 \
        ), highest AS (SELECT id, max(level) AS level FROM risen GROUP BY id), written AS ( \
            UPDATE workflow_pattern p SET hierarchy_level = h.level FROM highest h \
            WHERE p.pattern_id = h.id AND p.hierarchy_level < h.level \
        ) \
        SELECT level FROM own";
    let statement = sql::statement(SQL, [pattern.into(), new_above.into()]);
    match tx.query_one_raw(statement).await? {
        Some(row) => Ok(row.try_get("", "level")?),
        None => Ok(0),
    }
}
