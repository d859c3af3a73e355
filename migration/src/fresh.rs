//! Empties the current schema.

use sea_orm::{ConnectionTrait, DatabaseExecutor, DbErr, TransactionTrait};

/// Drops every table, view, materialised view, function, sequence and type of the current schema in one transaction,
/// except what belongs to an extension.
///
/// The bookkeeping goes with the rest, also that of the older system (`migrations_history`).
pub(crate) async fn drop_everything(
    executor: &DatabaseExecutor<'_>,
    settings: &str,
) -> Result<(), DbErr> {
    let transaction = executor.begin().await?;
    if !settings.is_empty() {
        transaction.execute_unprepared(settings).await?;
    }
    transaction
        .execute_unprepared(include_str!("fresh.sql"))
        .await?;
    transaction.commit().await
}
