//! Single tools and lists of them.

use pml_entity::tools::tool_schema;
use pml_entity::values::{ToolId, ToolKind};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::definition::validate_server_id;
use crate::{Error, Page, PageRequest, sql};

/// Names the list in its cursors.
const LIST: &str = "tools";

/// Which tools a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilter {
    /// Only tools of these servers. Empty: of all.
    pub server_ids: Vec<String>,
    /// Also those that their server no longer offers.
    pub include_removed: bool,
    /// Only tools of this kind. `None`: of every kind.
    pub kind: Option<ToolKind>,
}

/// The tool with this id, also when it is removed.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get<C: ConnectionTrait>(
    db: &C,
    tool_id: &ToolId,
) -> Result<tool_schema::Model, Error> {
    tool_schema::Entity::find_by_id(tool_id.clone())
        .one(db)
        .await?
        .ok_or_else(|| not_found(tool_id))
}

/// The tools that match, in the order of their ids. One statement.
///
/// # Errors
/// [`Error::InvalidCursor`] for a cursor of another list, [`Error::InvalidServerId`].
pub async fn list<C: ConnectionTrait>(
    db: &C,
    filter: &ListFilter,
    page: PageRequest,
) -> Result<Page<tool_schema::Model>, Error> {
    let mut tools = tool_schema::Entity::find().filter(matching(filter)?);
    if let Some(cursor) = &page.cursor {
        tools = tools.filter(tool_schema::Column::ToolId.gt(cursor.key::<String>(LIST)?));
    }
    let one_more = u64::from(page.limit.get()) + 1;
    let rows = tools
        .order_by_asc(tool_schema::Column::ToolId)
        .limit(one_more)
        .all(db)
        .await?;
    Ok(Page::cut(rows, page.limit, LIST, |tool| {
        tool.tool_id.as_str().to_owned()
    }))
}

fn matching(filter: &ListFilter) -> Result<Condition, Error> {
    let mut condition = Condition::all();
    if !filter.server_ids.is_empty() {
        for server in &filter.server_ids {
            validate_server_id(server)?;
        }
        condition = condition
            .add(tool_schema::Column::ServerId.is_in(filter.server_ids.iter().map(String::as_str)));
    }
    if !filter.include_removed {
        condition = condition.add(tool_schema::Column::RemovedAt.is_null());
    }
    Ok(condition.add_option(filter.kind.map(|kind| tool_schema::Column::Kind.eq(kind))))
}

/// Marks a tool as removed: its row stays for what refers to it, its vector goes, no search finds it. Says whether that changed anything.
///
/// It comes back with the next sync of its server, if that still offers it. One statement.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn remove<C: ConnectionTrait>(db: &C, tool_id: &ToolId) -> Result<bool, Error> {
    const SQL: &str = "\
        WITH gone AS (UPDATE tool_schema SET removed_at = now() WHERE tool_id = $1 AND removed_at IS NULL RETURNING tool_id), \
             cleared AS (DELETE FROM tool_embedding WHERE tool_id = $1) \
        SELECT EXISTS (SELECT FROM gone) AS removed, EXISTS (SELECT FROM tool_schema WHERE tool_id = $1) AS known";
    let statement = sql::statement(SQL, [tool_id.as_str().into()]);
    let row = db
        .query_one_raw(statement)
        .await?
        .ok_or_else(|| not_found(tool_id))?;
    if row.try_get("", "known")? {
        Ok(row.try_get("", "removed")?)
    } else {
        Err(not_found(tool_id))
    }
}

fn not_found(tool_id: &ToolId) -> Error {
    Error::NotFound {
        entity: "tool",
        key: tool_id.as_str().chars().take(520).collect(),
    }
}
