//! The lock that keeps two kinds of edges free of cycles.

use pml_entity::values::EdgeType;
use sea_orm::ConnectionTrait;

use crate::{Error, sql};

/// First key of the advisory locks on edges. The second is the kind; whoever needs both takes `contains` first.
pub(in crate::capabilities) const LOCK_CLASS_EDGES: i32 = 0x70_6d_6c_02;

/// Second key of the lock of a kind of edge; `None` for the kinds that may be cyclic and need none.
pub(in crate::capabilities) fn lock_key(edge_type: EdgeType) -> Option<i32> {
    match edge_type {
        EdgeType::Contains => Some(1),
        EdgeType::Dependency => Some(2),
        EdgeType::Sequence | EdgeType::Alternative | EdgeType::Provides => None,
    }
}

/// Keeps every other transaction from adding edges of that kind until this one ends. Come here before any row is locked.
///
/// A statement of its own: what is read under the lock must be read by a later one, which sees what the holder before committed.
pub(in crate::capabilities) async fn lock_edges<C: ConnectionTrait>(
    tx: &C,
    edge_type: EdgeType,
) -> Result<(), Error> {
    if let Some(key) = lock_key(edge_type) {
        tx.execute_raw(sql::statement(
            "SELECT pg_advisory_xact_lock($1, $2)",
            [LOCK_CLASS_EDGES.into(), key.into()],
        ))
        .await?;
    }
    Ok(())
}
