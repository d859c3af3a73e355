//! Who delegated to whom.

use pml_entity::values::{CorrelationId, ExecutionTraceId, TraceStatus};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Serialize;

use super::{not_found, tree};
use crate::Error;

/// An execution and everything below it, flat.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hierarchy {
    /// By depth, start and correlation id; the first is the one that was asked for.
    pub nodes: Vec<HierarchyNode>,
    /// Whether executions beyond [`MAX_DEPTH`](super::MAX_DEPTH) levels or [`MAX_TRACES`](super::MAX_TRACES) were left out.
    pub truncated: bool,
}

/// One execution of a hierarchy.
#[derive(Clone, Debug, PartialEq, Serialize, FromQueryResult)]
pub struct HierarchyNode {
    /// Its row.
    #[sea_orm(from_alias = "id")]
    pub trace_id: ExecutionTraceId,
    /// The execution.
    pub correlation_id: CorrelationId,
    /// Who delegated to it.
    pub parent_id: Option<CorrelationId>,
    /// Levels below the one that was asked for, which has 0.
    pub depth: i32,
    /// The correlation ids from the one that was asked for to this one.
    pub path: Vec<CorrelationId>,
    /// What set it off.
    pub source: String,
    /// How far it is.
    pub status: TraceStatus,
    /// Whether it worked.
    pub success: Option<bool>,
    /// When it began.
    pub started_at: DateTimeUtc,
    /// How long it took.
    pub duration_ms: Option<i32>,
}

/// The executions below `root`, which need not be the first of its chain. One statement.
///
/// The rows are those of the SQL function `get_trace_hierarchy`, up to the bounds.
///
/// # Errors
/// [`Error::NotFound`] if there is none, or none that the caller may see.
pub async fn hierarchy<C: ConnectionTrait>(
    db: &C,
    root: CorrelationId,
) -> Result<Hierarchy, Error> {
    const COLUMNS: &str =
        "id, correlation_id, parent_id, path, source, status, success, started_at, duration_ms";
    let found = tree::read(db, root, COLUMNS).await?;
    if found.rows.is_empty() {
        return Err(not_found(root));
    }
    let nodes = found
        .rows
        .iter()
        .map(|row| HierarchyNode::from_query_result(row, ""))
        .collect::<Result<_, _>>()?;
    Ok(Hierarchy {
        nodes,
        truncated: found.truncated,
    })
}
