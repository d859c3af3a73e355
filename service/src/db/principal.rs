//! Reading and writing under the policies of the database: role and identity belong to one transaction.
//!
//! A pooled connection is used by one caller after another. Both settings are therefore made with `set_config(…, true)`, which ends with the
//! transaction however it ends: by commit, by rollback, or because the future that held it was dropped. Afterwards `app.user_id` reads as
//! an empty text on that connection, which the policies take for nobody.

use pml_entity::values::UserId;
use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use super::Db;
use crate::sql::statement;
use crate::{Error, Principal};

/// One round trip for both.
const BECOME: &str = "SELECT set_config('role', $1, true), set_config('app.user_id', $2, true)";

/// The role that owns everything.
const SERVICE: &str = "service_role";

impl Db {
    /// Runs `work` in a transaction in which the database itself decides what `who` sees.
    ///
    /// [`Principal::Local`] owns everything (`service_role`), [`Principal::User`] is `authenticated` with the user's id in `app.user_id`, and
    /// [`Principal::Anonymous`] is `anon`. Commits when `work` succeeds and rolls back when it fails or is dropped midway; nothing of it is
    /// left on the connection. `work` may begin transactions of its own inside: they are savepoints and keep the identity.
    ///
    /// Hand the transaction on and never ask the handle again inside: on the embedded database there is one connection.
    ///
    /// ```no_run
    /// # use pml_service::{Db, Error, Principal};
    /// # use sea_orm::EntityTrait;
    /// # async fn example(db: &Db, who: &Principal) -> Result<(), Error> {
    /// use pml_entity::traceability::execution_traces;
    ///
    /// let mine = db.as_principal(who, async |tx| Ok(execution_traces::Entity::find().all(tx).await?)).await?;
    /// # let _ = mine; Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Whatever `work` returns; [`Error::Forbidden`] where the role has no right, or the login of the pool may not take it on; and what
    /// opening and committing a transaction can meet.
    pub async fn as_principal<T, F>(&self, who: &Principal, work: F) -> Result<T, Error>
    where
        F: AsyncFnOnce(&DatabaseTransaction) -> Result<T, Error> + Send,
        T: Send,
    {
        self.under(role(who), who.user_id(), work).await
    }

    /// Runs `work` in a transaction as `service_role`, which the policies let do everything the data layer's own work needs.
    ///
    /// For work on nobody's behalf: recorders, retention, learning. Otherwise as [`as_principal`](Self::as_principal).
    ///
    /// # Errors
    /// As [`as_principal`](Self::as_principal).
    pub async fn as_service<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: AsyncFnOnce(&DatabaseTransaction) -> Result<T, Error> + Send,
        T: Send,
    {
        self.under(SERVICE, None, work).await
    }

    async fn under<T, F>(&self, role: &str, user: Option<UserId>, work: F) -> Result<T, Error>
    where
        F: AsyncFnOnce(&DatabaseTransaction) -> Result<T, Error> + Send,
        T: Send,
    {
        let tx = self.begin().await?;
        let user = user.map(|user| user.to_string()).unwrap_or_default();
        tx.execute_raw(statement(BECOME, [role.into(), user.into()]))
            .await?;
        match work(&tx).await {
            Ok(value) => {
                tx.commit().await?;
                Ok(value)
            }
            Err(error) => {
                // The connection may be gone; what `work` said is what the caller can use.
                if let Err(rollback) = tx.rollback().await {
                    tracing::debug!(error = %rollback, "the transaction could not be rolled back");
                }
                Err(error)
            }
        }
    }
}

const fn role(who: &Principal) -> &'static str {
    match who {
        Principal::Local => SERVICE,
        Principal::User { .. } => "authenticated",
        Principal::Anonymous => "anon",
    }
}
