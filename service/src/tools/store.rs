//! The rows of the tools area as a sync reads them before it decides what to do.

use std::collections::HashMap;

use pml_entity::values::{ContentHash, ServerId, ToolKind};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};

use crate::{Error, sql};

/// What is stored of one tool.
#[derive(Debug, FromQueryResult)]
pub(super) struct Stored {
    tool_id: String,
    pub(super) kind: ToolKind,
    pub(super) content_hash: Option<ContentHash>,
    pub(super) removed: bool,
    /// Hash of the text behind its vector; `None` without a vector.
    pub(super) embedded_hash: Option<ContentHash>,
    pub(super) model: Option<String>,
}

/// Reads what is stored of a server, by tool id. One statement, no vectors.
pub(super) async fn of_server<C: ConnectionTrait>(
    db: &C,
    server: &ServerId,
) -> Result<HashMap<String, Stored>, Error> {
    let sql = "SELECT t.tool_id, t.kind, t.content_hash, t.removed_at IS NOT NULL AS removed, e.content_hash AS embedded_hash, e.model \
               FROM tool_schema t LEFT JOIN tool_embedding e USING (tool_id) WHERE t.server_id = $1";
    let rows = db
        .query_all_raw(sql::statement(sql, [server.as_str().into()]))
        .await?;
    by_id(&rows)
}

/// The same for a list of tools of any server.
pub(super) async fn of_tools<C: ConnectionTrait>(
    db: &C,
    ids: Vec<String>,
) -> Result<HashMap<String, Stored>, Error> {
    let sql = "SELECT t.tool_id, t.kind, t.content_hash, t.removed_at IS NOT NULL AS removed, e.content_hash AS embedded_hash, e.model \
               FROM tool_schema t LEFT JOIN tool_embedding e USING (tool_id) WHERE t.tool_id = ANY($1)";
    let rows = db.query_all_raw(sql::statement(sql, [ids.into()])).await?;
    by_id(&rows)
}

fn by_id(rows: &[sea_orm::QueryResult]) -> Result<HashMap<String, Stored>, Error> {
    let mut stored = HashMap::with_capacity(rows.len());
    for row in rows {
        let row = Stored::from_query_result(row, "")?;
        stored.insert(row.tool_id.clone(), row);
    }
    Ok(stored)
}

/// A tool whose vector is of another model than the one in use.
#[derive(Debug, FromQueryResult)]
pub(super) struct Outdated {
    pub(super) tool_id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
}

/// Every tool with a vector of another model. A full pass over the vectors' table, for re-embedding only.
pub(super) async fn of_other_models<C: ConnectionTrait>(
    db: &C,
    model: &str,
) -> Result<Vec<Outdated>, Error> {
    let sql = "SELECT t.tool_id, t.name, t.description FROM tool_embedding e JOIN tool_schema t USING (tool_id) WHERE e.model <> $1 \
               ORDER BY t.tool_id";
    let rows = db
        .query_all_raw(sql::statement(sql, [model.into()]))
        .await?;
    Ok(rows
        .iter()
        .map(|row| Outdated::from_query_result(row, ""))
        .collect::<Result<_, _>>()?)
}

/// The model of the stored vectors; `None` when there is none. Any row tells it, for all are of one model.
pub(super) async fn model<C: ConnectionTrait>(db: &C) -> Result<Option<String>, Error> {
    let statement = Statement::from_string(
        DbBackend::Postgres,
        "SELECT model FROM tool_embedding LIMIT 1",
    );
    match db.query_one_raw(statement).await? {
        Some(row) => Ok(Some(row.try_get("", "model")?)),
        None => Ok(None),
    }
}
