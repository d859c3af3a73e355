//! An execution with everything below it, in one statement whatever its size.

use pml_entity::values::CorrelationId;
use sea_orm::{ConnectionTrait, QueryResult};

use crate::Error;
use crate::sql::statement;

/// Levels of delegation below the execution that was asked for. Deeper ones are left out.
pub const MAX_DEPTH: i32 = 32;
/// Executions of one answer, the one that was asked for included. More are left out, the deepest and latest first.
pub const MAX_TRACES: usize = 1_000;

/// Level by level, and within a parent by their start: a `LIMIT` on a recursive query stops it, so a wide tree costs no more than what
/// is kept of it. The inner limit makes each parent one look-up in the index on `parent_id`. One level and one row more than is kept
/// tell whether something was left out. A correlation id that is on the path already ends the branch, and with it every cycle.
const TREE: &str = "\
    WITH RECURSIVE tree AS ( \
        SELECT t.*, 0 AS depth, ARRAY[t.correlation_id] AS path FROM execution_traces t WHERE t.correlation_id = $1 \
        UNION ALL \
        SELECT c.*, p.depth + 1, p.path || c.correlation_id FROM tree p CROSS JOIN LATERAL ( \
            SELECT x.* FROM execution_traces x \
            WHERE x.parent_id = p.correlation_id AND x.correlation_id <> ALL (p.path) \
            ORDER BY x.started_at, x.correlation_id LIMIT $2 \
        ) c WHERE p.depth <= $3 \
    ), kept AS (SELECT * FROM tree LIMIT $2) ";

/// What was found of a tree.
pub(super) struct Rows {
    /// By depth, start and correlation id; the first is the one that was asked for. Empty when there is none.
    pub rows: Vec<QueryResult>,
    /// Whether there is more.
    pub truncated: bool,
}

/// Reads these columns of the tree below an execution. One statement.
pub(super) async fn read<C: ConnectionTrait>(
    db: &C,
    correlation: CorrelationId,
    columns: &str,
) -> Result<Rows, Error> {
    let sql = format!(
        "{TREE} SELECT {columns}, depth FROM kept ORDER BY depth, started_at, correlation_id"
    );
    let limit = i64::try_from(MAX_TRACES + 1).unwrap_or(i64::MAX);
    let values = [correlation.into(), limit.into(), MAX_DEPTH.into()];
    let mut rows = db.query_all_raw(statement(sql, values)).await?;
    let found = rows.len();
    rows.truncate(MAX_TRACES);
    let mut deep = 0;
    // Sorted by depth: those below the last level stand at the end.
    while let Some(last) = rows.last() {
        if last.try_get::<i32>("", "depth")? <= MAX_DEPTH {
            break;
        }
        rows.pop();
        deep += 1;
    }
    Ok(Rows {
        rows,
        truncated: found > MAX_TRACES || deep > 0,
    })
}
