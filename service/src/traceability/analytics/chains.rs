//! How agents hand work on.

use pml_entity::traceability::agent_chaining_patterns::{self, Column};
use pml_entity::values::AgentChainId;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::{Error, Page, PageRequest};

const LIST: &str = "chains";

/// The chains, the most frequent first, then by id. One statement.
///
/// # Errors
/// [`Error::InvalidCursor`], [`Error::Forbidden`] for a role that may not read them.
pub async fn chains<C: ConnectionTrait>(
    db: &C,
    page: PageRequest,
) -> Result<Page<agent_chaining_patterns::Model>, Error> {
    let mut chains = agent_chaining_patterns::Entity::find();
    if let Some(cursor) = &page.cursor {
        let (count, id): (i32, AgentChainId) = cursor.key(LIST)?;
        let here = Expr::tuple([Column::UsageCount.into_expr(), Column::Id.into_expr()]);
        chains = chains.filter(here.lt(Expr::tuple([
            Expr::val(count),
            Expr::val(sea_orm::Value::from(id)),
        ])));
    }
    let rows = chains
        .order_by_desc(Column::UsageCount)
        .order_by_desc(Column::Id)
        .limit(u64::from(page.limit.get()) + 1)
        .all(db)
        .await?;
    Ok(Page::cut(rows, page.limit, LIST, |row| {
        (row.usage_count, row.id)
    }))
}
