//! Rows that no server offers: built-in operations, and tools that something refers to before they are known.

use pml_entity::values::{ServerId, ToolId, ToolKind};
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::Value;

use super::definition::{self, ToolDefinition, validate_server_id};
use super::store;
use super::sync::{Change, SyncOptions, SyncReport, apply};
use crate::embedding::Embedder;
use crate::{Error, sql};

/// A built-in operation, such as `code:filter`: it is found like a tool, and no server offers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its name below the prefix: `filter`.
    pub name: String,
    /// What it does, at the length that a search needs.
    pub description: String,
    /// JSON Schema of its arguments; `{}` allows everything.
    pub input_schema: Value,
}

/// Stores operations under a prefix (`code`, `loop`) as rows of kind `operation`, with vectors.
///
/// Only adds and changes: operations that are not in the list stay. Otherwise as [`sync_server`](super::sync_server), in one transaction.
///
/// # Errors
/// [`Error::InvalidServerId`] for the prefix, [`Error::InvalidToolName`] or [`Error::InvalidSchema`] for the first bad operation (they are ours, so one
/// bad one is a mistake in the program), [`Error::Embedder`], [`Error::MixedModels`].
pub async fn register_operations<C>(
    db: &C,
    embedder: &dyn Embedder,
    prefix: &str,
    operations: Vec<Operation>,
    options: SyncOptions,
) -> Result<SyncReport, Error>
where
    C: ConnectionTrait + TransactionTrait,
{
    let server: ServerId = validate_server_id(prefix)?;
    let definitions = operations.into_iter().map(|operation| ToolDefinition {
        name: operation.name,
        description: Some(operation.description),
        input_schema: operation.input_schema,
        output_schema: None,
    });
    let (accepted, rejected) = definition::sort(&server, definitions.collect());
    if let Some(bad) = rejected.into_iter().next() {
        let problem = format!("{}: {}", bad.name, bad.reason);
        return Err(if bad.reason.starts_with("invalid_schema") {
            Error::InvalidSchema(problem)
        } else {
            Error::InvalidToolName(problem)
        });
    }
    let ids = accepted
        .iter()
        .map(|tool| tool.id.as_str().to_owned())
        .collect();
    let stored = store::of_tools(db, ids).await?;
    let change = Change {
        server: &server,
        kind: ToolKind::Operation,
        accepted: &accepted,
        stored: &stored,
        gone: Vec::new(),
    };
    apply(db, embedder, change, &options).await
}

/// Makes sure that each tool has a row, so that an edge or a trace can refer to it. Gives the number of rows made.
///
/// A new row is of kind `unresolved`, with an empty schema: not found by a search, until its server is synced. What is there already is not
/// touched. One statement.
///
/// # Errors
/// [`Error::DatabaseUnavailable`] and the like.
pub async fn ensure_unresolved<C: ConnectionTrait>(db: &C, tools: &[ToolId]) -> Result<u64, Error> {
    const SQL: &str = "\
        INSERT INTO tool_schema (tool_id, server_id, name, input_schema, kind) \
        SELECT DISTINCT ON (id) id, server_id, name, '{}'::jsonb, 'unresolved' FROM unnest($1::text[], $2::text[], $3::text[]) AS new (id, server_id, name) \
        ON CONFLICT (tool_id) DO NOTHING";
    if tools.is_empty() {
        return Ok(0);
    }
    let column = |of: fn(&ToolId) -> &str| -> sea_orm::Value {
        tools
            .iter()
            .map(|tool| of(tool).to_owned())
            .collect::<Vec<_>>()
            .into()
    };
    let values = [
        column(ToolId::as_str),
        column(ToolId::server_id),
        column(ToolId::name),
    ];
    let done = db.execute_raw(sql::statement(SQL, values)).await?;
    Ok(done.rows_affected())
}
