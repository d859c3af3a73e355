//! Everything at a glance.

use pml_entity::traceability::dashboard_summary;
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult};

use super::snapshot::{Measured, taken};
use crate::Error;
use crate::sql::statement;

/// The one row of `dashboard_summary`.
///
/// The service gets it from the snapshot while that is younger than [`MAX_SNAPSHOT_AGE`](super::MAX_SNAPSHOT_AGE), in three statements;
/// everybody else, and the service without a snapshot, from the live view, over what they may see.
///
/// # Errors
/// [`Error::Forbidden`] for a role that may not read it.
pub async fn dashboard<C: ConnectionTrait>(
    db: &C,
) -> Result<Measured<dashboard_summary::Model>, Error> {
    const SNAPSHOT: &str = "SELECT * FROM dashboard_summary_snapshot";
    if let Some(at) = taken(db).await? {
        let row = dashboard_summary::Model::find_by_statement(statement(SNAPSHOT, []))
            .one(db)
            .await?;
        if let Some(row) = row {
            return Ok(Measured::taken(row, at));
        }
    }
    let row = dashboard_summary::Entity::find().one(db).await?;
    let row = row.ok_or_else(|| Error::NotFound {
        entity: "view",
        key: "dashboard_summary".to_owned(),
    })?;
    Ok(Measured::live(row))
}
