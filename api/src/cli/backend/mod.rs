//! Where the commands of an area do their work: in the database itself, or through the server that holds it.

mod capabilities;
mod tools;
mod traces;

use std::sync::Arc;

use pml_service::{
    Db, Error as ServiceError, Settings,
    embedding::{self, Embedder},
};

use super::{
    connection::ConnectionArgs,
    exit::{Exit, Failure},
    output,
};
use crate::{client::ApiClient, http::problem::Problem};

/// An opened way to the data.
pub enum Backend {
    /// This process has the database.
    Local(Box<Local>),
    /// Another process has it and serves it.
    Remote(ApiClient),
}

/// A database of this process.
pub struct Local {
    /// The connection.
    pub db: Db,
    /// Makes embeddings of texts.
    pub embedder: Arc<dyn Embedder>,
}

impl Backend {
    /// Opens the configured database; the server of `PML_URL`, or the one that holds the folder, when there is one.
    ///
    /// An embedded database is migrated on the way, as `pml serve` does; any other must be up to date.
    ///
    /// # Errors
    /// [`Failure`] when neither can be had.
    pub async fn open(args: &ConnectionArgs) -> Result<Self, Failure> {
        let settings = args.settings()?;
        if let Some(url) = &settings.url {
            output::note(&format!("going through the server at {url} (PML_URL)"));
            return Ok(Self::Remote(ApiClient::new(url)?));
        }
        let progress = output::spinner("opening the database");
        let opened = match Db::connect(&settings).await {
            Ok(db) => Self::local(db, &settings).await,
            Err(error) => Err(error),
        };
        progress.finish_and_clear();
        match opened {
            Ok(local) => Ok(Self::Local(Box::new(local.up_to_date().await?))),
            Err(ServiceError::DataDirInUse {
                url: Some(url),
                path,
                ..
            }) => {
                let folder = path.display();
                output::note(&format!(
                    "{folder} is in use; going through the server at {url}"
                ));
                Ok(Self::Remote(ApiClient::new(&url)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the configured database itself, for a command that no server carries out for others.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be had; when a server holds it, with what to do instead.
    pub async fn open_here(args: &ConnectionArgs, instead: &str) -> Result<Local, Failure> {
        let settings = args.settings()?;
        if let Some(url) = &settings.url {
            let message = format!("this is not done through a server, and PML_URL names {url}");
            return Err(Failure::new(Exit::Refused, message)
                .hint("unset PML_URL and give --database-url or --data-dir"));
        }
        let progress = output::spinner("opening the database");
        let opened = match Db::connect(&settings).await {
            Ok(db) => Self::local(db, &settings).await,
            Err(error) => Err(error),
        };
        progress.finish_and_clear();
        match opened {
            Ok(local) => local.up_to_date().await,
            Err(error @ ServiceError::DataDirInUse { .. }) => {
                Err(Failure::from(error).hint(instead))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn local(db: Db, settings: &Settings) -> Result<Local, ServiceError> {
        let embedder = embedding::from_settings(settings)?;
        if db.is_embedded() {
            db.migrate(None).await?;
        }
        Ok(Local { db, embedder })
    }

    /// Ends the connection. An embedded database is stopped cleanly.
    pub async fn close(self) {
        if let Self::Local(local) = self {
            super::close(local.db).await;
        }
    }
}

impl Local {
    async fn up_to_date(self) -> Result<Self, Failure> {
        let pending = self.db.pending_migrations().await?;
        if pending.is_empty() {
            return Ok(self);
        }
        super::close(self.db).await;
        let message = format!(
            "{} migrations are not applied to this database",
            pending.len()
        );
        Err(Failure::new(Exit::Database, message).hint("apply them with `pml migrate up`"))
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        crate::client::Error::Problem(Box::new(problem.document().clone())).into()
    }
}
