//! The handle on the database that everything else works through.

mod connect;
mod executor;
mod health;
mod pooler;
mod principal;
mod retry;
mod stats;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use pml_migration::{OnStep, Options, Report};
use sea_orm::DatabaseConnection;

pub use health::Health;
pub(crate) use retry::jittered;
pub use retry::retry;
pub use stats::{Snapshot, StatementHook, StatementInfo, StatementStats};

use crate::Error;
#[cfg(feature = "embedded")]
use crate::embedded::EmbeddedServer;

/// How long a close waits for calls that still run.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// An open database: the connection pool, and the embedded server behind it if there is one. Clones share both.
///
/// It can be handed to every function of this crate that takes an executor; so can a transaction that it began.
///
/// **On the embedded database there is one connection.** Never ask the handle for anything while holding a transaction of it:
/// that waits for itself. Hand the transaction on instead.
#[derive(Clone)]
pub struct Db {
    connection: DatabaseConnection,
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    stats: StatementStats,
    #[cfg(feature = "embedded")]
    server: tokio::sync::Mutex<Option<EmbeddedServer>>,
    embedded: bool,
}

impl Db {
    /// The connection pool.
    pub fn conn(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// The URL of the database. **It holds the password**: not for logs.
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Whether this process serves the database itself.
    pub fn is_embedded(&self) -> bool {
        self.inner.embedded
    }

    /// Counts of the statements that went through this handle and its transactions (BEGIN and COMMIT are not counted).
    pub fn statements(&self) -> &StatementStats {
        &self.inner.stats
    }

    /// How to run migrations here: without the lock on the embedded database, which nobody else can reach.
    pub fn migration_options(&self) -> Options {
        Options {
            exclusive: self.inner.embedded,
            ..Options::default()
        }
    }

    /// Applies every pending migration. Safe to call from several instances at once.
    ///
    /// # Errors
    /// [`Error::Migration`], which names the step.
    pub async fn migrate(&self, on_step: Option<OnStep>) -> Result<Report, Error> {
        let options = Options {
            on_step,
            ..self.migration_options()
        };
        Ok(pml_migration::up(&self.connection, &options).await?)
    }

    /// Names of the migrations that are not applied. Works on an empty database and without the right to change anything.
    ///
    /// # Errors
    /// [`Error::DatabaseUnavailable`] and the like.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, Error> {
        match pml_migration::pending(&self.connection).await {
            Ok(pending) => Ok(pending),
            Err(pml_migration::Error::Database(error)) => Err(error.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the address of this process's API into the data folder, for commands that find the folder in use. Does nothing on a remote database.
    ///
    /// # Errors
    /// [`Error::DataDir`] if the folder cannot be written any more.
    pub fn announce(&self, api_url: &str) -> Result<(), Error> {
        #[cfg(feature = "embedded")]
        if let Some(server) = self
            .inner
            .server
            .try_lock()
            .ok()
            .as_deref()
            .and_then(Option::as_ref)
        {
            server.announce(api_url)?;
        }
        #[cfg(not(feature = "embedded"))]
        let _ = api_url;
        Ok(())
    }

    /// Waits for running calls (ten seconds at most), closes every connection, and stops the embedded server. Other clones are closed with it.
    ///
    /// # Errors
    /// [`Error::Embedded`] if the embedded server does not stop; what was committed is safe all the same.
    pub async fn close(self) -> Result<(), Error> {
        if let Ok(closed) =
            tokio::time::timeout(CLOSE_TIMEOUT, self.connection.close_by_ref()).await
        {
            closed?;
        }
        #[cfg(feature = "embedded")]
        if let Some(server) = self.inner.server.lock().await.take() {
            server.shutdown().await?;
        }
        Ok(())
    }
}

impl Deref for Db {
    type Target = DatabaseConnection;

    fn deref(&self) -> &DatabaseConnection {
        &self.connection
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("embedded", &self.inner.embedded)
            .finish_non_exhaustive()
    }
}
