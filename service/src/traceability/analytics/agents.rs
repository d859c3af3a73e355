//! How agents do.

use pml_entity::traceability::agent_performance;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::snapshot::{Measured, taken};
use crate::sql::statement;
use crate::{Error, Page, PageRequest};

const LIST: &str = "agents";

/// The rows of `agent_performance`, the busiest first, then by name.
///
/// From the snapshot or the live view, as [`dashboard`](super::dashboard). A page that goes on after a refresh goes on behind the same place of
/// the new numbers.
///
/// # Errors
/// [`Error::InvalidCursor`], [`Error::Forbidden`] for a role that may not read it.
pub async fn agents<C: ConnectionTrait>(
    db: &C,
    page: PageRequest,
) -> Result<Measured<Page<agent_performance::Model>>, Error> {
    let at = taken(db).await?;
    let from = if at.is_some() {
        "agent_performance_snapshot"
    } else {
        "agent_performance"
    };
    let mut values: Vec<Value> = vec![(i64::from(page.limit.get()) + 1).into()];
    let behind = match &page.cursor {
        None => "",
        Some(cursor) => {
            let (total, name): (i64, String) = cursor.key(LIST)?;
            if name.contains('\0') {
                return Err(Error::InvalidCursor);
            }
            values.extend([total.into(), name.into()]);
            "WHERE a.total_executions < $2 OR a.total_executions = $2 AND a.agent_name COLLATE \"C\" > $3"
        }
    };
    let sql = format!(
        "SELECT a.* FROM {from} a {behind} ORDER BY a.total_executions DESC, a.agent_name COLLATE \"C\" LIMIT $1"
    );
    let rows = agent_performance::Model::find_by_statement(statement(sql, values))
        .all(db)
        .await?;
    let page = Page::cut(rows, page.limit, LIST, |row| {
        (row.total_executions, row.agent_name.clone())
    });
    Ok(match at {
        Some(at) => Measured::taken(page, at),
        None => Measured::live(page),
    })
}
