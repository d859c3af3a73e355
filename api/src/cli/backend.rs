//! Where the commands of an area do their work: in the database itself, or through the server that holds it.

use std::sync::Arc;

use pml_entity::values::ToolId;
use pml_service::{
    Db, Error as ServiceError, Settings,
    embedding::{self, Embedder},
    tools::{self as service, SyncOptions, ToolDefinition},
};

use super::{
    connection::ConnectionArgs,
    exit::{Exit, Failure},
    output,
};
use crate::{
    client::ApiClient,
    http::{list_request, problem::Problem, search_request},
    wire::{
        List,
        tools::{
            ListQuery, SearchAnswer, SearchBody, StoredTool, SyncAnswer, SyncQuery, SyncRequest,
        },
    },
};

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
            Ok(local) => local.up_to_date().await,
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

    /// Stores the tools of a server. Progress is only told by a database of this process.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn sync(
        &self,
        server_id: &str,
        tools: Vec<ToolDefinition>,
        options: SyncOptions,
    ) -> Result<SyncAnswer, Failure> {
        match self {
            Self::Local(local) => {
                Ok(
                    service::sync_server(&local.db, &*local.embedder, server_id, tools, options)
                        .await?
                        .into(),
                )
            }
            Self::Remote(client) => {
                let tools = tools.into_iter().map(Into::into).collect();
                let query = SyncQuery {
                    reembed: options.reembed.then(|| "true".to_owned()),
                };
                Ok(client
                    .sync(server_id, &query, &SyncRequest { tools })
                    .await?)
            }
        }
    }

    /// Finds tools. The body is the one of the HTTP route, so that both ways judge it alike.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn search(&self, body: serde_json::Value) -> Result<SearchAnswer, Failure> {
        match self {
            Self::Local(local) => {
                // By way of text: raw numbers cannot be taken out of a parsed value.
                let body: SearchBody = serde_json::from_str(&body.to_string())
                    .map_err(|error| Failure::new(Exit::Usage, error.to_string()))?;
                let request = search_request(body)?;
                Ok(service::search(&local.db, &*local.embedder, &request)
                    .await?
                    .into())
            }
            Self::Remote(client) => Ok(client.search(body).await?),
        }
    }

    /// Lists stored tools.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn list(&self, query: ListQuery) -> Result<List<StoredTool>, Failure> {
        match self {
            Self::Local(local) => {
                let (filter, page) = list_request(query)?;
                Ok(service::list(&local.db, &filter, page).await?.into())
            }
            Self::Remote(client) => Ok(client.list(&query).await?),
        }
    }

    /// Shows one tool.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn get(&self, tool_id: &str) -> Result<StoredTool, Failure> {
        match self {
            Self::Local(local) => Ok(service::get(&local.db, &ToolId::from_stored(tool_id))
                .await?
                .into()),
            Self::Remote(client) => Ok(client.get(tool_id).await?),
        }
    }

    /// Removes one tool.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn remove(&self, tool_id: &str) -> Result<(), Failure> {
        match self {
            Self::Local(local) => Ok(service::remove(&local.db, &ToolId::from_stored(tool_id))
                .await
                .map(|_| ())?),
            Self::Remote(client) => Ok(client.remove(tool_id).await?),
        }
    }
}

impl Local {
    async fn up_to_date(self) -> Result<Backend, Failure> {
        let pending = self.db.pending_migrations().await?;
        if pending.is_empty() {
            return Ok(Backend::Local(Box::new(self)));
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
